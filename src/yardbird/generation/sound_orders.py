"""Which sounds are drawn: section `sing`, the names of the files, and the solo that a sound continues or follows."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

from yardbird.config import NOT_EMPTY, Check, NonNegativeFloat, PositiveFloat, Settings
from yardbird.data.readers import SOUND_SUFFIXES
from yardbird.data.reading import load_midi
from yardbird.errors import InputError
from yardbird.music.score import Score

if TYPE_CHECKING:  # torch is imported where sampling starts, after a command has checked its arguments
    from yardbird.nn.sampling import SoundSampling

MELODIES = Path("data/charts")  # the generate stage uses the music files there as primes, too

MOST_LETTERS = 500  # of a prompt
LONGEST_SECONDS, _MOST_SECONDS = 600, 3600  # of a sound, and of all sounds together
_LONGEST_NAME = 60
_MOST_CODES = 1_000_000  # more than any codebook has

_Words = Annotated[str, Check(str.strip, "words")]


@dataclass(frozen=True)
class SingConfig(Settings, section="sing"):
    """Section `sing` of params.yaml."""

    prompts: Annotated[tuple[_Words, ...], NOT_EMPTY]
    seconds: Annotated[float, Interval(gt=0, le=LONGEST_SECONDS)]  # of every sound, including a melody
    guidance: NonNegativeFloat  # classifier-free guidance scale; 1: the prompt has no more weight than in training
    temperature: NonNegativeFloat  # 0: greedy decoding
    top_k: (
        Annotated[int, Interval(ge=1, le=_MOST_CODES)] | None
    )  # sample only from this many of the most probable codes
    melody: str | None  # a music or sound file in data/charts; every sound continues its opening, or follows it
    melody_seconds: PositiveFloat  # length of that opening
    follow: bool  # the model performs all notes of the melody; false: it hears the opening and continues it

    def __post_init__(self) -> None:
        super().__post_init__()
        most = f"at most {_MOST_SECONDS} in all {len(self.prompts)} sounds"
        self.require(self.seconds * len(self.prompts) <= _MOST_SECONDS, "seconds", most)

    @property
    def sampling(self) -> "SoundSampling":
        from yardbird.nn.sampling import SoundSampling

        return SoundSampling(self.guidance, self.temperature, self.top_k)


def check_prompt(prompt: str, name: str) -> None:
    """Refuse a prompt without words, or a long one.

    Raises:
        InputError: as above; it names the prompt `name`.
    """
    if not prompt.strip():
        remedy = "describe the sound, e.g. Be-bop jazz solo in F"
        raise InputError(name, expected="words", found="none", remedy=remedy)
    if len(prompt) > MOST_LETTERS:
        expected, found = f"at most {MOST_LETTERS} letters", f"{len(prompt):,}"
        raise InputError(name, expected=expected, found=found, remedy="shorten it")


def melody_solo(file: Path, config: SingConfig) -> tuple[Score, float]:
    """The solo in a file, and how many seconds of its sound are given: none if the model follows its notes.

    Raises:
        InputError: the file is missing, has no solo, or leaves nothing to draw.
    """
    score = load_midi(file)
    return score, 0.0 if config.follow else opening_seconds(file, score.seconds, config)


def is_recording(melody: Path) -> bool:
    """Whether a melody is a sound, which has no notes."""
    return melody.suffix.lower() in SOUND_SUFFIXES


def opening_seconds(file: Path, length: float, config: SingConfig) -> float:
    """How many of the seconds of a melody a sound continues.

    Raises:
        InputError: they leave nothing to draw.
    """
    seconds = min(config.melody_seconds, length)
    if seconds >= config.seconds:
        expected, found = f"a melody of less than {config.seconds:g} seconds", f"{seconds:g}"
        raise InputError(file, expected=expected, found=found, remedy="raise the seconds, or shorten the melody")
    return seconds


def file_names(prompts: Sequence[str]) -> list[str]:
    """One file name per prompt, without suffix: its letters and digits; repeated names are numbered.

    >>> file_names(["Be-bop jazz solo in F#", "be bop jazz solo, in F♯", "../♪"])
    ['be_bop_jazz_solo_in_f_sharp', 'be_bop_jazz_solo_in_f_sharp_2', 'sound']
    """
    names: list[str] = []
    for prompt in prompts:
        spelt = prompt.replace("#", " sharp").replace("♯", " sharp").replace("♭", "b")
        letters = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode().lower()
        stem = re.sub("[^a-z0-9]+", "_", letters).strip("_")[:_LONGEST_NAME].strip("_") or "sound"
        numbered = (f"{stem}_{number}" for number in range(2, len(prompts) + 2))
        names.append(stem if stem not in names else next(name for name in numbered if name not in names))
    return names
