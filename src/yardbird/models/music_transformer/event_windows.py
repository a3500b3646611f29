"""Windows of the encoded corpus: random windows for training, overlapping windows for scoring whole solos."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from yardbird import files
from yardbird.config import BACKGROUND, TARGET, Role
from yardbird.errors import InputError
from yardbird.models.family import TARGET_ALONE, Batch, Mixture, Rounds
from yardbird.seeds import generator
from yardbird.tables.encoded_tables import read_index

Tokens = NDArray[np.uint16]
#: (sequence, place of a token, random) → a rearranged stream of at most `context + 1` tokens around it, or None.
Rearrange = Callable[[Tokens, int, np.random.Generator], Tokens | None]


@dataclass(frozen=True)
class Sequence:
    """The place of one copy of a solo in the packed tokens."""

    start: int
    length: int


def read_sequences(encoded: Path, split: str, role: Role = TARGET) -> list[Sequence]:
    """The sequences of a split and a role, in the order of the index.

    Raises:
        InputError: the split has no solos of the target.
    """
    rows = [row for row in read_index(encoded, split) if row.role == role]
    if not rows and role == TARGET:
        raise InputError(encoded, expected=f"solos of the {split} split", found="none", remedy="add tunes")
    return [Sequence(row.start, row.length) for row in rows]


def read_tokens(encoded: Path) -> Tokens:
    """All sequences, concatenated and memory-mapped."""
    tokens: Tokens = files.read_array(encoded / "tokens.npy")
    return tokens


class TrainingWindows(Dataset[Batch]):
    """Windows of `context + 1` tokens at random places; items are {"tokens": (context + 1,)}.

    Every sequence is cut into parts of one context; the last part may be shorter. Each part yields a window that starts
    up to half a context before or after the part. `Rounds` orders target and background parts. A window is a function
    of (seed, epoch, index) alone. Sequences shorter than a window are padded on the right.

    Args:
        rearrange: makes another window of the sequence around the same place.
        share: share of the windows to rearrange if possible.
    """

    def __init__(
        self,
        encoded: Path,
        context: int,
        pad_id: int,
        windows_per_epoch: int | None,
        seed: int,
        mixture: Mixture = TARGET_ALONE,
        rearrange: Rearrange | None = None,
        share: float = 0.0,
    ) -> None:
        self._tokens = read_tokens(encoded)
        target, background = (
            [
                (sequence, part)
                for sequence in read_sequences(encoded, "train", role)
                for part in range(max(1, -(-(sequence.length - 1) // context)))
            ]
            for role in (TARGET, BACKGROUND)
        )
        self._parts = [*target, *background]
        self._context, self._pad_id, self._seed, self._epoch = context, pad_id, seed, 0
        self._rounds = Rounds(len(target), len(background), mixture, windows_per_epoch, seed)
        self._rearrange, self._share = rearrange, share

    def __len__(self) -> int:
        return len(self._rounds)

    @property
    def mixed_epochs(self) -> int:
        return self._rounds.mixed_epochs

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self._rounds.set_epoch(epoch)

    def __getitem__(self, index: int) -> Batch:
        sequence, part = self._parts[self._rounds[index]]
        context = self._context
        random = generator(self._seed, "window", self._epoch, index)
        shift = int(random.integers(-(context // 2), context - context // 2))
        offset = max(0, min(part * context + shift, sequence.length - context - 1))
        if self._rearrange and random.random() < self._share:
            solo = self._tokens[sequence.start : sequence.start + sequence.length]
            if (other := self._rearrange(solo, offset + context // 2, random)) is not None:
                return {"tokens": _window(other, Sequence(0, len(other)), 0, context, self._pad_id)}
        return {"tokens": _window(self._tokens, sequence, offset, context, self._pad_id)}


class MeasuringWindows(Dataset[Batch]):
    """Whole sequences in overlapping windows; items are {"tokens": (context + 1,), "scored": (context,)}.

    `scored` marks the targets `tokens[1:]` to be scored in this window. Each token of a sequence except the first is
    scored exactly once, given at least half a context or the whole beginning of the sequence.
    """

    def __init__(self, tokens: Tokens, sequences: list[Sequence], context: int, pad_id: int) -> None:
        self._tokens, self._context, self._pad_id = tokens, context, pad_id
        self._places = [
            (sequence, offset) for sequence in sequences for offset in window_offsets(sequence.length, context)
        ]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Batch:
        sequence, offset = self._places[index]
        target = torch.arange(self._context)
        scored = (target < sequence.length - 1 - offset) & (
            target >= (self._context - hop(self._context) if offset else 0)
        )
        return {"tokens": _window(self._tokens, sequence, offset, self._context, self._pad_id), "scored": scored}


def hop(context: int) -> int:
    """The distance between measuring windows: half a context, rounded up."""
    return (context + 1) // 2


def window_offsets(length: int, context: int) -> range:
    """The start of each measuring window of a sequence of `length` tokens."""
    beyond = max(0, length - 1 - context)
    return range(0, hop(context) * -(-beyond // hop(context)) + 1, hop(context))


def _window(tokens: Tokens, sequence: Sequence, offset: int, context: int, pad_id: int) -> torch.Tensor:
    stop = min(offset + context + 1, sequence.length)
    window = torch.full((context + 1,), pad_id, dtype=torch.long)
    window[: stop - offset] = torch.from_numpy(tokens[sequence.start + offset : sequence.start + stop].astype(np.int64))
    return window
