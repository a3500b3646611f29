"""Streams for filling a gap in a solo: the model reads the bars after the gap before it writes the gap.

    BOS Artist_x Fill  bars after the gap  Fill  bars before the gap | the bars of the gap  EOS

The order is suffix, prefix, middle (Bavarian et al. 2022, arXiv 2207.14255, section 3). The gap continues the bars
before it, so generation works as for the continuation of a prime. The bars after the gap are the oldest part of the
context. The bars before the gap and the gap itself form one stretch, whose last bars count down to the join (`Left`).
The bars after the gap count down to the end of the solo. Both contexts consist of whole bars, and each begins with the
meter, the tempo and the chord in force.
"""

from dataclasses import dataclass

import numpy as np

from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.vocabulary import COUNTDOWN_BARS
from yardbird.music.excerpts import cut
from yardbird.music.score import Ints, Score

#: The longest gap that models are trained to fill. The first bars of a longer gap are generated from left to right.
MOST_BARS = 4
#: The most tokens added to the first bar of a context: meter, tempo, position, and three for a chord.
_HEAD = 6
_MARKS = 4 + COUNTDOWN_BARS  # BOS, Artist, two Fill, and the countdown to the join
#: The bars after the gap get at most this share of the room. More of them help less than the bars before the gap.
_AFTER_SHARE = 0.25


@dataclass(frozen=True)
class Gap:
    """Bars `first` … `first + bars - 1` of a solo, counted from 0."""

    first: int
    bars: int

    @property
    def stop(self) -> int:
        return self.first + self.bars


@dataclass(frozen=True)
class Arranged:
    """A gap and its surroundings as tokens.

    Attributes:
        prompt: everything up to the first bar line of the gap.
        middle: the bars of the gap, and EOS.
        before: a grid score of the bars before the gap that are in the prompt, and the gap.
        before_bars: the number of bars in `before` that precede the gap.
    """

    prompt: Tokens
    middle: Tokens
    before: Score
    before_bars: int

    def stretch(self, codec: EventCodec) -> Tokens:
        """The prompt without the bars after the gap: a plain opening that `EventGrammar` and `decode` accept."""
        head = self.prompt[:2]
        marks = np.flatnonzero(self.prompt == codec.ids("Fill").start)
        return np.concatenate([head, self.prompt[(marks[-1] + 1 if len(marks) else 2) :]])


def arrange(
    codec: EventCodec, solo: Score, gap: Gap, artist: str | None, room: int, after_stop: int | None
) -> Arranged:
    """Make the stream of a gap of a grid score. The contexts are cut so that the prompt has at most `room` tokens.

    At least one bar is kept on each side, if there is one, even if the prompt is then too long. The bars after the gap
    get at most `_AFTER_SHARE` of the room. Without bars after the gap, the stream is that of a plain continuation,
    without `Fill`.

    Args:
        artist: as in `EventCodec.encode`.
        after_stop: include the bars after the gap up to this bar. None: include none.
    """
    lines = np.append(solo.bar_ticks, solo.end_tick)
    lengths = bar_lengths(codec, codec.encode_grid(solo, artist))
    stop = gap.stop if after_stop is None else after_stop
    after_bars = _fitting(lengths[gap.stop : stop], int(_AFTER_SHARE * (room - _MARKS)))
    after = np.zeros(0, dtype=np.uint16)
    mark = np.array([codec.ids("Fill").start], dtype=np.uint16)
    if after_bars:
        piece = cut(solo, int(lines[gap.stop]), int(lines[gap.stop + after_bars]))
        after = np.concatenate([mark, codec.encode_grid(piece, artist, len(lengths) - gap.stop)[2:-1], mark])
    before_bars = _fitting(lengths[: gap.first][::-1], room - _MARKS - len(after))
    before = cut(solo, int(lines[gap.first - before_bars]), int(lines[gap.stop]))
    stretch = codec.encode_grid(before, artist)
    start = int(np.flatnonzero(stretch == codec.ids("Bar").start)[before_bars])
    return Arranged(np.concatenate([stretch[:2], after, stretch[2:start]]), stretch[start:], before, before_bars)


def bar_lengths(codec: EventCodec, tokens: Tokens) -> Ints:
    """Number of tokens of every bar of a whole stream: (bars,)."""
    return np.diff(np.append(np.flatnonzero(tokens == codec.ids("Bar").start), len(tokens) - 1))


def gap_of(codec: EventCodec, tokens: Tokens, gap: Gap, longest: int, *, named: bool = True) -> Arranged | None:
    """Arrange a gap of a whole solo, with contexts that fit into `longest` tokens; None if they do not fit.

    Args:
        named: use the solo's artist. False: use the unknown artist, as is often the case when a user's solo is filled.
    """
    lines = np.flatnonzero(tokens == codec.ids("Bar").start)
    artist = codec.artists[codec.value_of[tokens[1]]] if named else None
    room = longest - int(np.append(lines, len(tokens) - 1)[gap.stop] - lines[gap.first]) - 1  # EOS
    arranged = arrange(codec, codec.decode(tokens), gap, artist, room, len(lines))
    return arranged if len(arranged.prompt) + len(arranged.middle) <= longest else None


def gap_at(codec: EventCodec, tokens: Tokens, place: int, bars: int) -> Gap | None:
    """A gap of `bars` bars near a token of a solo, with at least one bar after it; None if the solo is too short."""
    lines = np.flatnonzero(tokens == codec.ids("Bar").start)
    first = min(int(np.searchsorted(lines, place, side="right")) - 1, len(lines) - bars - 1)
    return Gap(max(first, 0), bars) if bars < len(lines) else None


def _fitting(lengths: Ints, room: int) -> int:
    """How many of the first bars fit into `room` tokens; at least one if there is a bar."""
    return max(int(np.searchsorted(np.cumsum(lengths) + _HEAD, room, side="right")), min(1, len(lengths)))
