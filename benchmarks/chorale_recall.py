"""N-grams over intervals, which recall tunes and harmonies of the training pieces, and of the same piece, in any key.

Bach harmonised many tunes several times, and phrases of a chorale return. A network that learns for a minute forgets
most of them; counts do not. `line_contexts` continue the line of a voice: intervals and durations of
its last notes. `harmony_contexts` predict a voice from the others: what the higher voices do now, where all were
before, and the chords of the last beats. `tune_contexts` predict it from the line of the soprano, and the soprano from
that of the bass. `echoes` are harmonies again, counted in the same piece until then.

Each order is interpolated with the next shorter one as in Witten & Bell 1991. For a training piece its own counts are
left out, so that the network that reads these predictions sees them as good as for a new piece. Echoes need no such
care, because they count earlier tokens only.
"""

from collections.abc import Sequence

import numpy as np
from chorale_states import CLASSES, Voices
from chorales import VOICES, Integers
from numpy.typing import NDArray
from scipy import sparse

NOTES = (1, 2, 3, 4, 6, 8)  # of the line of a voice in the contexts, including the present one
ECHOED = 3  # orders of harmonies too short to be counted in one piece: they are not specific enough
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


def lines(held: Integers, moved: Integers) -> list[list[Integers]]:
    """By number of notes, columns of the last notes of a voice, of which `held` and `moved` are known in each row."""
    begins = np.flatnonzero(held == 1)  # rows after the first sixteenth of each note
    interval = moved[begins]
    duration = np.diff(begins, append=len(held))
    note = np.cumsum(held == 1) - 1  # the present note in each row, −1 before the first
    columns, found = [held], []
    for back in range(max(NOTES)):
        index = note - back
        there = index >= 0
        columns.append(np.where(there, interval[np.maximum(index, 0)], START))
        if back:  # the duration of the present note is not known yet
            columns.append(np.where(there, duration[np.maximum(index, 0)], START))
        if back + 1 in NOTES:
            found.append(list(columns))
    return found


def line_contexts(found: Voices) -> list[Signatures]:
    """By order, for every token (V · T): the last notes of its voice, and for how long it has had the present one."""
    place = np.arange(len(found.classes)) % 4
    by_voice = []
    for voice in range(VOICES):
        held, moved = found.held[:-1, voice], found.moved[:-1, voice]
        start = [np.full(len(place), voice), place]
        orders = [signatures([*start, np.minimum(held, 1)])]
        by_voice.append(orders + [signatures([*start, *columns]) for columns in lines(held, moved)])
    return [np.concatenate(order) for order in zip(*by_voice, strict=True)]


def tune_contexts(found: Voices) -> list[Signatures]:
    """By order, for every token (V · T): the last notes of the soprano with the present one, or of the bass for a token
    of the soprano, and the interval to it."""
    place = np.arange(len(found.classes)) % 4
    by_voice = []
    for voice in range(VOICES):
        of, rows = (0, slice(1, None)) if voice else (VOICES - 1, slice(-1))
        apart = found.latest[:-1, voice] - found.latest[rows, of]
        start = [np.full(len(place), voice), place, apart]
        by_voice.append([signatures([*start, *each]) for each in lines(found.held[rows, of], found.moved[rows, of])])
    return [np.concatenate(order) for order in zip(*by_voice, strict=True)]


def harmony_contexts(found: Voices) -> list[Signatures]:
    """By order, for every token (V · T): the other voices relative to its own latest pitch."""
    steps = np.arange(len(found.classes))
    beat = (steps - 1) // 4 * 4
    # row 0, before the first sixteenth, where there is no such beat yet
    beats = [found.latest[np.maximum(beat - 4 * back, -1) + 1] for back in range(4)]
    by_voice = []
    for voice in range(VOICES):
        own = found.latest[:-1, voice]
        others = [other for other in range(VOICES) if other != voice]
        new = [np.where(found.resting[1:, u], START, found.latest[1:, u] - own) for u in range(voice)]
        old = {other: found.latest[:-1, other] - own for other in others}
        before = [[then[:, other] - own for other in range(VOICES)] for then in beats]
        nearest = old[VOICES - 1] if voice < VOICES - 1 else found.classes[:, 0]
        start = [np.full(len(steps), voice), steps % 4]
        now = [*start, *new, *old.values()]
        contexts = [
            [*start, *new[-1:]],
            [*start, *new],
            [*start, *new, nearest],
            now,
            [*now, before[0][0], before[0][-1]],
            [*now, *before[0], before[1][0], before[1][-1]],
            [*now, *before[0], *before[1]],
            [*now, *(interval for then in before for interval in then)],
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


def echoes(
    contexts: Sequence[Signatures], classes: Integers, base: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Integers]:
    """Probabilities (V · T, classes) from the earlier tokens of one piece.

    Args:
        contexts: by order, the context of every token (V · T).
        classes: what followed: (V · T,).
        base: the probabilities with which the lowest order is interpolated: (V · T, classes).

    Returns:
        The probabilities, and the number of orders whose context was seen, of every token.
    """
    shape = (VOICES, len(classes) // VOICES)
    follows = np.eye(CLASSES, dtype=np.float32)[classes].reshape(*shape, CLASSES)
    probability: NDArray[np.float32] = base.reshape(*shape, CLASSES)
    seen = np.zeros(shape, np.int64)
    earlier = np.tri(shape[1], k=-1, dtype=bool)
    for context in contexts:
        by_voice = context.reshape(shape)
        same = (by_voice[:, :, None] == by_voice[:, None, :]) & earlier
        counts = same.astype(np.float32) @ follows
        total, kinds = counts.sum(2, keepdims=True), (counts > 0).sum(2, keepdims=True, dtype=np.float32)
        probability = np.where(total > 0, (counts + kinds * probability) / np.maximum(total + kinds, 1), probability)
        seen += total[..., 0] > 0
    return probability.reshape(-1, CLASSES), seen.ravel()
