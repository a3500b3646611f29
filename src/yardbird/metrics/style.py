"""Features of a player's style: how a line moves, independent of register, key, tempo and rhythm.

Other features would identify the player for the wrong reason. Absolute pitch separates tenor from alto. Rhythm and
rests separate timed performances from written scores, i.e. the edition rather than the player.
"""

import numpy as np
from numpy.typing import NDArray

from yardbird.music.score import Floats, Ints, Score

LARGEST_INTERVAL = 12  # semitones; larger leaps count as this one
#: Largest interval (semitones, upward positive) of each kind of move. The last kind has no upper limit.
MOVES = {"leap down": -5, "third down": -3, "tone down": -2, "semitone down": -1, "repeat": 0, "semitone up": 1,
         "tone up": 2, "third up": 4, "leap up": 128}  # fmt: skip
RUN = 4  # moves in one direction that make a run
FIGURE = 4  # intervals of a figure that may be repeated
_MOVEMENT = ("turns", "median interval", "arpeggio", "chromatic run", "in runs", "figures again")
#: The names of the features, in order.
FEATURES = (
    *(f"interval {size:+d}" for size in range(-LARGEST_INTERVAL, LARGEST_INTERVAL + 1)),
    *(f"{first}, {second}" for first in MOVES for second in MOVES),
    *_MOVEMENT,
)


def style_features(score: Score) -> Floats:
    """The features in `FEATURES`, (features,). They depend on melodic intervals only and are finite for any score.

    - share of each interval in semitones (the histogram of Yang & Lerch 2018, signed)
    - share of each pair of successive moves
    - changes of direction; the median interval; three notes in thirds or fourths in one direction; in semitones in one
      direction; moves in a run of four or more in one direction; repeated figures of four intervals: shares, our own

    Shares are 0 … 1. Empty, one note or drums only: all 0.
    """
    intervals = np.diff(score.pitches)
    kinds = np.searchsorted(list(MOVES.values()), intervals)
    clipped = np.clip(intervals, -LARGEST_INTERVAL, LARGEST_INTERVAL) + LARGEST_INTERVAL
    pairs = kinds[:-1] * len(MOVES) + kinds[1:]
    return np.concatenate(
        [_shares(clipped, 2 * LARGEST_INTERVAL + 1), _shares(pairs, len(MOVES) ** 2), _traits(intervals)]
    )


def _traits(intervals: Ints) -> Floats:
    sizes, ways = np.abs(intervals), np.sign(intervals)
    same = (ways[:-1] == ways[1:]) & (ways[1:] != 0)
    thirds, semitones = (sizes >= 3) & (sizes <= 5), sizes == 1
    return np.array(
        [
            _share(ways[:-1] * ways[1:] < 0),
            float(np.median(sizes)) if len(sizes) else 0.0,
            _share(same & thirds[:-1] & thirds[1:]),
            _share(same & semitones[:-1] & semitones[1:]),
            _in_runs(ways),
            _figures_again(intervals),
        ]
    )


def _in_runs(ways: Ints) -> float:
    if not len(ways):
        return 0.0
    starts = np.flatnonzero(np.diff(ways, prepend=2))
    lengths = np.diff(np.append(starts, len(ways)))
    return float(lengths[(lengths >= RUN) & (ways[starts] != 0)].sum() / len(ways))


def _figures_again(intervals: Ints) -> float:
    if len(intervals) < FIGURE:
        return 0.0
    figures = np.lib.stride_tricks.sliding_window_view(intervals, FIGURE)
    return 1 - len(np.unique(figures, axis=0)) / len(figures)


def _shares(classes: Ints, count: int) -> Floats:
    return np.bincount(classes, minlength=count) / max(1, len(classes))


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0
