"""Reduction of the notes of a part to one melodic line: other notes are left out, overlaps are trimmed."""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from yardbird.music.overlaps import cut_at_next_onset, sound_together, staying
from yardbird.music.score import Notes

#: A drone is at least this many times as long as the median note, and at least this many notes start while it sounds,
#: the first in the first quarter of its length. Long notes of more than a few pitches belong to a line or to chords. So
#: does a long note that starts alone: trimming it loses nothing.
_DRONE_LENGTH, _DRONE_NOTES, _DRONE_ALONE, _DRONE_PITCHES = 4, 3, 0.25, 3
#: If a smaller share of the notes start together with others, the part is a line with legato overlaps.
_LINE_SHARE = 0.1


@dataclass(frozen=True)
class Line:
    """Monophonic notes, and the counts of the changes that were made."""

    notes: Notes
    reduced_notes: int  # all notes that were left out, including grace notes and drones
    grace_notes: int
    drones: int
    trimmed_overlaps: int
    zero_length_notes: int

    @property
    def left_out(self) -> float:
        """The share of the part's notes that are not in the line."""
        return self.reduced_notes / (self.reduced_notes + len(self.notes))

    @property
    def flags(self) -> list[str]:
        flags = ["polyphonic"] if self.reduced_notes > self.grace_notes + self.drones else []
        flags += [f"notes_left_out:{self.reduced_notes} of {self.reduced_notes + len(self.notes)}"] if flags else []
        flags += [f"grace_notes_left_out:{self.grace_notes}"] if self.grace_notes else []
        flags += [f"drones_left_out:{self.drones}"] if self.drones else []
        flags += [f"zero_length_notes:{self.zero_length_notes}"] if self.zero_length_notes else []
        return flags


def melodic_line(notes: Notes, ticks_per_beat: int) -> Line:
    """Reduce notes to a line of one note at a time.

    1. A note without length gets a twelfth of a beat.
    2. Drones above or below the line, and grace notes at the tick of their main note, are removed.
    3. Of notes that start together, the highest stays. If there are many of these, the part plays chords, and a note
       stays only if it is the highest sounding one for at least half of its length (the skyline; Uitdenbogerd and
       Zobel, Melodic matching techniques, 1999).
    4. Remaining overlaps are legato and are trimmed at the next onset.
    """
    notes = notes.copy()
    empty = notes["duration_tick"] <= 0
    notes["duration_tick"][empty] = max(1, ticks_per_beat // 12)
    notes = notes[np.lexsort((-notes["pitch"], notes["onset_tick"]))]
    everything = len(notes)
    notes = notes[~_drones(notes, ticks_per_beat // 16)]
    drones = everything - len(notes)
    notes = notes[~_grace_notes(notes, ticks_per_beat)]
    grace_notes = everything - drones - len(notes)
    alone = _highest_of_each_start(notes, ticks_per_beat // 16)
    if len(notes) - len(alone) <= _LINE_SHARE * len(notes):
        kept = alone
    else:
        audible = notes[2 * _ticks_on_top(notes) >= notes["duration_tick"]]
        kept = audible[np.diff(audible["onset_tick"], prepend=-1) > 0]  # of a chord, the highest
    onsets, offsets = kept["onset_tick"], kept["onset_tick"] + kept["duration_tick"]
    offsets, trimmed = cut_at_next_onset(onsets, offsets, int(offsets.max(initial=0)))
    kept["duration_tick"] = offsets - onsets
    return Line(
        kept,
        everything - len(kept),
        grace_notes,
        drones,
        trimmed,
        int(np.count_nonzero(empty)),
    )


def _drones(notes: Notes, tolerance: int) -> NDArray[np.bool_]:
    """Which notes are drones, of notes sorted by onset; onsets within `tolerance` ticks are together."""
    onsets = np.unique(notes["onset_tick"])
    ends = notes["onset_tick"] + notes["duration_tick"]
    following = np.searchsorted(onsets, notes["onset_tick"], side="right")
    inside = np.searchsorted(onsets, ends, side="left") - following
    alone = np.append(onsets, onsets[-1:])[following] - notes["onset_tick"]
    long = notes["duration_tick"] >= _DRONE_LENGTH * np.median(notes["duration_tick"])
    found: NDArray[np.bool_] = long & (inside >= _DRONE_NOTES) & (alone <= _DRONE_ALONE * notes["duration_tick"])
    pitches = np.unique(notes["pitch"][found])
    gaps = np.diff(notes["onset_tick"])
    starts_alone = (np.append(gaps, np.inf) > tolerance) & (np.insert(gaps.astype(float), 0, np.inf) > tolerance)
    if not 0 < len(pitches) <= _DRONE_PITCHES or starts_alone[found].all():
        return np.zeros_like(found)
    shortest = notes["duration_tick"][found].min()  # the last note of a drone may outlast the line
    found |= np.isin(notes["pitch"], pitches) & (notes["duration_tick"] >= shortest)
    return found


def _grace_notes(notes: Notes, ticks_per_beat: int) -> NDArray[np.bool_]:
    """Which notes are short and at the tick of a longer note that then sounds alone; notes sorted by onset."""
    onsets, first, chord = np.unique(notes["onset_tick"], return_index=True, return_inverse=True)
    longest = np.maximum.reduceat(notes["duration_tick"], first)[chord]
    room = np.append(np.diff(onsets), notes["duration_tick"].max())[chord]
    short = (3 * notes["duration_tick"] <= longest) & (6 * notes["duration_tick"] <= ticks_per_beat)
    found: NDArray[np.bool_] = short & (2 * room >= longest)
    return found


def _highest_of_each_start(notes: Notes, tolerance: int) -> Notes:
    """The highest of the notes that start within `tolerance` ticks and sound together; notes sorted by onset."""
    firsts: list[int] = []
    spans = notes[["onset_tick", "duration_tick"]].tolist()
    for index, span in enumerate(spans):
        if not firsts or span[0] - spans[firsts[-1]][0] > tolerance or not sound_together(spans[firsts[-1]], span):
            firsts.append(index)
    groups = zip(firsts, [*firsts[1:], len(notes)], strict=True)
    kept = notes[[first + staying(notes[first:stop]) if stop - first > 1 else first for first, stop in groups]]
    return kept[np.diff(kept["onset_tick"], append=np.iinfo(np.int64).max) > 0]


def _ticks_on_top(notes: Notes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The ticks during which each note is the highest; notes sorted by onset and falling pitch. O(n log n)."""
    onsets = notes["onset_tick"].tolist()
    ends = (notes["onset_tick"] + notes["duration_tick"]).tolist()
    pitches = notes["pitch"].tolist()
    on_top = np.zeros(len(notes), dtype=np.int64)
    sounding: list[tuple[int, int]] = []  # (falling pitch, index), the highest first; the ended leave when they surface
    started, now = 0, 0
    while started < len(onsets) or sounding:
        while sounding and ends[sounding[0][1]] <= now:
            heappop(sounding)
        if not sounding:
            if started == len(onsets):
                break
            now = onsets[started]
        while started < len(onsets) and onsets[started] == now:
            heappush(sounding, (-pitches[started], started))
            started += 1
        top = sounding[0][1]
        until = min(ends[top], onsets[started]) if started < len(onsets) else ends[top]
        on_top[top] += until - now
        now = until
    return on_top
