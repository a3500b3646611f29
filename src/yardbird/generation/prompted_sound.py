"""Draws sound from text prompts, and writes it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.loudness import SILENCE_DECIBELS, decibels, peak_of
from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform, read_wave, write_wave
from yardbird.data.readers import file_and_number
from yardbird.errors import InputError
from yardbird.generation.sound_orders import (
    LONGEST_SECONDS,
    SingConfig,
    file_names,
    is_recording,
    melody_solo,
    opening_seconds,
)
from yardbird.models.family_kinds import Codes, SoundFamily
from yardbird.models.trained_folder import open_family
from yardbird.music.caption_facts import frames_of_caption, spoken_key
from yardbird.music.keyfinding import estimate_key
from yardbird.music.score import Score
from yardbird.music.score_frames import AGE, NOTE, ScoreFrames, score_frames, with_chroma
from yardbird.pictures import spectrogram
from yardbird.progress import progress
from yardbird.seeds import derive_seed
from yardbird.software import software
from yardbird.tables.generated_tables import GeneratedSound, write_generated_sounds

_AT_ONCE = 8  # sounds: larger batches are hardly faster, and exhaust memory with the hub's model sizes


@dataclass(frozen=True, eq=False)
class Melody:
    """A solo that a sound continues after its opening or follows."""

    score: Score | None  # None: the solo is a recording
    codes: Codes | None  # of the opening, (codebooks, frames); None: the sound follows the whole solo
    chroma: NDArray[np.uint16] | None  # of the whole solo, for a model with this condition, if the sound follows it
    file: Path

    def frames(self, prompt: str, count: int, frame_rate: float) -> ScoreFrames:
        """The score for `count` frames. After an opening, the notes are unknown, and the key is that of the prompt."""
        if self.score is None:
            rows = frames_of_caption(prompt, count, frame_rate)
        else:
            own_key = self.score.key or estimate_key(self.score.notes)
            key = own_key if self.codes is None else spoken_key(prompt) or own_key
            rows = score_frames(self.score, key, 0.0, count, frame_rate)
        if self.codes is not None:
            rows[self.codes.shape[1] :, [NOTE, AGE]] = 0
        return rows if self.chroma is None else with_chroma(rows, self.chroma)


@dataclass(frozen=True, eq=False)
class Sound:
    """A drawn sound; `index` is the position of its prompt, `unknown_words` are absent from the training captions."""

    name: str
    index: int
    prompt: str
    unknown_words: tuple[str, ...]
    waveform: Waveform
    primed_seconds: float

    @property
    def drawn_seconds(self) -> float:
        """The duration after the melody."""
        return self.waveform.seconds - self.primed_seconds


def open_singer(folder: Path) -> tuple[SoundFamily, Mapping[str, Any]]:
    """A trained MusicGen on the available device, and the provenance of its weights.

    Raises:
        InputError: the folder has no model, or one of another family.
    """
    family, provenance = open_family(folder)
    if not isinstance(family, SoundFamily):
        found, remedy = f"a {family.name}", "name the folder of one; `yardbird generate` draws notes"
        raise InputError(folder, expected="a MusicGen", found=found, remedy=remedy)
    return family, provenance


def read_melody(family: SoundFamily, file: Path, config: SingConfig) -> Melody:
    """The solo in a file and, unless the sound follows it, its first `melody_seconds`, rendered and encoded.

    A shorter solo is used whole.

    Raises:
        InputError: as `melody_solo`, or the model cannot follow a recording.
    """
    score: Score | None = None
    if is_recording(file):
        sound = _read_recording(file)
        seconds = 0.0 if config.follow else opening_seconds(file, sound.seconds, config)
        if config.follow and not family.has_melody:
            found, remedy = "a recording", "use a model of facebook/musicgen-melody, or do not use --follow"
            raise InputError(file, expected="notes that the model can follow", found=found, remedy=remedy)
    else:
        score, seconds = melody_solo(file, config)
        if config.follow and not family.has_melody:
            return Melody(score, None, None, file)
        sound = render(score)
    samples = to_mono(sound, family.sample_rate)
    if config.follow:
        return Melody(score, None, family.melody_chroma(samples), file)
    return Melody(score, family.encode_sound(samples[: round(seconds * family.sample_rate)]), None, file)


def _read_recording(file: Path) -> Waveform:
    """The beginning of a recording, as long as the longest sound."""
    whole = read_wave(file)
    sound = Waveform(whole.samples[: LONGEST_SECONDS * whole.sample_rate], whole.sample_rate)
    finite = bool(np.isfinite(sound.samples).all())
    if not finite or decibels(peak_of(sound.samples)) < SILENCE_DECIBELS:
        found = f"none in the first {LONGEST_SECONDS} seconds" if finite else "infinite samples or NaN"
        raise InputError(file, expected="sound", found=found, remedy="use another recording")
    return sound


def sing(
    family: SoundFamily, prompts: Sequence[str], config: SingConfig, seed: int, melody: Melody | None = None
) -> list[Sound]:
    """Draw one sound per prompt, of exactly `config.seconds` rounded to frames, including the melody.

    A sound depends on its prompt, the position of the prompt, the settings and the seed.

    Raises:
        InputError: the model's scores are not finite.
    """
    frames = max(1, round(config.seconds * family.frame_rate))
    names, sounds = file_names(prompts), []
    for first in range(0, len(prompts), _AT_ONCE):
        group = prompts[first : first + _AT_ONCE]
        primes = [melody.codes[:, :frames]] * len(group) if melody and melody.codes is not None else None
        scores = [melody.frames(prompt, frames, family.frame_rate) for prompt in group] if melody else None
        drawn = family.generate(group, frames, config.sampling, derive_seed(seed, "sing", first), primes, scores)
        for index, (prompt, codes) in enumerate(zip(group, drawn, strict=True), first):
            waveform = Waveform(family.decode_channels(codes), family.sample_rate)
            primed = primes[0].shape[1] / family.frame_rate if primes else 0.0
            sounds.append(Sound(names[index], index, prompt, family.unknown_words(prompt), waveform, primed))
    return sounds


def remarks(sounds: Sequence[Sound]) -> list[str]:
    """One line for every prompt with words that are absent from the training captions."""
    return [
        f"{sound.prompt!r}: the training captions do not contain {', '.join(map(repr, sound.unknown_words))}"
        for sound in sounds
        if sound.unknown_words
    ]


def made_from(prompts: Sequence[str], melody: Melody | None) -> dict[str, Any]:
    """The entry `made` of the provenance: all prompts of the batch, the file of the melody, the software."""
    melodies = {"melody": os.path.relpath(melody.file)} if melody else {}
    return {"by": "sing", "prompts": list(prompts), "files": melodies, "with": software("sing")}


def write_sounds(
    sounds: Sequence[Sound],
    folder: Path,
    config: SingConfig,
    seed: int,
    model: Mapping[str, Any],
    made: Mapping[str, Any],
    melody: Melody | None = None,
) -> None:
    """Replace `folder` with the sounds, each as .wav, .png and .json under its name, and a manifest.csv.

    Args:
        model: provenance of the model: family, hash, training data.
        made: what else `yardbird regenerate` needs: the command, the prompts, the software.
    """
    with files.replacing_folder(folder) as draft:
        for sound in progress(sounds, doing="writing sounds", unit="sound"):
            write_sound(sound, draft / sound.name, config, seed, model, made, melody)
        write_generated_sounds(draft, [_row(sound, seed) for sound in sounds])


def write_sound(
    sound: Sound,
    stem: Path,
    config: SingConfig,
    seed: int,
    model: Mapping[str, Any],
    made: Mapping[str, Any],
    melody: Melody | None = None,
) -> None:
    """Write stem.wav, stem.png (the spectrogram) and stem.json (the provenance); `made` as in `write_sounds`."""
    write_wave(sound.waveform, stem.with_name(f"{stem.name}.wav"))
    picture = stem.with_name(f"{stem.name}.png")
    spectrogram.draw(sound.waveform, picture, title=sound.prompt, primed_seconds=sound.primed_seconds)
    settings = {key: value for key, value in asdict(config).items() if key != "prompts"}
    provenance = {
        **asdict(_row(sound, seed)),
        "unknown_words": sound.unknown_words,
        "sample_rate": sound.waveform.sample_rate,
        "model": model,
        "settings": settings | {"melody": melody and melody.file.name},
        "melody": melody and {"file": melody.file.name, "sha256": files.sha256(file_and_number(melody.file)[0])},
        "made": made,
    }
    files.write_json(stem.with_name(f"{stem.name}.json"), provenance)


def _row(sound: Sound, seed: int) -> GeneratedSound:
    return GeneratedSound(
        sound=sound.name,
        path=f"{sound.name}.wav",
        prompt=sound.prompt,
        unknown_words=" ".join(sound.unknown_words),
        seconds=round(sound.waveform.seconds, 3),
        primed_seconds=round(sound.primed_seconds, 3),
        seed=seed,
        index=sound.index,
    )
