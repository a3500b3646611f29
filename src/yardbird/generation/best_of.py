"""Several solos drawn for every order, of which the one is kept that is most like a player, says a judge of style."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import Solo
from yardbird.generation.source import Draw
from yardbird.metrics.judges import FEWEST_NOTES, RatioJudge, chooser, read_judges
from yardbird.music.excerpts import cut
from yardbird.music.score import Score


def draw_best(draw: Draw, orders: Sequence[Order], config: GenerateConfig, seed: int, judges: Path) -> list[Solo]:
    """One solo an order, the best of `config.best_of`; of one, what `draw` draws, and no judge is asked.

    All are drawn in one batch whose first rows are what a single draw gives: more choice never makes worse. The bars
    of a prime are not judged. A solo with too few notes to be judged loses to any other; of equals the first is kept.

    Args:
        judges: the folder that the judge stage wrote.

    Raises:
        InputError: as the draw; or there is no judge, or one of another artist than `config.artist`.
    """
    if config.best_of == 1:
        return draw(orders, config, seed)
    judge = chooser(read_judges(judges), config.artist)
    solos = draw([*orders] * config.best_of, config, seed)
    rivals = [solos[place :: len(orders)] for place in range(len(orders))]
    return [_best(own, judge) for own in rivals]


def _best(rivals: Sequence[Solo], judge: RatioJudge) -> Solo:
    pieces = [_drawn(solo) for solo in rivals]
    ratios = [judge.ratio(piece) if len(piece.notes) >= FEWEST_NOTES else float("-inf") for piece in pieces]
    chosen = rivals[ratios.index(max(ratios))]
    return replace(chosen, judged=tuple(judge.probability(piece) for piece in pieces))


def _drawn(solo: Solo) -> Score:
    score = solo.score
    return cut(score, int(score.bar_ticks[solo.primed_bars]), score.end_tick)
