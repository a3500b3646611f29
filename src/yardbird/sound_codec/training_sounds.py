"""Training and held-out sounds of the codec: etudes and random melodies, rendered with many instruments.

Every epoch makes new training sounds from its own random stream. The held-out sounds have another stream, so that no
score is in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.synth import render
from yardbird.config import MidiNumber, PositiveFloat, PositiveInt, Settings, Share
from yardbird.data.etudes.compose import etudes
from yardbird.music.excerpts import excerpts
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.nn.encodec import SAMPLE_RATE
from yardbird.seeds import derive_seed, generator

Samples = NDArray[np.float32]

COMPING = "with piano and bass"

_TICKS = 480  # a beat
_EXCERPT_BEATS = 32
_MELODY_NOTES = 40
_LENGTHS = (0.25, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0)  # beats
_SOUNDING = 10 ** (-40 / 20)  # root mean square of a crop worth learning from


@dataclass(frozen=True)
class Instrument(Settings, section="codec.sounds.instruments"):
    """The weight of a program among the sounds, and its range of keys."""

    name: str
    weight: PositiveFloat
    lowest: MidiNumber
    highest: MidiNumber

    def __post_init__(self) -> None:
        super().__post_init__()
        below = f"an octave or more below the highest key {self.highest}"
        self.require(self.lowest <= self.highest - 11, "lowest", below)


@dataclass(frozen=True)
class SoundsConfig(Settings, section="codec.sounds"):
    """Section `codec.sounds` of params.yaml."""

    instruments: Mapping[str, Instrument]  # by MIDI program, counted from 0
    etude_share: Share  # the others are random melodies, in which every key is equally likely
    comping_share: Share  # share of the etudes with piano and bass
    pool_seconds: PositiveInt  # rendered for each epoch
    held_out_clips: PositiveInt
    held_out_seconds: PositiveFloat  # of each clip


@dataclass(frozen=True, eq=False)
class Clip:
    """A held-out sound at `SAMPLE_RATE`. Its group is the instrument, or `COMPING` with piano and bass."""

    group: str
    samples: Samples


def training_pool(config: SoundsConfig, seed: int, epoch: int) -> Samples:
    """At least `pool_seconds` of concatenated pieces."""
    pieces, length, number = [], 0, 0
    while length < config.pool_seconds * SAMPLE_RATE:
        pieces.append(_piece(config, derive_seed(seed, "codec", "train", epoch), number)[1])
        length += len(pieces[-1])
        number += 1
    return np.concatenate(pieces)


def held_out(config: SoundsConfig, seed: int) -> list[Clip]:
    """The clips for measuring the codec, each from the middle of another piece."""
    clips = []
    wanted = round(config.held_out_seconds * SAMPLE_RATE)
    for number in range(config.held_out_clips):
        group, samples = _piece(config, derive_seed(seed, "codec", "held out"), number)
        start = max(0, (len(samples) - wanted) // 2)
        clips.append(Clip(group, samples[start : start + wanted]))
    return clips


def crops(pool: Samples, count: int, length: int, rng: np.random.Generator) -> Samples:
    """`count` random crops of the pool that are not silent: (count, length)."""
    found: list[Samples] = []
    while len(found) < count:
        start = int(rng.integers(len(pool) - length))
        crop = pool[start : start + length]
        if np.sqrt(np.mean(crop.astype(np.float64) ** 2)) > _SOUNDING:
            found.append(crop)
    return np.stack(found)


def _piece(config: SoundsConfig, seed: int, number: int) -> tuple[str, Samples]:
    from scipy import signal

    rng = generator(seed, number)
    names = list(config.instruments)
    weights = np.array([config.instruments[name].weight for name in names])
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    is_etude = bool(rng.random() < config.etude_share)
    comping = is_etude and bool(rng.random() < config.comping_share)
    score = _etude(rng) if is_etude else _melody(config.instruments[name], rng)
    score = replace(_in_range(score, config.instruments[name], rng), program=int(name))
    wave = render(score, comping=comping)
    samples = signal.resample_poly(wave.mono, SAMPLE_RATE // 100, wave.sample_rate // 100)
    return COMPING if comping else config.instruments[name].name, samples.astype(np.float32)


def _etude(rng: np.random.Generator) -> Score:
    """An excerpt of a new etude, at its player's tempo."""
    *_, etude = etudes(
        int(rng.integers(1 << 62)), int(rng.integers(1, 9))
    )  # take the last one: the first etudes always have the same form
    pieces = excerpts(etude.score, _EXCERPT_BEATS)
    return pieces[int(rng.integers(len(pieces)))]


def _melody(instrument: Instrument, rng: np.random.Generator) -> Score:
    """Random notes in the range, with random velocities, some of them legato, some followed by a rest."""
    rows, beat = [], 0.0
    for _ in range(_MELODY_NOTES):
        length = float(rng.choice(_LENGTHS))
        sounding = length * float(rng.uniform(0.6, 1.0))
        pitch = int(rng.integers(instrument.lowest, instrument.highest + 1))
        rows.append((round(beat * _TICKS), max(1, round(sounding * _TICKS)), pitch, int(rng.integers(30, 128))))
        beat += length + (length if rng.random() < 0.05 else 0.0)
    return Score(_TICKS, make_notes(rows), round(beat * _TICKS), tempos=(Tempo(0, float(rng.uniform(80, 240))),))


def _in_range(score: Score, instrument: Instrument, rng: np.random.Generator) -> Score:
    """Transpose a score into the instrument's range. Notes that are still outside move by octaves."""
    low, high = int(score.pitches.min()), int(score.pitches.max())
    least, most = instrument.lowest - low, instrument.highest - high
    moved = score.transposed(int(rng.integers(min(least, most), max(least, most) + 1)))
    pitches = moved.pitches.copy()
    pitches += 12 * (-((pitches - instrument.lowest) // 12)).clip(min=0)
    pitches -= 12 * (-((instrument.highest - pitches) // 12)).clip(min=0)
    notes = moved.notes.copy()
    notes["pitch"] = pitches
    return replace(moved, notes=notes)
