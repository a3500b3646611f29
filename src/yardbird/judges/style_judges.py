"""Two judges of style: classifiers that decide whether a solo is by one player or by any other.

`RatioJudge` selects among solos in generation. `TraitJudge` is reserved for evaluating the selected solos. The first
models intervals from note to note. The second uses statistics of the whole solo: harmony, figures, and the frequency of
each interval size. Interval sizes affect both, so selection by the first can raise the second slightly without better
solos. Neither uses rhythm or rests, because these separate timed performances from written scores, i.e. editions rather
than players. Both are stored as JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from yardbird import files
from yardbird.baselines.witten_bell import WittenBell
from yardbird.errors import InputError
from yardbird.metrics.bootstrap import bootstrap
from yardbird.metrics.estimates import Estimate
from yardbird.metrics.pitch_metrics import INTERVAL_CLASSES
from yardbird.metrics.solo_metrics import LEAST_SPREAD, describe
from yardbird.metrics.style import LARGEST_INTERVAL
from yardbird.music.score import Floats, Ints, Score

SYMBOLS = 2 * LARGEST_INTERVAL + 1
FEWEST_NOTES = 16  # of a piece that is judged at all
FILE = "judges.json"
#: The inputs of TraitJudge. Metrics that depend on timing, density or the chart are excluded: rhythm, phrases and their
#: ends, notes on and off the beat, notes a bar, the entropies, which grow with these, and the irregularity of changes.
JUDGED_METRICS = (
    *("chord_tone_rate", "harmony_margin", "changes_found"),
    *("enclosure_rate", "chromatic_approach_rate", "bebop_scale_run_rate", "arpeggio_rate"),
    *(f"interval_{name}" for name in INTERVAL_CLASSES),
)
#: Mean probability of TraitJudge that the solos of a set are by the player; for held-out solos, by side.
JUDGED_STYLE = "judged_style"
JUDGED_SIDES = {True: f"{JUDGED_STYLE}_player", False: f"{JUDGED_STYLE}_others"}
#: ROC AUC of each judge on held-out solos.
JUDGE_AUC = ("judge_ratio_auc", "judge_traits_auc")
_NO_VERDICT = 0.5
_LOOSENESS = 0.1  # inverse regularisation strength of TraitJudge
_SPREAD = 4.0  # clip at this many standard deviations, so that no single outlier decides


def intervals(score: Score) -> list[int]:
    """The melodic intervals of a solo in semitones, clipped to an octave: transposition does not change them."""
    clipped: Ints = np.clip(np.diff(score.pitches), -LARGEST_INTERVAL, LARGEST_INTERVAL)
    return [int(interval) for interval in clipped]


def count(lines: Sequence[Sequence[int]], order: int) -> WittenBell:
    """N-grams of the intervals of each line."""
    return WittenBell.fit([_symbols(line) for line in lines], SYMBOLS, order, given=0)


def nats(model: WittenBell, line: Sequence[int]) -> Floats:
    """Negative log likelihood of every interval of a line: (intervals,)."""
    return model.nats(_symbols(line))


def _symbols(line: Sequence[int]) -> Ints:
    return np.asarray(line, dtype=np.int64) + LARGEST_INTERVAL


@dataclass(frozen=True)
class RatioJudge:
    """Log likelihood ratio of two n-gram models, the player's and all others', in nats a note, with a calibration.

    Attributes:
        own, others: intervals of the training solos.
        slope, intercept: of the logistic curve that maps the ratio to a probability (Platt 1999).
    """

    order: int
    own: Sequence[Sequence[int]]
    others: Sequence[Sequence[int]]
    slope: float = 0.0
    intercept: float = 0.0

    @cached_property
    def _models(self) -> tuple[WittenBell, WittenBell]:
        return count(self.own, self.order), count(self.others, self.order)

    @classmethod
    def fit(cls, scores: Sequence[Score], own: Sequence[bool], order: int) -> Self:
        """Count training solos; `own` marks those of the player. Both kinds are required."""
        mine, theirs = (
            [intervals(score) for score, is_own in zip(scores, own, strict=True) if is_own == side]
            for side in (True, False)
        )
        assert min(len(mine), len(theirs)) > 0, "a judge requires solos of the player and of others"
        return cls(order, mine, theirs)

    def calibrated(self, pieces: Sequence[Score], own: Sequence[bool]) -> Self:
        """Fit the logistic curve on held-out pieces, with equal weight of both sides.

        The slope is never negative. If the ratio does not separate these pieces, every probability is 0.5.
        """
        ratios = np.array([self.ratio(piece) for piece in pieces])[:, None]
        spread = float(ratios.std())
        unit = (
            spread if spread >= LEAST_SPREAD else 1.0
        )  # the penalty keeps the curve finite if the sides are separable
        curve = _regression().fit(ratios / unit, own)
        slope, intercept = float(curve.coef_[0, 0]) / unit, float(curve.intercept_[0])
        useful = slope > 0
        return type(self)(self.order, self.own, self.others, slope * useful, intercept * useful)

    def ratio(self, score: Score) -> float:
        """Mean log likelihood ratio of all notes except the first, in nats; 0 for an empty or a one-note score."""
        line = intervals(score)
        if not line:
            return 0.0
        own, others = (nats(model, line) for model in self._models)
        return float(np.mean(others - own))

    def probability(self, score: Score) -> float:
        """Probability that the player played it, 0 … 1, with equal priors; 0.5 for too few notes."""
        if len(score.notes) < FEWEST_NOTES:
            return _NO_VERDICT
        return _logistic(self.slope * self.ratio(score) + self.intercept)


@dataclass(frozen=True)
class TraitJudge:
    """Logistic regression on the standardised `JUDGED_METRICS` of a solo. A missing metric counts as the mean.

    With all metrics as inputs, it separated Parker's scores from his performances better than Parker from Coltrane.

    Attributes:
        traits: name of each trait that varies in the training pieces → its mean and standard deviation there, weight.
    """

    traits: Mapping[str, Sequence[float]]
    intercept: float

    @classmethod
    def fit(cls, pieces: Sequence[Score], own: Sequence[bool], traits: Sequence[str] = JUDGED_METRICS) -> Self:
        """Learn from training pieces, with equal weight of both sides; `own` marks those of the player."""
        table = np.array([_valued(piece, traits) for piece in pieces])
        known = {name: at for at, name in enumerate(traits) if not np.isnan(table[:, at]).all()}
        x = table[:, list(known.values())]
        mean, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
        spread[spread < LEAST_SPREAD] = np.inf  # drops traits that do not vary
        learned = _regression(C=_LOOSENESS, max_iter=1000)
        learned.fit(_standardised(x, mean, spread), own)
        kept = np.isfinite(spread)
        columns = (mean[kept], spread[kept], learned.coef_[0][kept])
        names = [name for name, keep in zip(known, kept, strict=True) if keep]
        rows = np.stack(columns, axis=1).tolist()
        return cls(dict(zip(names, rows, strict=True)), float(learned.intercept_[0]))

    def probability(self, score: Score) -> float:
        """Probability that the player played it, 0 … 1; 0.5 for too few notes."""
        if len(score.notes) < FEWEST_NOTES:
            return _NO_VERDICT
        x = _valued(score, self.traits)
        mean, spread, weights = np.array(list(self.traits.values())).reshape(-1, 3).T
        return _logistic(float(_standardised(x, mean, spread) @ weights) + self.intercept)


@dataclass(frozen=True)
class Judges:
    """Both judges of one player."""

    artist: str
    ratio: RatioJudge
    traits: TraitJudge


def write_judges(judges: Judges | str, folder: Path) -> None:
    """Write the judges, or a text that explains why there are none, as `FILE` in a folder."""
    found = {"none": judges} if isinstance(judges, str) else asdict(judges)
    files.write_text(folder / FILE, json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")


def read_judges(folder: Path) -> Judges | str:
    """Read what `write_judges` wrote.

    Raises:
        InputError: there is no such file.
    """
    if not (folder / FILE).is_file():
        raise InputError(folder / FILE, expected="judges", found="no such file", remedy="run the judge stage")
    content = files.read_json(folder / FILE)
    if "none" in content:
        return str(content["none"])
    return Judges(content["artist"], RatioJudge(**content["ratio"]), TraitJudge(**content["traits"]))


def chooser(judges: Judges | str, artist: str | None) -> RatioJudge | None:
    """The judge for selecting solos, or None.

    Args:
        judges: the result of `read_judges`.
        artist: the artist of the solos, `generate.artist`.

    Raises:
        InputError: the judge is for another artist.
    """
    if isinstance(judges, str):
        return None
    if artist not in (None, judges.artist):
        remedy = "set judge.artist and run the judge stage, or set generate.best_of to 1"
        raise InputError(
            "generate.best_of", expected=f"a judge of {artist}", found=f"a judge of {judges.artist}", remedy=remedy
        )
    return judges.ratio


def auc(verdicts: Sequence[float], own: Sequence[bool]) -> float | None:
    """ROC AUC: the share of correctly ordered pairs (player, other). None unless there are both."""
    from sklearn.metrics import roc_auc_score  # as in `_regression`

    return float(roc_auc_score(own, verdicts)) if len({*own}) == 2 else None


def estimate_auc(
    verdicts: Sequence[float], own: Sequence[bool], groups: Sequence[str], samples: int, random: np.random.Generator
) -> Estimate | None:
    """`auc` with its 95 % bootstrap interval over tune groups; None unless there are both sides.

    Groups are sampled within each side, so that the number of groups of each side is constant. If a side has a single
    group, its variation is unknown, and the estimate has no interval.
    """
    area = auc(verdicts, own)
    if area is None:
        return None
    judged, truth, tunes = np.asarray(verdicts), np.asarray(own, dtype=np.bool_), np.asarray(groups)
    members = []  # for the player and the others: the pieces of each tune group, (groups, pieces)
    for side in (truth, ~truth):
        names, member = np.unique(tunes[side], return_inverse=True)
        members.append((member == np.arange(len(names))[:, None]).astype(np.float64))
    sizes = [len(of_side) for of_side in members]
    if min(sizes) < 2:
        return Estimate(area, n=len(own))
    lead = judged[truth][:, None] - judged[~truth]
    won = members[0] @ ((lead > 0) + (lead == 0) / 2) @ members[1].T  # correctly ordered pairs of each two groups

    def areas(*drawn: Ints) -> Floats:
        pairs = np.multiply(*(times @ side.sum(axis=1) for times, side in zip(drawn, members, strict=True)))
        values: Floats = ((drawn[0] @ won) * drawn[1]).sum(axis=1) / pairs
        return values

    return Estimate.drawn(area, bootstrap(areas, sizes, samples, random), len(own))


def _regression(**settings: Any) -> Any:
    """An unfitted logistic regression with equal weight of both sides."""
    from sklearn.linear_model import LogisticRegression  # slow to import, and not needed to apply a judge

    return LogisticRegression(class_weight="balanced", **settings)


def _valued(score: Score, names: Iterable[str]) -> Floats:
    """The metrics with these names; NaN for None."""
    described = describe(score)
    return np.array([described[name] for name in names], dtype=np.float64)


def _standardised(x: Floats, mean: Floats, spread: Floats) -> Floats:
    return np.clip(np.nan_to_num((x - mean) / spread), -_SPREAD, _SPREAD)


def _logistic(x: float) -> float:
    return float(np.exp(-np.logaddexp(0, -x)))
