"""The policy for overlapping notes, used when a solo is read (`data.solo_line`) and when it is quantised.

- Of notes that sound together, the highest stays: the melody is in the top voice.
- Of notes that follow one another within a step of the grid, the longest stays: the shorter ones are ornaments.
- A note that still sounds when the next one starts is cut there.
"""

import numpy as np

from yardbird.music.score import Ints, Notes


def sound_together(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two notes (onset, duration), given in order of onset, overlap for at least half of the shorter one."""
    return 2 * (first[0] + first[1] - second[0]) >= min(first[1], second[1])


def staying(notes: Notes) -> int:
    """The index of the note that stays, of notes sorted by onset that compete for one step.

    The highest (the first of equals) if all sound together with the first note, or else the longest (the last of
    equals).
    """
    spans = list(zip(notes["onset_tick"].tolist(), notes["duration_tick"].tolist(), strict=True))
    if all(sound_together(spans[0], span) for span in spans[1:]):
        return int(notes["pitch"].argmax())
    return len(notes) - 1 - int(notes["duration_tick"][::-1].argmax())


def cut_at_next_onset(onsets: Ints, offsets: Ints, end: int) -> tuple[Ints, int]:
    """The offsets of notes sorted by onset, cut at the next onset or, for the last, at `end`; how many changed."""
    limits = np.full_like(offsets, end)
    limits[:-1] = onsets[1:]
    return np.minimum(offsets, limits), int(np.count_nonzero(offsets > limits))
