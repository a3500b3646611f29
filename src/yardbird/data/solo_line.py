"""One melodic line out of a foreign file: the part that plays it, its top line, its overlaps trimmed."""

import re
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from yardbird.music.midi import RawPart
from yardbird.music.score import Notes

#: General MIDI programs from 0, the likeliest soloists first: saxes, other reeds and pipes, brass, leads.
_SOLOISTS = (range(64, 68), range(68, 80), range(56, 61), range(80, 88))
_SOLO_NAME = re.compile(
    r"\b(sax\w*|solo\w*|melod\w*|lead|alto|tenor|soprano|vocals?|voice|trumpet|flute|clarinet)\b", re.I
)


@dataclass(frozen=True)
class Line:
    """Monophonic notes, and what it took to make them so."""

    notes: Notes
    reduced_notes: int
    trimmed_overlaps: int
    zero_length_notes: int


def choose_part(parts: tuple[RawPart, ...], min_notes: int) -> RawPart | None:
    """The part that most likely plays the solo, drums never: of those with enough notes by program, then by name, then
    the one that moves most as a single line. None where no pitched part has a note.
    """
    pitched = [part for part in parts if not part.is_drums and len(part.notes)]
    return max(pitched, key=lambda part: (len(part.notes) >= min_notes, *_likelihood(part)), default=None)


def _likelihood(part: RawPart) -> tuple[int, bool, int]:
    rank = next((rank for rank, programs in enumerate(_SOLOISTS) if part.program in programs), len(_SOLOISTS))
    chordal = int(np.count_nonzero(np.diff(part.notes["onset_tick"]) == 0))
    return -rank, bool(_SOLO_NAME.search(part.name)), len(part.notes) - 4 * chordal


def melodic_line(notes: Notes, ticks_per_beat: int) -> Line:
    """Reduce notes to a line that holds one note at a time.

    A note stays when it is the highest sounding for at least half of its length (the skyline; Uitdenbogerd and Zobel,
    Melodic matching techniques, 1999). What then still overlaps is legato: trimmed at the next onset. A note of no
    length gets a twelfth of a beat.
    """
    notes = notes.copy()
    empty = notes["duration_tick"] <= 0
    notes["duration_tick"][empty] = max(1, ticks_per_beat // 12)
    notes = notes[np.lexsort((-notes["pitch"], notes["onset_tick"]))]
    audible = 2 * _ticks_on_top(notes) >= notes["duration_tick"]
    kept = notes[audible]
    kept = kept[np.append(True, np.diff(kept["onset_tick"]) > 0)] if len(kept) else kept  # of a chord, the highest
    room = np.diff(kept["onset_tick"])
    overlaps = kept["duration_tick"][:-1] > room
    kept["duration_tick"][:-1] = np.minimum(kept["duration_tick"][:-1], room)
    return Line(kept, len(notes) - len(kept), int(np.count_nonzero(overlaps)), int(np.count_nonzero(empty)))


def _ticks_on_top(notes: Notes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For how many ticks each note is the highest sounding one; notes sorted by onset, falling pitch. O(n log n)."""
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
