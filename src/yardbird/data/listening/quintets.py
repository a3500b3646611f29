"""Renders of synthetic quintets whose key, tempo, beats and instrument are known.

A soloist plays an excerpt of an etude over piano, bass and drums, and a second horn holds the third of each chord. The
listener is fitted on such renders and tested on others. Keys, tempos, instruments and the levels of the players vary,
and some renders have the soloist alone.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.comping import accompaniment, drums
from yardbird.audio.synth import SAMPLE_RATE, render
from yardbird.audio.wave import Waveform
from yardbird.data.captions import INSTRUMENTS
from yardbird.data.etudes.compose import Etude
from yardbird.music.chords import QUALITIES
from yardbird.music.excerpts import excerpts
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Floats, Score, Tempo, make_notes
from yardbird.seeds import generator

#: The soloist's MIDI program → the sounding pitches that its part is moved into.
_RANGES = {
    0: (48, 84), 11: (53, 89), 26: (40, 84), 56: (54, 82), 57: (40, 72), 64: (56, 88), 65: (49, 84), 66: (44, 82),
    67: (36, 75), 71: (50, 89), 73: (60, 91),
}  # fmt: skip
_SECOND_HORNS = (56, 66, 57, 65)
_QPM = (90.0, 300.0)
_ALONE = 0.15  # share of the renders without a band
_MOST_SILENCE = 2.0  # seconds before the first beat
_BEATS_PER_BAR = 4
#: dB relative to the soloist, and the standard deviation.
_BAND_LEVEL, _SPREAD = -12.0, 3.0


@dataclass(frozen=True, eq=False)
class Quintet:
    """A render and what is known about it. Bars have four beats; the first beat starts a bar."""

    sound: Waveform
    instrument: str
    key: Key
    qpm: float
    beat_seconds: Floats


def quintet(etude: Etude, number: int, seconds: float, seed: int) -> Quintet:
    """A render of about `seconds` of an etude; `number` chooses the instruments in turn, the rest is random."""
    rng = generator(seed, "quintet", number)
    programs = list(_RANGES)
    program = programs[number % len(programs)]
    qpm = float(np.exp(rng.uniform(*np.log(_QPM))))
    semitones = int(rng.integers(-6, 6))
    bars = max(1, int(seconds * qpm / 60 / _BEATS_PER_BAR))
    pieces = excerpts(_transposed(etude.score, semitones), bars * _BEATS_PER_BAR)
    score = replace(pieces[int(rng.integers(len(pieces)))], tempos=(Tempo(0, qpm),))
    parts = [_in_range(score, program)]
    if rng.random() >= _ALONE:
        horn = next(horn for horn in np.roll(_SECOND_HORNS, int(rng.integers(4))).tolist() if horn != program)
        parts += [*accompaniment(score), drums(score), _in_range(_thirds(score), horn)]
    silence = float(rng.uniform(0, _MOST_SILENCE))
    levels = [0.0, *rng.normal(_BAND_LEVEL, _SPREAD, len(parts) - 1)]
    beats = np.arange(score.end_tick // score.ticks_per_beat) * 60 / qpm
    return Quintet(
        sound=Waveform(_mixed(parts, levels, silence), SAMPLE_RATE),
        instrument=INSTRUMENTS[program],
        key=etude.tune.key.transposed(semitones),
        qpm=qpm,
        beat_seconds=silence + beats,
    )


def _mixed(parts: list[Score], levels: list[float], silence: float) -> NDArray[np.float32]:
    waves = [render(part).samples * np.float32(10 ** (level / 20)) for part, level in zip(parts, levels, strict=True)]
    mix = np.zeros((max(map(len, waves)), 1), dtype=np.float32)
    for wave in waves:
        mix[: len(wave)] += wave
    mix /= max(1.0, float(np.abs(mix).max()))
    return np.concatenate([np.zeros((round(silence * SAMPLE_RATE), 1), dtype=np.float32), mix])


def _transposed(score: Score, semitones: int) -> Score:
    notes = score.notes.copy()
    notes["pitch"] += semitones
    chords = tuple(ChordChange(c.tick, c.chord and c.chord.transposed(semitones)) for c in score.chords)
    return replace(score, notes=notes, chords=chords)


def _in_range(score: Score, program: int) -> Score:
    """The part of an instrument, moved by octaves into its range."""
    lowest, highest = _RANGES[program]
    notes = score.notes.copy()
    pitches = notes["pitch"].astype(np.int64)
    pitches += 12 * round(((lowest + highest) / 2 - float(np.median(pitches))) / 12)
    pitches += 12 * np.ceil(np.maximum(lowest - pitches, 0) / 12).astype(np.int64)
    pitches -= 12 * np.ceil(np.maximum(pitches - highest, 0) / 12).astype(np.int64)
    notes["pitch"] = pitches
    return replace(score, notes=notes, program=program)


def _thirds(score: Score) -> Score:
    """The third (or the fourth) of each chord, held."""
    ends = [*(change.tick for change in score.chords[1:]), score.end_tick]
    rows = [
        (change.tick, end - change.tick, 60 + (change.chord.root + QUALITIES[change.chord.quality][1]) % 12, 70)
        for change, end in zip(score.chords, ends, strict=True)
        if change.chord and end > change.tick
    ]
    return replace(score, notes=make_notes(rows))
