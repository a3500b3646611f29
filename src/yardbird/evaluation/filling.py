"""Measures how well a model fills bars of held-out solos, compared with continuing the same bars from left to right."""

from collections.abc import Iterator, Sequence

import numpy as np

from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import EncodedSolo
from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.fill_stream import MOST_BARS, Arranged, Gap, gap_of
from yardbird.codecs.vocabulary import KINDS
from yardbird.metrics.estimates import Estimate
from yardbird.models.family import Ratio, TokenScores
from yardbird.models.family_kinds import TokenFamily
from yardbird.models.token_scoring import SoloFigures, estimate
from yardbird.progress import progress

FILLED, CONTINUED, GAIN = "filled_nats_per_note", "continued_nats_per_note", "fill_gain"
#: The tokens that count. The countdown does not, because only a gap has it; nor do chords, because a fill gets them.
_COUNTED = ("Bar", "Position", "Pitch", "Velocity", "Duration")


def filling_figures(
    model: TokenFamily, solos: Sequence[EncodedSolo], codec: EventCodec, resampling: Resampling
) -> dict[str, Estimate]:
    """Nats per note of filled and of continued bars, and their difference, each with its 95 % interval.

    Every solo is cut into gaps of 1, 2, … `MOST_BARS` bars in turn. A filled gap is scored in a stream with the music
    after it; for continuation, the same bars are scored within the whole solo, by `score_tokens`. A gap that does not
    fit into the context is excluded from both.
    """
    filled, continued = [], []
    for solo in progress(solos, doing="scoring filled bars", unit="solo"):
        whole = model.score_tokens(solo.tokens)
        lines = np.append(np.flatnonzero(solo.tokens == codec.ids("Bar").start), len(solo.tokens) - 1)
        own, same = Ratio(0.0, 0.0), Ratio(0.0, 0.0)
        for gap, arranged in _gaps(codec, solo.tokens, len(lines) - 1, model.fill_context + 1):
            stream = np.concatenate([arranged.prompt, arranged.middle])
            own = _added(own, model.score_tokens(stream), stream, len(arranged.prompt), len(stream), codec)
            same = _added(same, whole, solo.tokens, int(lines[gap.first]), int(lines[gap.stop]), codec)
        filled.append(SoloFigures(solo.solo, solo.tune_group, {FILLED: own}))
        continued.append(SoloFigures(solo.solo, solo.tune_group, {FILLED: same}))
    if not sum(solo.ratios[FILLED].denominator for solo in filled):
        return {}
    return {
        FILLED: estimate(filled, FILLED, resampling),
        CONTINUED: estimate(continued, FILLED, resampling),
        GAIN: estimate(continued, FILLED, resampling, less=filled),
    }


def _gaps(codec: EventCodec, tokens: Tokens, bars: int, longest: int) -> Iterator[tuple[Gap, Arranged]]:
    first, size = 0, 1
    while first + size < bars:
        gap = Gap(first, size)
        if (arranged := gap_of(codec, tokens, gap, longest)) is not None:
            yield gap, arranged
        first, size = gap.stop, size % MOST_BARS + 1


def _added(sums: Ratio, scores: TokenScores, tokens: Tokens, start: int, stop: int, codec: EventCodec) -> Ratio:
    """`sums` plus the tokens from `start` to `stop`; the first score belongs to the second token."""
    kinds = codec.kind_of[tokens[start:stop].astype(np.int64)]
    nats = scores.nats[start - 1 : stop - 1][np.isin(kinds, [KINDS.index(kind) for kind in _COUNTED])]
    return Ratio(sums.numerator + float(nats.sum()), sums.denominator + int(np.sum(kinds == KINDS.index("Pitch"))))
