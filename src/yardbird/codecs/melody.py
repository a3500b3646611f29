"""The melody grid: at every step a note starts, a note is held, or nothing sounds (Roberts et al. 2018, §5.1).

    one bar at 4 steps a beat, two beats a segment: an eighth C5, a dotted eighth rest, a sixteenth D5 tied over the bar
    steps   72 HOLD REST REST  REST 74 | HOLD …

A solo is cut at its bar lines into *segments* of `segment_beats` beats, usually one a bar. A longer bar makes several
segments, a shorter bar is padded on the right, so that no meter loses a note. Any sequence of steps decodes to a
monophonic line: a hold after a rest is a rest.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from yardbird import files
from yardbird.config import Settings
from yardbird.music.grid import Quantised, quantise
from yardbird.music.score import Ints, Score, make_notes

#: Steps 0 … 127 start a note of that pitch. A model predicts the first `CLASSES`; PAD and START are inputs only.
HOLD, REST, PAD, START = 128, 129, 130, 131
CLASSES, SYMBOLS = 130, 132
CHORD_FEATURES = 25
_DEFAULT_VELOCITY = 80

Steps = NDArray[np.uint8]
Packed = NDArray[np.uint16]


@dataclass(frozen=True)
class MelodyConfig(Settings, section="encode.melody"):
    """Section `encode.melody` of params.yaml."""

    steps_per_beat: Annotated[int, Interval(ge=1, le=96)]  # of a quarter note
    segment_beats: Annotated[int, Interval(ge=1, le=16)]  # quarter notes of one segment: a bar of 4/4
    velocities: Annotated[int, Interval(ge=1, le=127)]  # bins of 1 … 127


@dataclass(frozen=True, eq=False)
class Frame:
    """A grid score without notes (its bars, tempos and chords), cut into N segments of S steps.

    `starts` and `lengths` (N,) give the segments in steps of the score. `chords` (N, S) is packed: bits 0–11 are the
    pitch classes of the chord, bits 12–15 its root; 0 means no chord.
    """

    score: Score
    starts: Ints
    lengths: Ints
    chords: Packed

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(N, S): True for steps that are not padding."""
        inside: NDArray[np.bool_] = np.arange(self.chords.shape[1]) < self.lengths[:, None]
        return inside


@dataclass(frozen=True, eq=False)
class Melody:
    """A solo on the grid: `steps` (N, S); `velocities` (N, S) is bin + 1 where a note starts, else 0."""

    steps: Steps
    velocities: Steps
    frame: Frame


@dataclass(frozen=True)
class MelodyCodec:
    """Converts scores to melody grids and back. `grid` counts the losses; everything else is lossless."""

    config: MelodyConfig

    @property
    def segment_steps(self) -> int:
        return self.config.steps_per_beat * self.config.segment_beats

    @cached_property
    def velocity_bins(self) -> Ints:
        return np.linspace(0, 127, self.config.velocities + 1)[1:].round().astype(np.int64)

    def grid(self, score: Score) -> Quantised:
        """Quantise a score to the codec's grid and velocity bins, and count the losses. Idempotent.

        Raises:
            InputError: a bar is not a whole number of steps.
        """
        return quantise(score, self.config.steps_per_beat, velocity_bins=self.velocity_bins)

    def encode(self, score: Score) -> Melody:
        """Encode any monophonic score. `grid` reports what is lost."""
        return self.encode_grid(self.grid(score).score)

    def encode_grid(self, score: Score) -> Melody:
        """Encode a score that `grid` returned."""
        steps = np.full(score.end_tick, REST, dtype=np.uint8)
        velocities = np.zeros(score.end_tick, dtype=np.uint8)
        sounding = np.zeros(score.end_tick + 1, dtype=np.int64)
        np.add.at(sounding, score.onsets, 1)
        np.add.at(sounding, score.offsets, -1)
        steps[np.cumsum(sounding[:-1]) > 0] = HOLD
        steps[score.onsets] = score.pitches
        velocities[score.onsets] = np.searchsorted(self.velocity_bins, score.velocities) + 1
        frame = self.frame(score)
        return Melody(self._cut(steps, frame, PAD), self._cut(velocities, frame, 0), frame)

    def frame(self, score: Score) -> Frame:
        """The frame of a grid score of whole bars, without its notes and phrase marks."""
        lines = np.append(score.bar_ticks, score.end_tick)
        size = self.segment_steps
        cuts = [(start, min(size, stop - start)) for bar in pairwise(lines) for start, stop in _parts(bar, size)]
        starts, lengths = np.array(cuts, dtype=np.int64).T
        packed = np.zeros(score.end_tick, dtype=np.uint16)
        stops = [*(change.tick for change in score.chords), score.end_tick][1:]
        for change, stop in zip(score.chords, stops, strict=True):
            if change.chord is not None:
                tones = sum(1 << pitch_class for pitch_class in change.chord.pitch_classes)
                packed[change.tick : stop] = tones | change.chord.root << 12
        empty = replace(score, notes=make_notes([]), phrases=())
        frame = Frame(empty, starts, lengths, np.zeros((len(starts), size), dtype=np.uint16))
        return replace(frame, chords=self._cut(packed, frame, 0))

    def decode(self, steps: Steps, velocities: Steps | None, frame: Frame) -> Score:
        """Decode (N, S) steps to a grid score. Padding is skipped. Without velocities, all notes are equally loud."""
        assert steps.shape == frame.chords.shape, f"{steps.shape} steps in a frame of {frame.chords.shape}"
        line = steps[frame.inside].astype(np.int64)
        onsets = np.flatnonzero(line < HOLD)
        stops = np.append(np.flatnonzero(line != HOLD), len(line))  # a note ends at the next step that is not HOLD
        ends = stops[np.searchsorted(stops, onsets, side="right")]
        loudness = np.full(len(onsets), _DEFAULT_VELOCITY)
        if velocities is not None:
            bins = velocities[frame.inside][onsets].astype(np.int64)
            loudness = self.velocity_bins[np.maximum(bins - 1, 0)]
        notes = make_notes(np.stack([onsets, ends - onsets, line[onsets], loudness], axis=1))
        return replace(frame.score, notes=notes)

    def save(self, path: Path) -> None:
        files.write_json(path, asdict(self.config))

    @classmethod
    def load(cls, path: Path) -> "MelodyCodec":
        return cls(MelodyConfig(**files.read_json(path)))

    def _cut(self, line: NDArray[Any], frame: Frame, fill: int) -> NDArray[Any]:
        """Cut one value per step into segments, (N, S), padded with `fill`."""
        cut = np.full((len(frame), self.segment_steps), fill, dtype=line.dtype)
        cut[frame.inside] = line
        return cut


def chord_features(chords: Packed) -> NDArray[np.float32]:
    """Packed chords (…) → (…, 25): one-hot root (12), pitch classes (12), 1 if there is no chord (1)."""
    root, tones = chords >> 12, chords & 0xFFF
    features = np.zeros((*chords.shape, CHORD_FEATURES), dtype=np.float32)
    pitch_classes = np.arange(12)
    features[..., :12] = (root[..., None] == pitch_classes) & (tones > 0)[..., None]
    features[..., 12:24] = tones[..., None] >> pitch_classes.astype(np.uint16) & 1
    features[..., 24] = tones == 0
    return features


def _parts(bar: tuple[int, int], size: int) -> Sequence[tuple[int, int]]:
    start, stop = (int(line) for line in bar)
    return [(part, min(part + size, stop)) for part in range(start, stop, size)]
