"""Interpolated Witten–Bell n-grams over integer tokens.

    p_n(w | h) = (c(h w) + k·T(h) · p_{n−1}(w | h′)) / (c(h) + k·T(h)),    p_0 = 1 / vocabulary

c counts, T(h) is the number of distinct tokens seen after h, h′ is h without its oldest token; for an unseen h the
result is p_{n−1}. An n-gram of order n predicts from n − 1 tokens. Source: Witten & Bell 1991, interpolated as in Chen
& Goodman 1999, where the escape weight k is 1. We tune k on the validation split: augmentation repeats every solo, so
counts grow but T does not, and k = 1 gives long contexts too much weight (12.3 instead of 10.5 nats per note on real
solos). Counts are exact. A context is identified by a number, derived from the number of its newer part and the token
before it. So a longer context extends a shorter one to the left, and look-ups are binary searches of whole arrays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yardbird.music.score import Floats, Ints
from yardbird.progress import progress

Counts = NDArray[np.int32]

_UNSEEN = -1


@dataclass(frozen=True)
class _Level:
    """The counts of one context length; contexts are numbered 0 … in the order of `contexts`.

    `contexts` and `grams` are sorted keys: number of the newer context · vocabulary + token before it, and number of
    the context · vocabulary + next token.
    """

    contexts: Ints
    grams: Ints
    counts: Counts  # of each gram
    totals: Counts  # c(h), of each context
    types: Counts  # T(h), of each context
    first_gram: Counts  # index of the first gram of each context


class WittenBell:
    """N-grams of every order up to `order`; `fit` counts them, `tuned` sets the order and escape weight.

    Args:
        given: how many tokens at the start of every sequence are context only: 1 where it starts with BOS.
    """

    def __init__(self, vocab_size: int, levels: Sequence[_Level], escape: float = 1.0, given: int = 1) -> None:
        self.vocab_size, self.escape, self.given, self._levels = vocab_size, escape, given, tuple(levels)
        self._best: dict[int, int] = {}  # longest context that was seen → the token that `likeliest` has found

    @property
    def order(self) -> int:
        return len(self._levels)

    @classmethod
    def fit(cls, sequences: Sequence[ArrayLike], vocab_size: int, order: int, *, given: int = 1) -> Self:
        """Count all sequences; given tokens are context only, and contexts do not cross sequences."""
        rows = [np.asarray(sequence, dtype=np.int64) for sequence in sequences]
        assert rows, "an n-gram needs at least one sequence"
        tokens = np.concatenate(rows)
        place = np.concatenate([np.arange(len(row)) for row in rows])
        at = np.flatnonzero(place >= given)
        numbers = np.zeros(len(at), dtype=np.int64)
        contexts = np.zeros(1, dtype=np.int64)
        levels = []
        for length in progress(range(order), doing="counting n-grams", unit="order", delay=1):
            if length:
                inside = place[at] >= length
                at, numbers = at[inside], numbers[inside]
                keys = numbers * vocab_size + tokens[at - length]
                # Rows stay in the order of their contexts, so that keys are almost sorted, which the stable sort uses.
                order_of_keys = keys.argsort(kind="stable")
                at, keys = at[order_of_keys], keys[order_of_keys]
                first = _first_of_equals(keys)
                contexts, numbers = keys[first], np.cumsum(first) - 1
            keys = np.sort(numbers * vocab_size + tokens[at], kind="stable")
            starts = np.flatnonzero(_first_of_equals(keys))
            grams, counts = keys[starts], np.diff(starts, append=len(keys))
            totals = np.bincount(numbers, minlength=len(contexts))
            types = np.bincount(grams // vocab_size, minlength=len(contexts))
            small = [array.astype(np.int32) for array in (counts, totals, types, np.cumsum(types) - types)]
            levels.append(_Level(contexts, grams, *small))
        return cls(vocab_size, levels, given=given)

    def tuned(self, order: int, escape: float) -> Self:
        """The same counts, limited to n-grams of `order` tokens, with the escape weight `escape`."""
        assert 1 <= order <= self.order
        assert escape > 0
        return type(self)(self.vocab_size, self._levels[:order], escape, self.given)

    def nats_by_order(self, tokens: ArrayLike) -> Floats:
        """Negative log likelihood of every token that is not given, for every order: (order, length − given)."""
        nats: Floats = self.nats_by_escape(tokens, [self.escape])[0]
        return nats

    def nats_by_escape(self, tokens: ArrayLike, escapes: Sequence[float]) -> Floats:
        """`nats_by_order` for several escape weights: (escapes, order, length − given)."""
        sequence, weights = np.asarray(tokens, dtype=np.int64), np.array(escapes)[:, None]
        probability = np.full((len(escapes), len(sequence) - self.given), 1 / self.vocab_size)
        nats = np.empty((len(escapes), self.order, probability.shape[1]))
        for row, (level, numbers) in enumerate(self._contexts(self._histories(sequence))):
            count = _look_up(level.grams, level.counts, numbers * self.vocab_size + sequence[self.given :], missing=0)
            seen = np.flatnonzero(numbers != _UNSEEN)
            total, escape = level.totals[numbers[seen]], weights * level.types[numbers[seen]]
            probability[:, seen] = (count[seen] + escape * probability[:, seen]) / (total + escape)
            nats[:, row] = -np.log(probability)
        return nats

    def nats(self, tokens: ArrayLike) -> Floats:
        """Negative log likelihood of every token that is not given: (length − given,)."""
        likelihoods: Floats = self.nats_by_order(tokens)[-1]
        return likelihoods

    def next_log_probs(self, context: ArrayLike) -> Floats:
        """Log-probabilities of the token after `context`: (vocabulary,)."""
        log_probabilities: Floats = np.log(self._probabilities(self._newest([np.asarray(context).tolist()]))[0])
        return log_probabilities

    def likeliest(self, tokens: ArrayLike) -> Ints:
        """The most probable token at every place that is not given; of equals the smallest: (length − given,)."""
        histories = self._histories(np.asarray(tokens, dtype=np.int64))
        longest = np.full(len(histories), _UNSEEN)
        for length, (_, numbers) in enumerate(self._contexts(histories)):
            longest = np.where(numbers == _UNSEEN, longest, numbers * self.order + length)
        keys, where, place = np.unique(longest, return_index=True, return_inverse=True)
        new = [row for row, key in enumerate(keys.tolist()) if key not in self._best]
        for block in np.array_split(new, max(1, len(new) // 512)) if new else ():
            best = self._probabilities(histories[where[block]]).argmax(axis=1)
            self._best |= zip(keys[block].tolist(), best.tolist(), strict=True)
        found: Ints = np.array([self._best[key] for key in keys.tolist()], dtype=np.int64)[place]
        return found

    def _histories(self, sequence: Ints) -> Ints:
        """The tokens before each token that is not given, newest first, padded with −1: (length − given, order − 1)."""
        width = self.order - 1
        padded = np.concatenate([np.full(width, _UNSEEN), sequence[:-1]])
        if not width:
            return np.zeros((len(sequence) - self.given, 0), dtype=np.int64)
        return np.lib.stride_tricks.sliding_window_view(padded, width)[self.given : len(sequence), ::-1]

    def _newest(self, rows: Sequence[Sequence[int]]) -> Ints:
        """The end of each row as a history: (rows, order − 1)."""
        width = self.order - 1
        newest = [row[: -width - 1 : -1] + [_UNSEEN] * (width - len(row)) for row in map(list, rows)]
        return np.array(newest, dtype=np.int64).reshape(len(rows), width)

    def _contexts(self, histories: Ints) -> Iterator[tuple[_Level, Ints]]:
        """For each context length, its counts and the context number of each history, −1 if it was never seen."""
        nothing_counted = not len(self._levels[0].grams)
        numbers = np.full(len(histories), _UNSEEN if nothing_counted else 0)
        for length, level in enumerate(self._levels):
            if length:
                token = histories[:, length - 1]
                keys = np.where((numbers == _UNSEEN) | (token == _UNSEEN), _UNSEEN, numbers * self.vocab_size + token)
                numbers = _look_up(level.contexts, np.arange(len(level.contexts)), keys, missing=_UNSEEN)
            yield level, numbers

    def _probabilities(self, histories: Ints) -> Floats:
        """The distribution of the next token after each history: (histories, vocabulary), rows sum to one."""
        probabilities = np.full((len(histories), self.vocab_size), 1 / self.vocab_size)
        for level, numbers in self._contexts(histories):
            seen = np.flatnonzero(numbers != _UNSEEN)
            context = numbers[seen]
            types = level.types[context]
            mass = level.totals[context] + self.escape * types
            probabilities[seen] *= (self.escape * types / mass)[:, None]
            # The grams of each context are contiguous, so one flat index covers all of them.
            gram = np.arange(types.sum()) + np.repeat(level.first_gram[context] - (np.cumsum(types) - types), types)
            share = level.counts[gram] / np.repeat(mass, types)
            probabilities[np.repeat(seen, types), level.grams[gram] % self.vocab_size] += share
        return probabilities


def _first_of_equals(keys: Ints) -> NDArray[np.bool_]:
    """Whether each of the sorted keys differs from the one before it."""
    first: NDArray[np.bool_] = np.diff(keys, prepend=-1) != 0
    return first


def _look_up(keys: Ints, values: Ints | Counts, wanted: Ints, *, missing: int) -> Ints:
    """The value of each wanted key in the sorted `keys`, or `missing`."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], missing) if len(keys) else np.full(len(wanted), missing)
