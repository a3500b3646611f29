"""Measures how well a model predicts held-out solos: nats, perplexity and note accuracy, with intervals.

Every metric is a ratio of sums over solos, so that a solo has the weight of its notes (or tokens). The bootstrap
resamples whole tune groups, because solos over one tune are not independent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import EncodedSolo
from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.melody import HOLD
from yardbird.codecs.vocabulary import KINDS
from yardbird.metrics.bootstrap import bootstrap
from yardbird.metrics.estimates import Estimate
from yardbird.models.family import Ratio, TokenScores
from yardbird.music.score import Floats, Ints
from yardbird.progress import progress

#: Token kinds whose nats are reported separately; the groups sum to the nats per note.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "pitch": ("Pitch",),
    "rhythm": ("Bar", "Position", "Duration"),
    "velocity": ("Velocity",),
    "chord": ("Chord", "ChordRoot", "ChordQuality", "ChordBass"),
    "other": ("TimeSig", "Tempo", "Left", "Artist", "EOS"),
}
#: Token kinds whose top-1 accuracy is reported separately.
MEASURED = {"pitch": "Pitch", "position": "Position", "duration": "Duration"}


class TokenModel(Protocol):
    """A token family, or an n-gram over event tokens or over the steps of the melody grid."""

    def score_tokens(self, tokens: ArrayLike) -> TokenScores: ...


@dataclass(frozen=True)
class SoloFigures:
    """The ratios of one solo; numerators and denominators are summed over solos before dividing."""

    solo: str
    tune_group: str
    ratios: Mapping[str, Ratio]


def score_solos(model: TokenModel, solos: Sequence[EncodedSolo], codec: EventCodec, label: str) -> list[SoloFigures]:
    """Score whole solos; `label` is shown at the progress bar."""
    return [
        SoloFigures(solo.solo, solo.tune_group, solo_ratios(model.score_tokens(solo.tokens), solo.tokens, codec))
        for solo in progress(solos, doing=f"scoring {label}", unit="solo")
    ]


def score_steps(model: TokenModel, solos: Sequence[EncodedSolo], label: str) -> list[SoloFigures]:
    """Score whole solos on the melody grid: nats per note and per step, and the shares of correct steps and notes.

    A note is correct if the step where it starts is: its onset and its pitch.
    """
    figures = []
    for solo in progress(solos, doing=f"scoring {label}", unit="solo"):
        scores = model.score_tokens(solo.tokens)
        notes, starts = float(np.count_nonzero(solo.tokens < HOLD)), solo.tokens[1:] < HOLD
        ratios = {
            "grid_nats_per_note": Ratio(float(scores.nats.sum()), notes),
            "grid_nats_per_step": Ratio(float(scores.nats.sum()), len(scores.nats)),
            "grid_note_accuracy": Ratio(float(scores.correct[starts].sum()), int(starts.sum())),
            "forced_accuracy": Ratio(float(scores.correct.sum()), len(scores.correct)),
        }
        figures.append(SoloFigures(solo.solo, solo.tune_group, ratios))
    return figures


def solo_ratios(scores: TokenScores, tokens: Tokens, codec: EventCodec) -> dict[str, Ratio]:
    """Nats per note and per token, nats per note of each of `GROUPS`, and the top-1 accuracies of `MEASURED`."""
    kinds = codec.kind_of[tokens[1:].astype(np.int64)]
    nats, correct = scores.nats, scores.correct
    notes = float(np.count_nonzero(kinds == KINDS.index("Pitch")))
    ratios = {"nats_per_note": Ratio(float(nats.sum()), notes), "nats_per_token": Ratio(float(nats.sum()), len(nats))}
    for group, names in GROUPS.items():
        inside = np.isin(kinds, [KINDS.index(name) for name in names])
        ratios[f"{group}_nats_per_note"] = Ratio(float(nats[inside].sum()), notes)
    for group, name in MEASURED.items():
        hits = correct[kinds == KINDS.index(name)]
        ratios[f"{group}_accuracy"] = Ratio(float(hits.sum()), len(hits))
    return ratios


def pool(figures: Sequence[SoloFigures]) -> dict[str, float]:
    """Sum over all solos, then divide."""
    return {
        name: float(
            sum(solo.ratios[name].numerator for solo in figures)
            / max(sum(solo.ratios[name].denominator for solo in figures), 1)
        )
        for name in figures[0].ratios
    }


def estimate(
    figures: Sequence[SoloFigures], name: str, resampling: Resampling, *, less: Sequence[SoloFigures] | None = None
) -> Estimate:
    """A pooled ratio with its bootstrap interval over tune groups; with `less`, minus the ratio of other figures.

    The difference is paired: both use the same resampled groups.
    """
    assert less is None or [solo.solo for solo in less] == [solo.solo for solo in figures], "both need the same solos"
    groups, member = np.unique([solo.tune_group for solo in figures], return_inverse=True)

    def ratio(of: Sequence[SoloFigures], drawn: Ints) -> Floats:
        numerators = np.bincount(member, [float(solo.ratios[name].numerator) for solo in of])
        denominators = np.bincount(member, [solo.ratios[name].denominator for solo in of])
        values: Floats = (drawn @ numerators) / (drawn @ denominators)
        return values

    def statistic(drawn: Ints) -> Floats:
        return ratio(figures, drawn) if less is None else ratio(figures, drawn) - ratio(less, drawn)

    value = pool(figures)[name] - (0 if less is None else pool(less)[name])
    draws = bootstrap(statistic, [len(groups)], resampling.samples, resampling.random())
    return Estimate.drawn(value, draws, _solos(figures))


def estimates(
    figures: Sequence[SoloFigures], resampling: Resampling, intervals: Collection[str] | None = None
) -> dict[str, Estimate]:
    """All pooled ratios with their intervals.

    Args:
        intervals: names of the ratios that get an interval; None: all.

    Raises:
        KeyError: there is no ratio of that name.
    """
    pooled, solos = pool(figures), _solos(figures)
    if intervals is not None and (unknown := set(intervals) - pooled.keys()):
        raise KeyError(f"no ratio named {', '.join(sorted(unknown))}; there are {', '.join(pooled)}")
    return {
        name: estimate(figures, name, resampling)
        if intervals is None or name in intervals
        else Estimate(value, n=solos)
        for name, value in pooled.items()
    }


def _solos(figures: Sequence[SoloFigures]) -> int:
    return len({solo.solo for solo in figures})
