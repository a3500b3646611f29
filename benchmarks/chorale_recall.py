"""Two n-grams over intervals, which recall tunes and harmonies of the training pieces in any key.

Bach harmonised many tunes several times. A network of a hundred thousand steps of training forgets most of them; counts
do not. One n-gram continues the line of a voice: intervals and durations of its last notes. The other predicts a voice
from the others: what the higher voices do now, where all were before, and the chords of the last beats.

Each order is interpolated with the next shorter one as in Witten & Bell 1991. For a training piece its own counts are
left out, so that the network that reads these predictions sees them as good as for a new piece.
"""

from collections.abc import Sequence

import numpy as np
from chorale_states import CLASSES, Voices
from chorales import VOICES, Integers
from numpy.typing import NDArray
from scipy import sparse

NOTES = (0, 1, 2, 3, 4, 6, 8)  # of the line of a voice in the contexts, including the present one
START = 127  # an interval and a duration before the beginning
LEAST = 1e-6  # the probability of a class that no context has seen
Signatures = NDArray[np.uint64]


def signatures(columns: Sequence[Integers]) -> Signatures:
    """One number for each row: equal for equal rows, and different for others, but for one pair in 2⁶⁴."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed = (mixed ^ (column.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def line_contexts(found: Voices) -> list[Signatures]:
    """By order, for every token (V · T): the last notes of its voice, and for how long it has had the present one."""
    steps = len(found.classes)
    by_voice = []
    for voice in range(VOICES):
        held, moved = found.held[:-1, voice], found.moved[:-1, voice]
        begins = np.flatnonzero(held == 1)  # rows after the first sixteenth of each note
        interval = moved[begins]
        duration = np.diff(begins, append=steps)
        note = np.cumsum(held == 1) - 1  # the present note in each row, −1 before the first
        columns = [np.full(steps, voice), np.arange(steps) % 4]
        orders = [signatures([*columns, np.minimum(held, 1)])]
        columns.append(held)
        for back in range(max(NOTES)):
            index = note - back
            there = index >= 0
            columns.append(np.where(there, interval[np.maximum(index, 0)], START))
            if back:
                columns.append(np.where(there, duration[np.maximum(index, 0)], START))
            if back + 1 in NOTES:
                orders.append(signatures(columns))
        by_voice.append(orders)
    return [np.concatenate(order) for order in zip(*by_voice, strict=True)]


def harmony_contexts(found: Voices) -> list[Signatures]:
    """By order, for every token (V · T): the other voices relative to its own latest pitch."""
    steps = np.arange(len(found.classes))
    beat = (steps - 1) // 4 * 4
    # row 0, before the first sixteenth, where there is no such beat yet
    last, last_but_one = (found.latest[np.maximum(start, -1) + 1] for start in (beat, beat - 4))
    by_voice = []
    for voice in range(VOICES):
        own = found.latest[:-1, voice]
        others = [other for other in range(VOICES) if other != voice]
        new = [np.where(found.resting[1:, u], START, found.latest[1:, u] - own) for u in range(voice)]
        old = {other: found.latest[:-1, other] - own for other in others}
        before = [last[:, other] - own for other in range(VOICES)]
        nearest = old[VOICES - 1] if voice < VOICES - 1 else found.classes[:, 0]
        start = [np.full(len(steps), voice), steps % 4]
        contexts = [
            [*start, *new[-1:]],
            [*start, *new],
            [*start, *new, nearest],
            [*start, *new, *old.values()],
            [*start, *new, *old.values(), before[0], before[-1]],
            [*start, *new, *old.values(), *before, *(last_but_one[:, other] - own for other in (0, VOICES - 1))],
        ]
        by_voice.append([signatures([np.full(len(steps), order), *each]) for order, each in enumerate(contexts)])
    return [np.concatenate(order) for order in zip(*by_voice, strict=True)]


def predictions(
    training: Sequence[Signatures], classes: Integers, piece: Integers, new: Sequence[Signatures] | None = None
) -> tuple[NDArray[np.float32], Integers]:
    """Probabilities (N, classes) after the contexts `new`, or after each training context without its own piece.

    Args:
        training: by order, the context of every training token.
        classes: what followed.
        piece: the piece of each training token.

    Returns:
        The probabilities, and the number of orders whose context was seen, of every token.
    """
    asked = training if new is None else new
    probability: NDArray[np.float32] = np.full((len(asked[0]), CLASSES), 1 / CLASSES, np.float32)
    seen = np.zeros(len(probability), np.int64)
    for context, query in zip(training, asked, strict=True):
        known, rows = np.unique(context, return_inverse=True)
        place = np.minimum(np.searchsorted(known, query), len(known) - 1)
        total = np.bincount(rows)[place] * (known[place] == query)
        if new is None:
            _, own = np.unique(rows * (piece.max() + 1) + piece, return_inverse=True)
            total -= np.bincount(own)[own]
        there = np.flatnonzero(total)  # tokens whose context was seen
        counts = tally(rows, classes)[place[there]].toarray()
        if new is None:
            counts -= tally(own, classes)[own[there]].toarray()
        kinds = (counts > 0).sum(1, keepdims=True, dtype=np.float32)
        share = total[there, None].astype(np.float32) + kinds
        probability[there] = (counts + kinds * probability[there]) / share
        seen[there] += 1
    return probability, seen


def tally(rows: Integers, classes: Integers) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, classes)), shape=(rows.max() + 1, CLASSES))
