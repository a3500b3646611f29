"""A solo in the latent space, with arithmetic such as `0.5 * a + 0.5 * b` and `a + 2 * blues`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, pairwise
from typing import TypeVar, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yardbird.codecs.melody import Frame, chord_features
from yardbird.music.score import ChordChange, Meter, Section, Tempo

Vector = NDArray[np.float32]
Change = TypeVar("Change", ChordChange, Meter, Section, Tempo)
_NOTHING = 1e-9  # smaller weights are rounding errors of weights that cancel out


@dataclass(frozen=True, eq=False)
class Latent:
    """One point z for each window, in playing order, and the frames for decoding.

    `z` is (windows, latent_dim). `frames` are the weighted frames of the solos it was mixed from. Their chords, tempos
    and lengths are mixed by weight. The written meters and chords are those of the frame with the largest weight. If
    two solos differ in length, the shorter one is repeated as further choruses.
    """

    z: Vector
    frames: tuple[tuple[float, Frame], ...]
    blur: float = 0.0  # noise level of z given to the decoder (standard deviation)

    #: Makes numpy call `__rmul__` for `scalar * latent`.
    __array_ufunc__ = None

    def __add__(self, other: Union["Latent", ArrayLike]) -> "Latent":
        if not isinstance(other, Latent):
            return self.with_z(self.z + np.asarray(other, dtype=np.float32))
        windows = np.arange(max(len(self.z), len(other.z)))
        z = self.z[windows % len(self.z)] + other.z[windows % len(other.z)]
        return Latent(z, self.frames + other.frames)

    __radd__ = __add__

    def __mul__(self, scale: float) -> "Latent":
        factor = float(scale)
        frames = tuple((weight * factor, frame) for weight, frame in self.frames)
        return Latent((self.z * np.float32(factor)).astype(np.float32), frames)

    __rmul__ = __mul__

    def __sub__(self, other: Union["Latent", ArrayLike]) -> "Latent":
        return self + (-1 * other if isinstance(other, Latent) else -np.asarray(other))

    def with_z(self, z: ArrayLike) -> "Latent":
        """The same frames with other points."""
        return replace(self, z=np.asarray(z, dtype=np.float32))

    @property
    def segments(self) -> int:
        """The mixed length, at least one."""
        return max(1, round(sum(weight * len(frame) for weight, frame in self._mixture)))

    @property
    def frame(self) -> Frame:
        """The frame with the largest weight (the first of equals), cut or repeated to the mixed length."""
        mixture = self._mixture
        _, heaviest = max(mixture, key=lambda part: part[0])
        logs = [weight * np.log(frame.score.mean_qpm) for weight, frame in mixture]
        return stretched(heaviest, self.segments, float(np.exp(sum(logs))) if len(mixture) > 1 else None)

    @property
    def condition(self) -> Vector:
        """(segments, S, features): the chords of all frames, mixed by weight."""
        segments = np.arange(self.segments)
        parts = [
            np.float32(weight) * chord_features(frame.chords[segments % len(frame)]) for weight, frame in self._mixture
        ]
        mixed: Vector = np.sum(parts, axis=0, dtype=np.float32)
        return mixed

    @property
    def _mixture(self) -> list[tuple[float, Frame]]:
        """The frames of positive weight, each once. Their weights add up to 1."""
        weights: dict[int, float] = {}
        for weight, frame in self.frames:
            weights[id(frame)] = weights.get(id(frame), 0.0) + weight
        unique = {id(frame): frame for _, frame in self.frames}
        total = sum(weight for weight in weights.values() if weight > _NOTHING)
        if not total:
            return [(1.0, self.frames[0][1])]
        return [(weight / total, unique[key]) for key, weight in weights.items() if weight > _NOTHING]


def stretched(frame: Frame, segments: int, qpm: float | None = None) -> Frame:
    """A frame cut or repeated to `segments` segments. `qpm` replaces its tempos."""
    order = np.arange(segments) % len(frame)
    lengths = frame.lengths[order]
    end_tick = int(lengths.sum())
    score, choruses = frame.score, range(0, end_tick, frame.score.end_tick)
    silent_start = bool(score.chords) and score.chords[0].tick > 0
    chords = (ChordChange(0, None), *score.chords) if silent_start and len(choruses) > 1 else score.chords
    meters = _repeated(score.meters, choruses, end_tick)
    changed = [True, *((a.numerator, a.denominator) != (b.numerator, b.denominator) for a, b in pairwise(meters))]
    return Frame(
        score=replace(
            score,
            end_tick=end_tick,
            tempos=(Tempo(0, qpm),) if qpm else tuple(_repeated(score.tempos, choruses, end_tick)),
            meters=tuple(compress(meters, changed)),
            chords=tuple(_repeated(chords, choruses, end_tick)),
            sections=tuple(_repeated(score.sections, choruses, end_tick)),
        ),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        chords=frame.chords[order],
    )


def _repeated(changes: Sequence[Change], choruses: range, end_tick: int) -> list[Change]:
    return [
        change._replace(tick=change.tick + start)
        for start in choruses
        for change in changes
        if change.tick + start < end_tick
    ]
