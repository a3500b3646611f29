"""Masks over the vocabulary, each made once: a grammar looks its mask up by the ids that it allows."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
#: The first id, and the one after the last.
Span: TypeAlias = tuple[int, int]
Spans: TypeAlias = tuple[Span, ...]


class MaskTable(dict[Spans, Mask]):
    """The mask (vocab_size,) of each set of spans that was looked up. All users share it, so masks are read-only."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self._vocab_size = vocab_size

    def __missing__(self, spans: Spans) -> Mask:
        mask = np.zeros(self._vocab_size, dtype=np.bool_)
        for first, stop in spans:
            mask[first:stop] = True
        mask.flags.writeable = False
        self[spans] = mask
        return mask


def one(token: int) -> Span:
    """The span of a single id."""
    return token, token + 1


def without(span: Span, token: int) -> Spans:
    """A span except one of its ids."""
    return (span[0], token), (token + 1, span[1])
