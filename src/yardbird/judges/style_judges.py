"""Two judges of style, each asked whose a solo is: a player's, or one of the others'.

`RatioJudge` chooses among solos in generation; `TraitJudge` is kept for the evaluation of what was chosen. The one
follows the intervals from note to note, the other looks at the whole: harmony, figures, and how often each size of
interval comes. That last is in both: choosing by the one may move the other a little, and the solos be no better.
Neither hears rhythm and rests: they tell a timed performance from a written score, and so the edition rather than the
player. Both are plain numbers and text, kept as JSON.
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
from yardbird.metrics.pitch import INTERVAL_CLASSES
from yardbird.metrics.solo_metrics import LEAST_SPREAD, describe
from yardbird.metrics.style import LARGEST_INTERVAL
from yardbird.music.score import Floats, Ints, Score

SYMBOLS = 2 * LARGEST_INTERVAL + 1
FEWEST_NOTES = 16  # of a piece that is judged at all
FILE = "judges.json"
#: What TraitJudge looks at. Left out is what timing, density or the chart tells: rhythm, phrases and their ends, notes
#: on and off the beat, notes a bar, the entropies, which grow with these, and the irregularity of the changes.
TRAITS = (
    *("chord_tone_rate", "harmony_margin", "changes_found"),
    *("enclosure_rate", "chromatic_approach_rate", "bebop_scale_run_rate", "arpeggio_rate"),
    *(f"interval_{name}" for name in INTERVAL_CLASSES),
)
#: Mean probability, by the judge that chose nothing, that a set of solos is the player's; of held-out solos by side.
JUDGED_STYLE = "judged_style"
JUDGED_SIDES = {True: f"{JUDGED_STYLE}_player", False: f"{JUDGED_STYLE}_others"}
#: How well the two judges tell held-out solos apart.
JUDGE_AUC = ("judge_ratio_auc", "judge_traits_auc")
_NO_VERDICT = 0.5
_LOOSENESS = 0.1  # inverse weight of the penalty of TraitJudge
_SPREAD = 4.0  # standard deviations: one odd figure of a generated solo decides nothing alone


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
    """How much likelier the player's n-grams find a line than those of all others, in nats a note, and what it means.

    Attributes:
        own, others: intervals of the training solos.
        slope, intercept: of the logistic curve from the ratio to a probability (Platt 1999).
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
        """Count training solos, of which `own` are the player's; there are both."""
        mine, theirs = (
            [intervals(score) for score, is_own in zip(scores, own, strict=True) if is_own == side]
            for side in (True, False)
        )
        assert min(len(mine), len(theirs)) > 0, "a judge hears the player and others"
        return cls(order, mine, theirs)

    def calibrated(self, pieces: Sequence[Score], own: Sequence[bool]) -> Self:
        """The same counts, with a curve fitted on held-out pieces, where both sides weigh alike.

        The curve never falls: where the ratio is no use on these pieces, every verdict is a half.
        """
        ratios = np.array([self.ratio(piece) for piece in pieces])[:, None]
        spread = float(ratios.std())
        unit = (
            spread if spread >= LEAST_SPREAD else 1.0
        )  # a penalty in its units keeps the curve finite where both sides lie apart
        curve = _regression().fit(ratios / unit, own)
        slope, intercept = float(curve.coef_[0, 0]) / unit, float(curve.intercept_[0])
        useful = slope > 0
        return type(self)(self.order, self.own, self.others, slope * useful, intercept * useful)

    def ratio(self, score: Score) -> float:
        """Mean log likelihood ratio of the notes but the first, in nats; 0 for an empty or a one-note score."""
        line = intervals(score)
        if not line:
            return 0.0
        own, others = (nats(model, line) for model in self._models)
        return float(np.mean(others - own))

    def probability(self, score: Score) -> float:
        """That the player played it, 0 … 1, had the others played as many; a half where notes are too few to tell."""
        if len(score.notes) < FEWEST_NOTES:
            return _NO_VERDICT
        return _logistic(self.slope * self.ratio(score) + self.intercept)


@dataclass(frozen=True)
class TraitJudge:
    """Logistic regression on `TRAITS` of a solo (`metrics.table`), standardised; a missing one counts as the mean.

    On all metrics it told scores from performances of Parker's better than Parker from Coltrane.

    Attributes:
        traits: those that differ among the training pieces → their mean and standard deviation there, weight.
    """

    traits: Mapping[str, Sequence[float]]
    intercept: float

    @classmethod
    def fit(cls, pieces: Sequence[Score], own: Sequence[bool], traits: Sequence[str] = TRAITS) -> Self:
        """Learn from training pieces, of which `own` are the player's; both sides weigh alike."""
        table = np.array([_valued(piece, traits) for piece in pieces])
        told = {name: at for at, name in enumerate(traits) if not np.isnan(table[:, at]).all()}
        x = table[:, list(told.values())]
        mean, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
        spread[spread < LEAST_SPREAD] = np.inf  # what never differs tells nothing
        learned = _regression(C=_LOOSENESS, max_iter=1000)
        learned.fit(_standardised(x, mean, spread), own)
        kept = np.isfinite(spread)
        columns = (mean[kept], spread[kept], learned.coef_[0][kept])
        names = [name for name, keep in zip(told, kept, strict=True) if keep]
        rows = np.stack(columns, axis=1).tolist()
        return cls(dict(zip(names, rows, strict=True)), float(learned.intercept_[0]))

    def probability(self, score: Score) -> float:
        """That the player played it, 0 … 1; a half where notes are too few to tell."""
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
    """Write the judges, or in words why there are none, as `FILE` in a folder."""
    found = {"none": judges} if isinstance(judges, str) else asdict(judges)
    files.write_text(folder / FILE, json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")


def read_judges(folder: Path) -> Judges | str:
    """What `write_judges` wrote.

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
    """The judge to choose solos by; None where there is none.

    Args:
        judges: as `read_judges` gives them.
        artist: in whose style the solos are drawn, `generate.artist`.

    Raises:
        InputError: the judge is that of another artist.
    """
    if isinstance(judges, str):
        return None
    if artist not in (None, judges.artist):
        remedy = "set judge.artist and run the judge stage, or set generate.best_of to 1"
        raise InputError(
            "generate.best_of", expected=f"a judge of {artist}", found=f"one of {judges.artist}", remedy=remedy
        )
    return judges.ratio


def auc(verdicts: Sequence[float], own: Sequence[bool]) -> float | None:
    """The share of pairs of a piece of the player's and another's that are told apart; None unless there are both."""
    from sklearn.metrics import roc_auc_score  # as in `_regression`

    return float(roc_auc_score(own, verdicts)) if len({*own}) == 2 else None


def estimate_auc(
    verdicts: Sequence[float], own: Sequence[bool], groups: Sequence[str], samples: int, random: np.random.Generator
) -> Estimate | None:
    """`auc` with its 95 % bootstrap interval over tune groups; None unless there are both sides.

    Groups are drawn within the player's and within the others', so that both sides stay as many. A side of a single
    group would be drawn as it is every time. How much it varies is unknown, so the area has no interval then.
    """
    area = auc(verdicts, own)
    if area is None:
        return None
    judged, truth, tunes = np.asarray(verdicts), np.asarray(own, dtype=np.bool_), np.asarray(groups)
    members = []  # of the player, of the others: which pieces each tune group has, (groups, pieces)
    for side in (truth, ~truth):
        names, member = np.unique(tunes[side], return_inverse=True)
        members.append((member == np.arange(len(names))[:, None]).astype(np.float64))
    sizes = [len(of_side) for of_side in members]
    if min(sizes) < 2:
        return Estimate(area, n=len(own))
    lead = judged[truth][:, None] - judged[~truth]
    won = members[0] @ ((lead > 0) + (lead == 0) / 2) @ members[1].T  # pairs told apart, by group and group

    def areas(*drawn: Ints) -> Floats:
        pairs = np.multiply(*(times @ side.sum(axis=1) for times, side in zip(drawn, members, strict=True)))
        values: Floats = ((drawn[0] @ won) * drawn[1]).sum(axis=1) / pairs
        return values

    return Estimate.drawn(area, bootstrap(areas, sizes, samples, random), len(own))


def _regression(**settings: Any) -> Any:
    """An unfitted logistic regression; both sides weigh alike."""
    from sklearn.linear_model import LogisticRegression  # takes a second, and whoever only asks a judge needs none

    return LogisticRegression(class_weight="balanced", **settings)


def _valued(score: Score, names: Iterable[str]) -> Floats:
    """The metrics of these names, NaN where there is none."""
    described = describe(score)
    return np.array([described[name] for name in names], dtype=np.float64)


def _standardised(x: Floats, mean: Floats, spread: Floats) -> Floats:
    return np.clip(np.nan_to_num((x - mean) / spread), -_SPREAD, _SPREAD)


def _logistic(x: float) -> float:
    return float(np.exp(-np.logaddexp(0, -x)))
