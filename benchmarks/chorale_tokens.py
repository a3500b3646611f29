"""Chorales as sequences of tokens, and batches of windows of them, transposed at random.

Serialised as in Huang et al. 2018 (arXiv 1809.04281, section 4.1): soprano, alto, tenor, bass of the first sixteenth,
then of the second, and so on, one token each, after a start token. Our tokens include the voice, which also follows
from the place in the sequence. A rest has a token in each voice.

Shapes: windows B, tokens L, n-grams 4, classes C.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from chorale_batches import Recalled, recall
from chorale_states import Voices
from chorales import HIGHEST, LOWEST, VOICES, Integers
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

REST = HIGHEST + 1 - LOWEST  # of every voice, after its pitches
SYMBOLS = REST + 1  # of each voice
START = VOICES * SYMBOLS
VOCABULARY = START + 1
WINDOW, BAR = 1024, 64  # tokens


class Known(NamedTuple):
    """What the n-grams of intervals predict for each token."""

    logarithms: Tensor  # (…, L, 4, C) of the probabilities
    orders: Tensor  # (…, L, 4) whose contexts were seen
    base: Tensor  # (…, L) the token of the latest pitch of the voice, to which the intervals are added

    def part(self, start: int, stop: int) -> "Known":
        return Known(*(each[start:stop] for each in self))

    def batch(self) -> "Known":
        """The same as a batch of one."""
        return Known(*(each[None] for each in self))


class Window(NamedTuple):
    """Consecutive tokens of a piece from the beginning of a bar, or several such windows, right-padded."""

    tokens: Tensor  # (…, L + 1), −1 after the end
    known: Known | None  # of all but the first token


def serialise(pitches: Integers) -> Integers:
    """(steps, voices) → start, then soprano, alto, tenor, bass of every step: (1 + 4 · steps,)."""
    return np.concatenate([[START], (pitches - LOWEST + SYMBOLS * np.arange(VOICES)).ravel()])


def shifts(pitches: Integers, low: Integers, high: Integers) -> Integers:
    """Transpositions in semitones, including 0, that keep every voice within `low` … `high`, (voices,) each."""
    sounding = np.ma.masked_greater(pitches, HIGHEST)
    down, up = (low - sounding.min(0)).max(), (high - sounding.max(0)).min()
    return np.arange(min(int(down), 0), max(int(up), 0) + 1)


def transposed(pitches: Integers, semitones: int) -> Integers:
    return np.where(pitches > HIGHEST, pitches, pitches + semitones)


def known_tokens(training: Sequence[Integers], held_out: Sequence[Integers]) -> tuple[list[Known], list[Known]]:
    """The predictions of the n-grams for the serialised pieces of both splits, counted in the training pieces."""
    splits = [[Voices(pitches) for pitches in split] for split in (training, held_out)]
    one, other = (
        [known_of(found, recalled) for found, recalled in zip(split, each, strict=True)]
        for split, each in zip(splits, recall(*splits), strict=True)
    )
    return one, other


def known_of(found: Voices, recalled: Recalled) -> Known:
    base = found.latest[:-1] - LOWEST + SYMBOLS * np.arange(VOICES)
    logarithms, orders = (each.transpose(0, 1).flatten(0, 1) for each in (recalled.logarithms, recalled.orders))
    return Known(logarithms.contiguous(), orders.contiguous(), torch.from_numpy(base.ravel()))


class TrainingPieces:
    """Every piece about once in each epoch, randomly transposed and cut, in batches of windows of similar length."""

    def __init__(
        self, pieces: Sequence[Integers], seed: int, any_key: bool = False, known: Sequence[Known] | None = None
    ) -> None:
        every = np.ma.masked_greater(np.concatenate(pieces), HIGHEST)
        self._pieces, self._known, self._random = pieces, known, np.random.default_rng(seed)
        self._shifts = [np.arange(-5, 7) if any_key else shifts(piece, every.min(0), every.max(0)) for piece in pieces]

    def batches(self, window: int) -> int:
        """Number of batches in an epoch."""
        cuts = sum(self._count(1 + piece.size, window) for piece in self._pieces)
        return math.ceil(cuts / (WINDOW // window))

    @staticmethod
    def _count(tokens: int, window: int) -> int:
        return max(1, round(tokens / window))

    def epoch(self, window: int) -> list[Window]:
        """Batches of about `WINDOW` tokens; each window has at most `window` tokens after its first."""
        cuts = [cut for row in range(len(self._pieces)) for cut in self._cuts(row, window)]
        cuts.sort(key=lambda cut: len(cut.tokens) + self._random.uniform(0, BAR))
        size = WINDOW // window
        batches = [cuts[at : at + size] for at in range(0, len(cuts), size)]
        return [batch_of(batches[index]) for index in self._random.permutation(len(batches))]

    def _cuts(self, row: int, window: int) -> Iterator[Window]:
        pitches, known = self._pieces[row], None if self._known is None else self._known[row]
        last = max(0, math.ceil((pitches.size - window) / BAR))  # last bar where a cut may begin
        semitones = self._random.choice(self._shifts[row])
        starts = self._random.integers(last + 1, size=self._count(1 + pitches.size, window))
        if len(starts) > 1:
            starts[0] = 0  # one of several cuts is the opening
        for start in starts:
            yield window_of(pitches, known, semitones, BAR * start, window)


def window_of(pitches: Integers, known: Known | None, semitones: int, start: int, length: int = WINDOW) -> Window:
    """At most this many tokens after the token `start` of the transposed piece, and that token."""
    tokens = serialise(transposed(pitches, semitones))[start : start + length + 1]
    if known is not None:
        logarithms, orders, base = known.part(start, start + length)
        known = Known(logarithms, orders, base + semitones)
    return Window(torch.from_numpy(tokens), known)


def batch_of(cuts: Sequence[Window]) -> Window:
    tokens = pad_sequence([cut.tokens for cut in cuts], batch_first=True, padding_value=-1)
    known = [cut.known for cut in cuts if cut.known is not None]
    if not known:
        return Window(tokens, None)
    return Window(tokens, Known(*(pad_sequence(list(each), batch_first=True) for each in zip(*known, strict=True))))
