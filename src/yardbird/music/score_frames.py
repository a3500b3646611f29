"""The score of a sound at each frame of its codes: sounding note, key, chord and beat, as integers for a model.

In `ScoreFrames` 0 means unknown in every column, so that a caption, which gives a key and a tempo, a chart and a whole
solo are the same kind of condition. Time-aligned conditions for MusicGen: Tal et al. 2024 (JASCO, arXiv 2406.10970) for
chords and melody, Lan et al. 2024 (MusiConGen, arXiv 2407.15029) for chords and beats.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from yardbird.music.pitch import Key
from yardbird.music.score import Floats, Ints, Score

#: (frames, `len(COLUMNS)`).
ScoreFrames: TypeAlias = NDArray[np.uint16]

#: note     1: rest; 2 + pitch
#: age      frames since the onset of the note, from 1 to `OLDEST`; 0 also in rests
#: key      1 + tonic, 12 more in minor
#: chord    a bit for each pitch class of the chord in force; 0 also where there is none
#: beat     1 + the twelfth of the beat
#: bar_beat 1 + the beat of the bar, up to `BAR_BEATS`
COLUMNS = ("note", "age", "key", "chord", "beat", "bar_beat")
NOTE, AGE, KEY, CHORD, BEAT, BAR_BEAT = range(len(COLUMNS))
#: A further column that only the frames of a melody checkpoint have: 1 + the strongest pitch class of a given sound.
CHROMA = len(COLUMNS)
OLDEST, BEAT_PARTS, BAR_BEATS = 8, 12, 8
#: The number of values of each column; `chord` has a bit for each pitch class instead.
SIZES = {NOTE: 2 + 128, AGE: 1 + OLDEST, KEY: 1 + 24, BEAT: 1 + BEAT_PARTS, BAR_BEAT: 1 + BAR_BEATS}
COMMON_METER = 4  # beats of a bar where only a tempo is known


def score_frames(score: Score, key: Key | None, start_seconds: float, frames: int, frame_rate: float) -> ScoreFrames:
    """The frames of a score from `start_seconds` on; after its end, they are rests without beats.

    Frame i is the time from i to i + 1 frame lengths; its values are those in the middle.
    """
    rows = _blank(key, frames)
    times = np.asarray(start_seconds + (np.arange(frames) + 0.5) / frame_rate, dtype=np.float64)
    rows[:, NOTE] = 1
    onsets, ends = score.seconds_at(score.onsets), score.seconds_at(score.offsets)
    index = onsets.searchsorted(times, side="right") - 1
    sounding = (index >= 0) & (times < np.append(ends, 0.0)[index])
    rows[sounding, NOTE] = 2 + score.pitches[index[sounding]]
    age = (times[sounding] - onsets[index[sounding]]) * frame_rate
    rows[sounding, AGE] = 1 + np.minimum(age.astype(np.int64), OLDEST - 1)
    ticks = _ticks_at(score, times)
    inside = times < score.seconds
    if score.chords:
        masks = [sum(1 << pitch_class for pitch_class in c.chord.pitch_classes) if c.chord else 0 for c in score.chords]
        change = score.chord_index_of(ticks)
        rows[:, CHORD] = np.append(masks, 0)[np.where(inside, change, -1)]
    since_bar = (ticks - score.bar_ticks[score.bar_of(ticks)])[inside]
    rows[inside, BEAT] = 1 + since_bar % score.ticks_per_beat * BEAT_PARTS // score.ticks_per_beat
    rows[inside, BAR_BEAT] = 1 + np.minimum(since_bar // score.ticks_per_beat, BAR_BEATS - 1)
    return rows


def asked_frames(key: Key | None, qpm: float | None, frames: int, frame_rate: float) -> ScoreFrames:
    """The frames of a key and a tempo alone: bars of four beats from the first frame on; notes and chords unknown."""
    rows = _blank(key, frames)
    if qpm is not None:
        beats = (np.arange(frames) + 0.5) / frame_rate * qpm / 60
        rows[:, BEAT] = 1 + (beats % 1 * BEAT_PARTS).astype(np.int64)
        rows[:, BAR_BEAT] = 1 + (beats.astype(np.int64) % COMMON_METER)
    return rows


def beat_frames(
    key: Key | None, beat_seconds: Floats, bar_beats: Ints, start_seconds: float, frames: int, frame_rate: float
) -> ScoreFrames:
    """The frames of a recording from `start_seconds` on, whose key and beats are known; notes and chords unknown.

    Args:
        beat_seconds: (beats,), ascending; beats are unknown before the first and after the last.
        bar_beats: (beats,) the beat of the bar, from 1, or 0 where the bars are unknown.
    """
    rows = _blank(key, frames)
    times = start_seconds + (np.arange(frames) + 0.5) / frame_rate
    beat = beat_seconds.searchsorted(times, side="right") - 1
    inside = (beat >= 0) & (beat < len(beat_seconds) - 1)
    beat = beat[inside]
    since = (times[inside] - beat_seconds[beat]) / (beat_seconds[beat + 1] - beat_seconds[beat])
    rows[inside, BEAT] = 1 + np.minimum((since * BEAT_PARTS).astype(np.int64), BEAT_PARTS - 1)
    rows[inside, BAR_BEAT] = np.minimum(bar_beats[beat], BAR_BEATS)
    return rows


def with_chroma(rows: ScoreFrames, chroma: NDArray[np.uint16]) -> ScoreFrames:
    """The frames with a last column, the chroma of a melody, cut or filled with 0 (unknown) to their number."""
    column = np.zeros(len(rows), dtype=np.uint16)
    column[: len(chroma)] = chroma[: len(rows)]
    return np.column_stack([rows, column])


def key_and_beats(rows: ScoreFrames) -> ScoreFrames:
    """The same frames with notes and chords unknown."""
    known = np.zeros_like(rows)
    columns = [KEY, BEAT, BAR_BEAT]
    known[:, columns] = rows[:, columns]
    return known


def _blank(key: Key | None, frames: int) -> ScoreFrames:
    rows = np.zeros((frames, len(COLUMNS)), dtype=np.uint16)
    if key is not None:
        rows[:, KEY] = 1 + key.tonic + 12 * (key.mode == "minor")
    return rows


def _ticks_at(score: Score, seconds: Floats) -> Ints:
    """The tick in force at each time, the inverse of `Score.seconds_at`."""
    ticks = np.arange(score.end_tick + 1)
    return score.seconds_at(ticks).searchsorted(seconds, side="right") - 1
