"""What is known before each token of a chorale, as intervals: the input of `chorale_model.IntervalModel`.

A token is the pitch of one voice in one sixteenth, and its class is the interval from the latest pitch of its voice.
Every pitch before it is given relative to that same pitch or to the estimated tonic, so that the same music in another
key is the same input, except for the heights of the voices:

    soprano 67 69      class of the alto's second token: 0 (62 → 62)
    alto    62  ?      soprano 7 above the alto's latest pitch, held for 1, moved by 2; tenor 5 below; …

Shapes: sixteenths T, eighths S, voices V = 4.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from chorales import HIGHEST, USUAL, VOICES, Integers
from numpy.typing import NDArray
from torch import Tensor

from yardbird.errors import InputError

Floats = NDArray[np.float64]

LEAP = 24  # semitones, the widest step of a voice
REST = 2 * LEAP + 1  # the class after those of the steps
CLASSES = REST + 1  # of a token
WIDE = 36  # semitones between two voices; wider intervals share a class
FROM_REST = 2 * WIDE + 1  # the class of a voice that rests, after those of the intervals
LONGEST = 32  # sixteenths that a pitch is held; longer ones share a class
KEYS = 24  # 12 tonics, major and minor
HALF_LIVES = (None, 64.0, 16.0)  # sixteenths; how fast the histograms of pitch classes forget
LOCAL = 24.0  # half-life of the pitches that estimate the present key
REPEATED = 0.25  # weight of a sixteenth in the estimate of a key, because pitches are held


@dataclass(frozen=True)
class Piece:
    """One chorale, all tensors by token: (V, T, …), or by eighth: (S, …)."""

    classes: Tensor  # (V, T) what is predicted
    known: Tensor  # (V, T, K) rows of the table of embeddings
    histograms: Tensor  # (V, T, 36) shares of the pitch classes until then, from the class of the voice's latest pitch
    heights: Tensor  # (V, T, 6) height of each voice in its range, its square, and time since the beginning
    apart: Tensor  # (V, T, V) semitones between the latest pitches of each two voices
    degrees: Tensor  # (V, T, 2) of its latest pitch in the key until then and in the present key, with the mode
    height: Tensor  # (V, T) of its latest pitch
    eighths: Tensor  # (S, E) rows of another table: what the voices did in each eighth

    def __len__(self) -> int:
        return self.classes.shape[1]


class Table:
    """Columns of classes, each with its own rows in one table of embeddings."""

    def __init__(self) -> None:
        self.size, self._columns = 0, list[Integers]()

    def add(self, classes: Integers, count: int) -> None:
        assert classes.min() >= 0
        assert classes.max() < count
        self._columns.append(classes + self.size)
        self.size += count

    def rows(self) -> Integers:
        return np.stack(self._columns, axis=-1)


class Voices:
    """The voices before each sixteenth: row t of (T + 1, V) arrays is known after t sixteenths."""

    def __init__(self, pitches: Integers) -> None:
        steps = np.arange(len(pitches) + 1)[:, None]
        resting = pitches > HIGHEST
        usual = np.array([USUAL])
        found = np.concatenate([usual, pitches])
        self.resting = np.concatenate([np.zeros((1, VOICES), bool), resting])
        self.latest = np.take_along_axis(found, np.maximum.accumulate(np.where(self.resting, 0, steps)), 0)
        moves = pitches - self.latest[:-1]
        self.classes = np.where(resting, REST, moves + LEAP)
        if (np.abs(moves[~resting]) > LEAP).any():
            wide, remedy = f"steps of at most {LEAP} semitones in each voice", "leave out the piece"
            raise InputError(Path("the chorales"), expected=wide, found="a wider one", remedy=remedy)
        changes = np.concatenate([np.ones((1, VOICES), bool), pitches[1:] != pitches[:-1]])
        began = np.maximum.accumulate(np.where(changes, steps[:-1], 0))
        self.held = np.concatenate([[[0] * VOICES], np.minimum(steps[:-1] - began + 1, LONGEST)])
        moved = np.where(began == 0, CLASSES, np.take_along_axis(self.classes, began, 0))
        self.moved = np.concatenate([[[CLASSES] * VOICES], moved])  # how a voice came to its pitch

    def before(self, rows: NDArray[np.generic], voice: int) -> Integers:
        """(T + 1, V) → (T, V): before the token of this voice, when higher voices have had their tokens."""
        return np.where(np.arange(VOICES) < voice, rows[1:], rows[:-1]).astype(np.int64)


def interval(semitones: Integers) -> Integers:
    return np.clip(semitones, -WIDE, WIDE) + WIDE


def fading(values: Floats, half_life: float | None) -> Floats:
    """Sums (T, …) of the values before each row, which fade with this half-life."""
    keep = 1.0 if half_life is None else 0.5 ** (1 / half_life)
    sums = np.zeros_like(values)
    for step in range(1, len(values)):
        sums[step] = keep * sums[step - 1] + values[step - 1]
    return sums


def pitch_classes(pitches: Integers) -> Floats:
    """How many voices have each pitch class: (T, 12)."""
    return np.stack([((pitches <= HIGHEST) & (pitches % 12 == each)).sum(1) for each in range(12)], axis=1) * 1.0


def key_profiles(pieces: list[Integers]) -> Floats:
    """Logarithms of the shares of the degrees in major and in minor: (2, 12).

    The tonic of a chorale is taken to be its last bass note. It is in major if the major third is the more frequent.
    """
    counts = np.ones((2, 12))
    for pitches in pieces:
        tonic = pitches[pitches[:, -1] <= HIGHEST, -1][-1] % 12
        degrees = np.roll(pitch_classes(pitches).sum(0), -tonic)
        counts[int(degrees[3] >= degrees[4])] += degrees
    logarithms: Floats = np.log(counts / counts.sum(1, keepdims=True))
    return logarithms


def keys(pitches: Integers, profiles: Floats, half_life: float | None) -> Integers:
    """The most probable key before each sixteenth: tonic, + 12 in minor: (T,)."""
    profile = np.concatenate([[np.roll(mode, tonic) for tonic in range(12)] for mode in profiles])
    found: Integers = fading(REPEATED * pitch_classes(pitches) @ profile.T, half_life).argmax(1)
    return found


def degree(pitch: Integers, key: Integers) -> Integers:
    """(T, …) → its degree in each key, + 12 in minor."""
    key = key.reshape(-1, *[1] * (pitch.ndim - 1))
    result: Integers = (pitch - key) % 12 + 12 * (key // 12)
    return result


def read_piece(pitches: Integers, profiles: Floats) -> tuple[Piece, int, int]:
    """The piece, and the sizes of its two tables."""
    found, steps = Voices(pitches), np.arange(len(pitches))
    in_key = [keys(pitches, profiles, half_life) for half_life in (None, LOCAL)]
    counts = np.stack([fading(pitch_classes(pitches), half_life) for half_life in HALF_LIVES], axis=1)
    shares = counts / (counts.sum(2, keepdims=True) + 2 * VOICES)
    beat = (steps - 1) // 4 * 4  # start of the beat of the sixteenth before
    table, tokens = Table(), []
    for voice in range(VOICES):
        own = found.latest[:-1, voice]
        latest, resting = found.before(found.latest, voice), found.before(found.resting, voice)
        held, moved = found.before(found.held, voice), found.before(found.moved, voice)
        first = table.size
        columns = Table()
        columns.add(steps % 16, 16)
        for other in range(VOICES):
            columns.add(np.where(resting[:, other] == 1, FROM_REST, interval(latest[:, other] - own)), FROM_REST + 1)
            columns.add(held[:, other], LONGEST + 1)
            columns.add(moved[:, other], CLASSES + 1)
            for back in (beat, beat - 4):
                then = found.latest[np.maximum(back, 0) + 1, other]
                columns.add(np.where((back < 0) | (steps == 0), FROM_REST, interval(then - own)), FROM_REST + 1)
        degrees = np.stack([degree(own, key) for key in in_key], axis=1)
        for column in degrees.T:
            columns.add(np.where(steps == 0, KEYS, column), KEYS + 1)
        table.size += columns.size
        height = (latest - np.array(USUAL)) / 6
        passed = np.minimum(steps, 256)[:, None] / 64
        turned = (own[:, None] + np.arange(12)) % 12
        tokens.append(
            {
                "known": columns.rows() + first,
                "histograms": np.concatenate(
                    [np.take_along_axis(each, turned, 1) for each in shares.swapaxes(0, 1)], 1
                ),
                "heights": np.concatenate([height, height[:, [voice]] ** 2, passed], axis=1),
                "apart": own[:, None] - latest,
                "degrees": degrees,
                "height": height[:, voice],
            }
        )
    eighths, size = eighth_rows(found, in_key[0])
    tensors = {name: stacked([token[name] for token in tokens]) for name in tokens[0]}
    return (
        Piece(torch.from_numpy(found.classes.T.copy()), **tensors, eighths=torch.from_numpy(eighths)),
        table.size,
        size,
    )


def stacked(arrays: list[NDArray[np.generic]]) -> Tensor:
    tensor = torch.from_numpy(np.stack(arrays))
    return tensor.float() if tensor.is_floating_point() else tensor


def eighth_rows(found: Voices, key: Integers) -> tuple[Integers, int]:
    """(S, E), and the size of the table. The last eighth may be half as long."""
    steps = len(key)
    start = np.arange(0, steps, 2)
    middle, end = start + 1, np.minimum(start + 2, steps)
    columns = Table()
    columns.add(np.arange(len(start)) % 8, 8)
    degrees = degree(found.latest[end], key[np.minimum(end, steps - 1)])
    for voice in range(VOICES):
        latest = found.latest[:, voice]
        columns.add(np.where(found.resting[end, voice], KEYS, degrees[:, voice]), KEYS + 1)
        columns.add(latest[middle] - latest[start] + LEAP, 2 * LEAP + 1)
        columns.add(latest[end] - latest[middle] + LEAP, 2 * LEAP + 1)
        columns.add(found.held[end, voice], LONGEST + 1)
        if voice < VOICES - 1:
            columns.add(interval(latest[end] - found.latest[end, -1]), FROM_REST + 1)
    return columns.rows(), columns.size
