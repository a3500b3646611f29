"""Originality: runs of melodic intervals that a solo shares with known solos, in any key.

    coverage at n   n-grams of melodic intervals of the solo that occur in a known solo / all its n-grams
    longest run     the most successive intervals that also occur in a known solo; a run of n intervals has n + 1 notes

Rhythm and rests are ignored: a phrase that is shifted by a beat or played twice as fast is the same run. Repeated
notes, trills and scales count like all other notes, so that short n-grams are common to many solos. Runs of 8 intervals
that a player's solos share are mostly the player's own licks. A solo that shares more with known solos than these share
with each other is copied.

The known solos are in one suffix array (Manber & Myers 1993), sorted by doubling, with eight intervals in a machine
word. The search is exact, without hashing. A query finds the longest match at each of its notes (the matching
statistics of Chang & Lawler 1994) by bisection. All coverages and runs follow from these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yardbird.music.score import Floats, Ints, Score

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

#: Lengths of the n-grams in reports, in intervals.
LENGTHS = (4, 6, 8, 10)
FIGURES = (*(f"coverage_{length}" for length in LENGTHS), "longest_run")
MOST = "longest_run_most"  # over a set of solos
_WIDTH = 8  # intervals in a word
_MIDDLE, _LARGEST = 128, 126  # an interval is a byte around the middle, clipped at the largest
_STOP, _END = 0, 255  # after a known solo, after a query: different from each other and from all intervals
_POWERS = np.array([1 << 8 * place for place in range(_WIDTH)], dtype=np.uint64)


@dataclass(frozen=True)
class KnownSolo:
    """A solo that may have been copied. Solos of one group (a tune with its takes) are not compared with each other."""

    title: str
    group: str
    score: Score
    background: bool = False  # not used to measure self-quotation


@dataclass(frozen=True)
class Origin:
    """The source of a run. Bars count from 1, including a pickup bar."""

    first_bar: int
    last_bar: int
    title: str
    bar: int  # of the known solo, where the run starts
    semitones: int  # by which it has been transposed

    def __str__(self) -> str:
        """As shown in reports: `bars 5–6 = Ko-Ko bar 17, −3`."""
        own = f"bars {self.first_bar}–{self.last_bar}" if self.last_bar > self.first_bar else f"bar {self.first_bar}"
        key = f"{self.semitones:+d}".replace("-", "−") if self.semitones else "same pitch"
        return f"{own} = {self.title} bar {self.bar}, {key}"


@dataclass(frozen=True)
class Originality:
    """What a solo shares with known solos. Empty, one note or drums only: no coverage, a run of 0, no origin."""

    coverage: Mapping[int, float | None]  # by length of the n-grams; None if the solo is shorter
    longest_run: int  # intervals
    origin: Origin | None  # of the first of the longest runs

    @property
    def figures(self) -> dict[str, float | None]:
        """The metrics named in `FIGURES`."""
        return dict(zip(FIGURES, [*self.coverage.values(), float(self.longest_run)], strict=True))


class OriginalityIndex:
    """A search index of known solos. Building takes n·log n time for n notes (measured in benchmarks/originality.py).

    >>> index = OriginalityIndex([KnownSolo("Ko-Ko", "koko", score)])  # doctest: +SKIP
    >>> str(index.compare(generated).origin)  # doctest: +SKIP
    'bars 5–6 = Ko-Ko bar 17, −3'
    """

    def __init__(self, solos: Sequence[KnownSolo]) -> None:
        self.solos = [solo for solo in solos if len(solo.score.notes)]
        sizes = np.array([len(solo.score.notes) for solo in self.solos], dtype=np.int64)
        self._starts = np.append(0, np.cumsum(sizes))  # a place in the text is a note: the interval after it
        self._left = np.repeat(self._starts[1:] - 1, sizes) - np.arange(self._starts[-1])  # to the solo's end
        text = np.concatenate([_bytes(solo.score, _STOP) for solo in self.solos] or [np.zeros(0, dtype=np.uint8)])
        self._words = _words(text, _STOP)
        self._order = _suffix_array(self._words, int(sizes.max(initial=0)))

    def compare(self, score: Score, start_tick: int = 0) -> Originality:
        """Compare a solo that is not among the known ones, from `start_tick` (the end of a prime) on."""
        first = int(np.searchsorted(score.onsets, start_tick))
        lengths, places = self.matches(score)
        return self._result(score, lengths[first:], places[first:], first)

    def compare_known(self) -> list[Originality]:
        """Compare each known solo with notes with those of other groups: self-quotation."""
        lengths, places = self._matches_of_others()
        bounds = zip(self.solos, self._starts[:-1], self._starts[1:], strict=True)
        return [self._result(solo.score, lengths[start:end], places[start:end]) for solo, start, end in bounds]

    def draw_known(self, notes: Sequence[int], draws: int, random: np.random.Generator) -> dict[str, Floats]:
        """The reference for a set of solos: `draws` random sets of excerpts of known solos, with the same lengths.

        An excerpt starts at a random note of a known solo that is long enough and not background (if none is long
        enough, the excerpt has the length of the longest solo). It is compared with the solos of other groups,
        including background.

        Args:
            notes: number of notes of each solo of the set.

        Returns:
            Metric of `FIGURES` → its mean over each set, (draws,), and `MOST` → the longest run of each set. Metrics
            without a value in any excerpt are left out.
        """
        lengths, _ = self._matches_of_others()
        background = np.repeat([solo.background for solo in self.solos], np.diff(self._starts))
        left = np.where(background, -1, self._left)
        drawn: dict[str, list[Floats]] = {figure: [] for figure in FIGURES}
        for intervals in (min(count - 1, int(left.max(initial=-1))) for count in notes):
            if intervals < 1:
                continue
            starts = random.choice(np.flatnonzero(left >= intervals), draws)
            after = lengths[starts[:, None] + np.arange(intervals)]
            for length in LENGTHS:
                if length <= intervals:
                    drawn[f"coverage_{length}"].append((after[:, : intervals - length + 1] >= length).mean(axis=1))
            within = np.minimum(after, np.arange(intervals, 0, -1))
            drawn["longest_run"].append(within.max(axis=1).astype(np.float64))
        means = {figure: np.mean(sets, axis=0) for figure, sets in drawn.items() if sets}
        return means | ({MOST: np.max(drawn["longest_run"], axis=0)} if means else {})

    def matches(self, score: Score) -> tuple[Ints, Ints]:
        """For each note, the length of the longest match of the following intervals, and its place: (notes,) each.

        Places are indices of notes in all known solos, concatenated.
        """
        words = _words(_bytes(score, _END), _END)
        lengths, places = np.zeros((2, len(words)), dtype=np.int64)
        low, high = np.zeros_like(lengths), np.full_like(lengths, len(self._order))
        searched = np.arange(len(words) if len(self._order) else 0)
        while len(searched):
            depth = int(lengths[searched[0]])  # all notes still searched have matched whole words up to here
            keys, first, stop = words[searched + depth], low[searched], high[searched]
            left, right = (self._bisect(keys, first, stop, depth, after) for after in (False, True))
            # If the word is not found, the longest match is one of its two neighbours in the range.
            for neighbour in (left - 1, left):
                inside = (neighbour >= first) & (neighbour < stop)
                place = self._order[np.where(inside, neighbour, 0)]
                shared = depth + np.where(inside, _shared_bytes(keys, self._words.take(place + depth, mode="clip")), 0)
                longer = shared > lengths[searched]
                lengths[searched[longer]], places[searched[longer]] = shared[longer], place[longer]
            low[searched], high[searched] = left, right
            searched = searched[left < right]
        return lengths, places

    def _bisect(self, keys: Words, low: Ints, high: Ints, depth: int, after: bool) -> Ints:
        """The insertion place of each key in its range of the sorted suffixes, compared by their words at `depth`."""
        while (searching := low < high).any():
            middle = (low + high) // 2
            words = self._words.take(self._order.take(middle, mode="clip") + depth, mode="clip")
            up = searching & ((words <= keys) if after else (words < keys))
            low, high = np.where(up, middle + 1, low), np.where(searching & ~up, middle, high)
        return low

    def _matches_of_others(self) -> tuple[Ints, Ints]:
        """Like `matches`, for every known note with the notes of other groups.

        The further apart two sorted suffixes are, the less they share. So the best match is the nearest suffix of
        another group, before or after. It shares the minimum of what all neighbours in between share.
        """
        group = np.unique([solo.group for solo in self.solos], return_inverse=True)[1]
        of = np.repeat(group, np.diff(self._starts))[self._order]
        shared = np.append(0, self._shared(self._order[:-1], self._order[1:]))[: len(of)]
        lengths, places = np.zeros((2, len(of)), dtype=np.int64)
        both_ways = (
            (self._order, _nearest_before(of, shared)),
            (self._order[::-1], _nearest_before(of[::-1], np.append(0, shared[:0:-1])[: len(of)])),
        )
        for order, (found, neighbour) in both_ways:
            longer = found > lengths[order]
            lengths[order[longer]], places[order[longer]] = found[longer], order[neighbour[longer]]
        return lengths, places

    def _shared(self, one: Ints, other: Ints) -> Ints:
        """The number of leading intervals that pairs of known suffixes share."""
        lengths, open_pairs = np.zeros(len(one), dtype=np.int64), np.arange(len(one))
        limit = np.minimum(self._left[one], self._left[other])
        while len(open_pairs):
            at = lengths[open_pairs]
            more = _shared_bytes(self._words[one[open_pairs] + at], self._words[other[open_pairs] + at])
            lengths[open_pairs] += more
            open_pairs = open_pairs[(more == _WIDTH) & (lengths[open_pairs] < limit[open_pairs])]
        shared: Ints = np.minimum(lengths, limit)
        return shared

    def _result(self, score: Score, lengths: Ints, places: Ints, first: int = 0) -> Originality:
        intervals = len(lengths) - 1
        coverage = {n: float((lengths[: intervals - n + 1] >= n).mean()) if n <= intervals else None for n in LENGTHS}
        longest = int(lengths.max(initial=0))
        if not longest:
            return Originality(coverage, longest, None)
        note = int(lengths.argmax())
        return Originality(coverage, longest, self._origin(score, first + note, longest, int(places[note])))

    def _origin(self, score: Score, note: int, run: int, place: int) -> Origin:
        number = int(np.searchsorted(self._starts, place, side="right")) - 1
        source, at = self.solos[number], place - int(self._starts[number])
        first, last = (score.bar_of(score.onsets[[note, note + run]]) + 1).tolist()
        bar = int(source.score.bar_of(source.score.onsets[at : at + 1])[0]) + 1
        return Origin(first, last, source.title, bar, int(score.pitches[note] - source.score.pitches[at]))


def _bytes(score: Score, end: int) -> Bytes:
    """The interval after each note, and `end` after the last: (notes,)."""
    intervals = np.clip(np.diff(score.pitches), -_LARGEST, _LARGEST) + _MIDDLE
    return np.append(intervals, np.full(min(1, len(score.notes)), end)).astype(np.uint8)


def _words(text: Bytes, end: int) -> Words:
    """The eight bytes from each place on as one number with the same sort order, padded with `end`: (bytes,)."""
    padded = np.append(text, np.full(_WIDTH, end)).astype(np.uint64)
    words = np.zeros(len(text), dtype=np.uint64)
    for place in range(_WIDTH):
        words = words << np.uint64(8) | padded[place : place + len(text)]
    return words


def _shared_bytes(one: Words, other: Words) -> Ints:
    """The number of leading bytes that pairs of words share."""
    shared: Ints = _WIDTH - np.searchsorted(_POWERS, one ^ other, side="right")
    return shared


def _nearest_before(groups: Ints, shared: Ints) -> tuple[Ints, Ints]:
    """For each suffix, the nearest one before it of another group: how much the two share, and its index.

    Args:
        shared: how much each suffix shares with the one directly before it.
    """
    opens = np.append(True, groups[1:] != groups[:-1])[: len(groups)]
    stretch = np.cumsum(opens)  # runs of suffixes of one group
    before = np.flatnonzero(opens)[stretch - 1] - 1
    falling = (stretch[-1:] - stretch) * np.int64(len(groups) + 1)  # so that the minimum restarts with each run
    least: Ints = np.minimum.accumulate(shared + falling) - falling
    return np.where(before >= 0, least, 0), before


def _suffix_array(words: Words, longest: int) -> Ints:
    """The suffix array of a text. Suffixes are compared up to at least `longest` bytes; ties by place."""
    order = np.argsort(words, kind="stable")
    ranks, span = _ranks(words, order), _WIDTH
    while span < longest and ranks.max(initial=0) + 1 < len(words):
        beyond = np.append(ranks[span:] + 1, np.zeros(min(span, len(words)), dtype=np.int64))
        keys = ranks * np.int64(len(words) + 1) + beyond
        order = np.argsort(keys, kind="stable")
        ranks, span = _ranks(keys, order), 2 * span
    return order


def _ranks(keys: Words | Ints, order: Ints) -> Ints:
    """The rank of each key among the distinct keys."""
    ranks = np.zeros(len(keys), dtype=np.int64)
    ranks[order[1:]] = np.cumsum(keys[order[1:]] != keys[order[:-1]])
    return ranks
