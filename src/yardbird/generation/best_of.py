"""Draws several solos for every order and keeps the one with the best score for style, harmony and originality.

    score = z(probability that the player played it) + 2 · z(harmony margin) − z(longest run in a training solo)

z is the standard score among the solos drawn for one order. docs/adr/0010 explains the weights: the harmony margin
alone improves every metric except the first judge's verdict; that judge alone improves little except its own verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import Solo
from yardbird.generation.source import Draw
from yardbird.judges.style_judges import FEWEST_NOTES, Judges, RatioJudge, chooser, read_judges
from yardbird.metrics.harmony import harmony_margin
from yardbird.metrics.shared_runs import KnownSolo, OriginalityIndex
from yardbird.metrics.solo_metrics import LEAST_SPREAD
from yardbird.music.excerpts import cut
from yardbird.music.score import Floats, Score, make_notes

STYLE, MARGIN, RUN = "style", "harmony_margin", "longest_run"
WEIGHTS = {STYLE: 1.0, MARGIN: 2.0, RUN: -1.0}
#: The measured values of a solo, by these names; None: no chords, or too few notes to judge.
Measured = Mapping[str, float | None]


@dataclass(frozen=True)
class Chooser:
    """The basis for choosing solos: the judge of style and the training solos it was fitted on.

    Without a judge (all training solos are by one artist) only the harmony margin counts.
    """

    judge: RatioJudge | None
    known: OriginalityIndex | None

    @classmethod
    def of(cls, judge: RatioJudge | None) -> "Chooser":
        if judge is None:
            return cls(None, None)
        lines = [*judge.own, *judge.others]
        return cls(judge, OriginalityIndex([_known(str(number), line) for number, line in enumerate(lines)]))

    def measure(self, solo: Solo) -> Measured:
        """The values of the drawn bars of a solo that the choice depends on."""
        piece = cut(solo.score, int(solo.score.bar_ticks[solo.primed_bars]), solo.score.end_tick)
        if len(piece.notes) < FEWEST_NOTES:
            return dict.fromkeys(WEIGHTS)
        style = None if self.judge is None else self.judge.probability(piece)
        run = None if self.known is None else float(self.known.compare(piece).longest_run)
        return {STYLE: style, MARGIN: harmony_margin(piece), RUN: run}


def draw_best(draw: Draw, orders: Sequence[Order], config: GenerateConfig, seed: int, judges: Path) -> list[Solo]:
    """One solo per order, the best of `config.best_of`; if that is 1, the result of `draw`, without a judge.

    All solos are drawn in one batch; its first rows equal those of a single draw. The bars of a prime are not judged. A
    solo with too few notes to be judged ranks below any other; of equal solos the first is kept. Without a judge, the
    harmony margin alone decides; `without_judge` reports this.

    Args:
        judges: the folder that the judge stage wrote.

    Raises:
        InputError: as `draw`; or the judge was fitted for another artist than `config.artist`.
    """
    if config.best_of == 1:
        return draw(orders, config, seed)
    choice = Chooser.of(chooser(_read(judges), config.artist))
    solos = draw([*orders] * config.best_of, config, seed)
    rivals = [solos[place :: len(orders)] for place in range(len(orders))]
    return [best([(solo, choice.measure(solo)) for solo in own]) for own in rivals]


def without_judge(config: GenerateConfig, judges: Path) -> str | None:
    """The reason why solos are chosen without a judge of style; else None."""
    if config.best_of == 1 or not isinstance(reason := _read(judges), str):
        return None
    return f"no judge of style ({reason}); best_of chooses by the harmony margin alone"


def judges_hash(config: GenerateConfig, judges: Path) -> str | None:
    """A hash of the judges that choose, for the provenance; None if there is no choice, or no judge."""
    return files.sha256_folder(judges) if config.best_of > 1 and judges.is_dir() else None


def _read(judges: Path) -> Judges | str:
    return read_judges(judges) if judges.is_dir() else f"no folder {judges}, which the judge stage writes"


def best(rivals: Sequence[tuple[Solo, Measured]]) -> Solo:
    """The solo with the highest score; its `judged` holds the measured values of all of them."""
    judged = tuple(measured for _, measured in rivals)
    return replace(rivals[int(scores(judged, WEIGHTS).argmax())][0], judged=judged)


def scores(judged: Sequence[Measured], weights: Mapping[str, float]) -> Floats:
    """The weighted sum of standard scores, −∞ for solos that could not be judged: (solos,)."""
    total = sum(
        weight * standard_scores(np.array([measured[name] for measured in judged], dtype=np.float64))
        for name, weight in weights.items()
    )
    return np.where([all(value is None for value in measured.values()) for measured in judged], -np.inf, total)


def standard_scores(values: Floats) -> Floats:
    """(values − mean) / standard deviation; 0 for NaN, and for all values if they are equal: (values,)."""
    known = values[~np.isnan(values)]
    if not len(known) or (spread := known.std()) < LEAST_SPREAD:
        return np.zeros(len(values))
    standardised: Floats = np.nan_to_num((values - known.mean()) / spread)
    return standardised


def _known(name: str, intervals: Sequence[int]) -> KnownSolo:
    """A training solo rebuilt from the intervals the judge keeps: equal notes from an arbitrary first pitch."""
    pitches = np.cumsum([0, *intervals]).tolist()
    return KnownSolo(name, name, Score(1, make_notes([(at, 1, p, 1) for at, p in enumerate(pitches)]), len(pitches)))
