"""The judges of style: fits them on training solos, calibrates and tests them, and judges sets of solos.

All solos are decoded from event tokens, as generated ones are, and cut into excerpts of one length, so that neither
grid nor length reveals the player.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import read_solos
from yardbird.codecs.events import EventCodec
from yardbird.config import PositiveInt, Settings
from yardbird.judges.style_judges import (
    FEWEST_NOTES,
    JUDGED_SIDES,
    JUDGED_STYLE,
    Judges,
    RatioJudge,
    TraitJudge,
    estimate_auc,
)
from yardbird.metrics.estimates import Estimate, Results, SoloMean
from yardbird.metrics.set_rows import REAL
from yardbird.music.excerpts import excerpts, in_full_bars
from yardbird.music.score import Score


@dataclass(frozen=True)
class JudgeConfig(Settings, section="judge"):
    """Section `judge` of params.yaml."""

    artist: str | None  # the player to judge; null: the artist with the most training solos
    order: PositiveInt  # of the n-grams of intervals, including the predicted interval
    excerpt_beats: Annotated[float, Ge(1)]  # length of a judged excerpt
    bootstrap_samples: PositiveInt


@dataclass(frozen=True)
class Excerpt:
    """An excerpt of a real solo."""

    score: Score
    own: bool  # whether it is by the player
    tune_group: str


def fit_judges(encoded: Path, config: JudgeConfig) -> Judges | str:
    """Both judges, or the reason why they cannot be fitted.

    Args:
        encoded: data/encoded/events; its test split is not read.
    """
    artist = config.artist or _most_frequent_artist(encoded)
    training, validation = (
        read_excerpts(encoded, split, config.excerpt_beats, artist) for split in ("train", "validation")
    )
    for split, pieces in (("training", training), ("validation", validation)):
        if len({piece.own for piece in pieces}) < 2:
            return f"the {split} solos are not by both {artist} and others"
    solos = read_solos(encoded, "train", background=True)
    codec = EventCodec.load(encoded / "codec.json")
    whole, own = [codec.decode(solo.tokens) for solo in solos], [solo.artist == artist for solo in solos]
    ratio = RatioJudge.fit(whole, own, config.order).calibrated(*_scores_and_sides(validation))
    return Judges(artist, ratio, TraitJudge.fit(*_scores_and_sides(training)))


def read_excerpts(encoded: Path, split: str, beats: float, artist: str) -> list[Excerpt]:
    """The excerpts of a split with enough notes to judge; background solos count as those of other players."""
    codec = EventCodec.load(encoded / "codec.json")
    return [
        Excerpt(piece, solo.artist == artist, solo.tune_group)
        for solo in read_solos(encoded, split, background=True)
        for piece in excerpts(in_full_bars(codec.decode(solo.tokens)), beats)
        if len(piece.notes) >= FEWEST_NOTES
    ]


def examine(judges: Judges, pieces: Sequence[Excerpt], resampling: Resampling) -> dict[str, Estimate]:
    """`ratio_auc` and `traits_auc`, with intervals over tune groups, and the number of excerpts.

    An AUC is omitted unless both the player and others have excerpts.
    """
    scores, own = _scores_and_sides(pieces)
    groups = [piece.tune_group for piece in pieces]
    found = {"excerpts": Estimate(len(pieces), n=len(pieces))}
    for name, judge in (("ratio", judges.ratio.ratio), ("traits", judges.traits.probability)):
        verdicts = [judge(score) for score in scores]
        area = estimate_auc(verdicts, own, groups, resampling.samples, resampling.random("judges"))
        if area is not None:
            found[f"{name}_auc"] = area
    return found


def style_of(
    judges: Judges | str, sets: Mapping[str, Sequence[Score]], encoded: Path, config: JudgeConfig, seed: int
) -> Results:
    """The mean verdict of the traits judge on the excerpts of each set; empty without judges.

    The floor consists of solos that the judge was fitted on, so its value does not measure the judge. The row of real
    solos also has the verdicts on held-out solos of the player and of the others, and the AUC of both judges.
    """
    if isinstance(judges, str):
        return {}
    results: Results = {}
    for name, scores in sets.items():
        pieces = [piece for score in scores for piece in excerpts(in_full_bars(score), config.excerpt_beats)]
        results[name] = {JUDGED_STYLE: _judged(judges, [p for p in pieces if len(p.notes) >= FEWEST_NOTES])}
    held_out = read_excerpts(encoded, "test", config.excerpt_beats, judges.artist)
    for own, metric in JUDGED_SIDES.items():
        results[REAL][metric] = _judged(judges, [piece.score for piece in held_out if piece.own == own])
    examined = examine(judges, held_out, Resampling(config.bootstrap_samples, seed))
    results[REAL] |= {f"judge_{name}": estimate for name, estimate in examined.items()}
    return results


def _judged(judges: Judges, pieces: Sequence[Score]) -> SoloMean:
    return SoloMean.of([judges.traits.probability(piece) for piece in pieces])


def _scores_and_sides(pieces: Sequence[Excerpt]) -> tuple[list[Score], list[bool]]:
    return [piece.score for piece in pieces], [piece.own for piece in pieces]


def _most_frequent_artist(encoded: Path) -> str:
    counted = Counter(solo.artist for solo in read_solos(encoded, "train"))
    return min(counted, key=lambda artist: (-counted[artist], artist))
