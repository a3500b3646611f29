"""The tab Sing: sound for a prompt, from a MusicGen; it may continue the opening of a melody, or follow it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from yardbird.config import read_section
from yardbird.errors import ConfigError, InputError
from yardbird.generation.prompted_sound import Melody, Sound, read_melody, remarks, sing, write_sound
from yardbird.generation.sound_orders import SingConfig, check_prompt
from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.solo_desk import new_seed
from yardbird.studio.studio_session import Chosen, Session

MOST_SECONDS = 30.0


@dataclass(frozen=True, eq=False)
class Sung:
    """A drawn sound with its settings."""

    sound: Sound
    settings: SingConfig
    seed: int
    melody: Melody | None
    provenance: Mapping[str, Any]

    @property
    def remarks(self) -> Sequence[str]:
        """Notes for the visitor, such as words that the model does not know."""
        return remarks([self.sound])


def prompts() -> tuple[str, ...]:
    """The prompts of params.yaml."""
    return read_section("sing", SingConfig).prompts


def sing_prompt(
    shelf: ModelShelf, session: Session, model: str | None, prompt: str, seconds: float, guidance: float,
    temperature: float, melody: Chosen | None, melody_seconds: float, follow: bool,
) -> Sung:  # fmt: skip
    """Draw a sound. If it follows a melody, it ends with it, or before it after `seconds`.

    Raises:
        InputError: the prompt is empty or too long, there is no melody to follow, or a value, the melody or the model
            is unusable.
    """
    check_prompt(prompt, "prompt")
    if follow and melody is None:
        raise InputError("melody", expected="a melody to follow", found="none", remedy="choose one")
    if seconds > MOST_SECONDS:
        found = f"{seconds:g}"
        raise InputError("seconds", expected=f"at most {MOST_SECONDS:g}", found=found, remedy="request a shorter sound")
    options: dict[str, Any] = {
        "prompts": (prompt,), "seconds": float(seconds), "guidance": float(guidance),
        "temperature": float(temperature), "melody_seconds": float(melody_seconds),
        "follow": follow,
    }  # fmt: skip
    try:
        settings = replace(read_section("sing", SingConfig), **options)
    except ConfigError as error:
        name = error.key.rpartition(".")[2]
        raise InputError(name, expected=error.expected, found=error.found, remedy="change it") from None
    family, provenance = shelf.singer(model)
    if melody:
        melody.read()  # a long or unusable file is an error that names the file
    opening = read_melody(family, melody.path, settings) if melody else None
    if opening and opening.score and follow:
        settings = replace(settings, seconds=min(settings.seconds, opening.score.seconds))
    seed = new_seed()
    (sound,) = sing(family, [prompt], settings, seed, opening)
    return Sung(replace(sound, name=session.new_name(prompt)), settings, seed, opening, provenance)


def keep(session: Session, sung: Sung) -> None:
    """Write the sound as .wav, its spectrogram .png and its provenance .json."""
    stem, made = session.folder / sung.sound.name, {"by": "studio"}
    write_sound(sung.sound, stem, sung.settings, sung.seed, sung.provenance, made, sung.melody)
    session.keep(sung.sound.name, {"made": "sung", "asked": asdict(sung.settings)})
