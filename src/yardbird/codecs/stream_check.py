"""Refuses a stream of event tokens that no solo has, with the first token that is wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from yardbird.codecs.vocabulary import FOLLOWERS, KINDS
from yardbird.errors import InputError
from yardbird.music.score import Ints

#: Kinds a stream may start with (a whole stream, or a window that starts at a bar line), and kinds it may not end with.
_STARTS = ("BOS", "Bar")
_OPEN = ("BOS", "Artist", "Position", "ChordRoot", "Pitch", "Velocity")
_FOLLOWS = np.array([[after in FOLLOWERS[kind] for after in KINDS] for kind in KINDS])


class StreamCheck(NamedTuple):
    """The checks of one stream.

    Attributes:
        ids: (tokens,) of the stream.
        vocabulary: the text of each id.
        kind_of: (vocab_size,) index into `KINDS` of each id.
    """

    ids: Ints
    vocabulary: Sequence[str]
    kind_of: Ints

    def order(self) -> None:
        """Check that all ids exist, and which kinds of tokens follow each other.

        Raises:
            InputError: it is not so.
        """
        ids, size = self.ids, len(self.vocabulary)
        if len(ids) == 0 or not (ids.min() >= 0 and ids.max() < size):
            found = "no tokens" if len(ids) == 0 else f"ids {ids.min()} … {ids.max()}"
            remedy = "decode with the codec that encoded them"
            raise InputError("tokens", expected=f"ids 0 … {size - 1}", found=found, remedy=remedy)
        kinds = self.kind_of[ids]
        self.holds([0], [KINDS[kinds[0]] in _STARTS], f"a start with {' or '.join(_STARTS)}")
        self.holds(np.arange(1, len(ids)), _FOLLOWS[kinds[:-1], kinds[1:]], "a kind that may follow")
        self.holds([len(ids) - 1], [KINDS[kinds[-1]] not in _OPEN], "something after it")

    def holds(self, places: ArrayLike, true: ArrayLike, expected: str) -> None:
        """Raise an `InputError` with the first of some places in the stream where a condition is not true."""
        wrong = np.asarray(places)[~np.asarray(true, dtype=bool)]
        if len(wrong):
            place = int(wrong[0])
            shown = " ".join(self.vocabulary[token] for token in self.ids[max(0, place - 1) : place + 1])
            raise InputError(f"token {place}", expected=expected, found=shown, remedy="decode legal streams only")
