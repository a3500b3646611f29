"""Several solos drawn for every order, of which the one is kept that scores best on style, harmony and originality.

    score = z(log likelihood ratio of the judge of style) + 2 · z(harmony margin) − z(longest run in a training solo)

z is the standard score among the solos drawn for one order. The margin counts twice: chosen by it alone, solos also
please both judges of style more and lie nearer to real ones (docs/adr/0008); chosen by the judge alone, they please
hardly anyone but that judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import Solo
from yardbird.generation.source import Draw
from yardbird.metrics.harmony import harmony_margin
from yardbird.metrics.judges import FEWEST_NOTES, RatioJudge, chooser, read_judges
from yardbird.metrics.originality import KnownSolo, OriginalityIndex
from yardbird.metrics.table import LEAST_SPREAD
from yardbird.music.excerpts import cut
from yardbird.music.score import Floats, Score, make_notes

STYLE, MARGIN, RUN = "style", "harmony_margin", "longest_run"
WEIGHTS = {STYLE: 1.0, MARGIN: 2.0, RUN: -1.0}


@dataclass(frozen=True)
class Chooser:
    """What solos are chosen by: the judge of style, and the training solos that it learned from."""

    judge: RatioJudge
    known: OriginalityIndex

    @classmethod
    def of(cls, judge: RatioJudge) -> "Chooser":
        lines = [*judge.own, *judge.others]
        return cls(judge, OriginalityIndex([_known(str(number), line) for number, line in enumerate(lines)]))

    def best(self, rivals: Sequence[Solo]) -> Solo:
        """The solo with the highest score, of equals the first; `judged` holds what was measured of each of them."""
        pieces = [_drawn(solo) for solo in rivals]
        ratios = [self.judge.ratio(piece) for piece in pieces]
        margins = [harmony_margin(piece) for piece in pieces]
        runs = [self.known.compare(piece).longest_run for piece in pieces]
        columns = {STYLE: ratios, MARGIN: margins, RUN: runs}
        enough = np.array([len(piece.notes) >= FEWEST_NOTES for piece in pieces])
        scores = np.full(len(rivals), -np.inf)
        scores[enough] = sum(
            weight * standard_scores(np.array(columns[name], dtype=np.float64)[enough])
            for name, weight in WEIGHTS.items()
        )
        judged = tuple(
            {STYLE: self.judge.probability(piece), MARGIN: margin, RUN: run}
            for piece, margin, run in zip(pieces, margins, runs, strict=True)
        )
        return replace(rivals[int(scores.argmax())], judged=judged)


def draw_best(draw: Draw, orders: Sequence[Order], config: GenerateConfig, seed: int, judges: Path) -> list[Solo]:
    """One solo an order, the best of `config.best_of`; of one, what `draw` draws, and no judge is asked.

    All are drawn in one batch whose first rows are what a single draw gives. The bars of a prime are not judged. A
    solo with too few notes to be judged loses to any other; of equals the first is kept.

    Args:
        judges: the folder that the judge stage wrote.

    Raises:
        InputError: as the draw; or there is no judge, or one of another artist than `config.artist`.
    """
    if config.best_of == 1:
        return draw(orders, config, seed)
    choice = Chooser.of(chooser(read_judges(judges), config.artist))
    solos = draw([*orders] * config.best_of, config, seed)
    return [choice.best(solos[place :: len(orders)]) for place in range(len(orders))]


def standard_scores(values: Floats) -> Floats:
    """(values − mean) / standard deviation; 0 for NaN, and for all where they do not differ: (values,)."""
    known = values[~np.isnan(values)]
    if not len(known) or (spread := known.std()) < LEAST_SPREAD:
        return np.zeros(len(values))
    scores: Floats = np.nan_to_num((values - known.mean()) / spread)
    return scores


def _drawn(solo: Solo) -> Score:
    score = solo.score
    return cut(score, int(score.bar_ticks[solo.primed_bars]), score.end_tick)


def _known(name: str, intervals: Sequence[int]) -> KnownSolo:
    """A training solo of which the judge keeps the intervals: in even notes from an arbitrary pitch."""
    pitches = np.cumsum([0, *intervals]).tolist()
    return KnownSolo(name, name, Score(1, make_notes([(at, 1, p, 1) for at, p in enumerate(pitches)]), len(pitches)))
