from pathlib import Path

import numpy as np
import pytest
from drawing import DRAWERS, settings

from yardbird import files
from yardbird.errors import InputError
from yardbird.generation.best_of import draw_best
from yardbird.generation.orders import Order, numbered, read_prime
from yardbird.generation.solos import Solo, write_solo
from yardbird.generation.source import Draw
from yardbird.metrics.judges import FEWEST_NOTES, Judges, RatioJudge, TraitJudge, write_judges
from yardbird.music.excerpts import cut
from yardbird.music.midi import write_score
from yardbird.music.score import Score, make_notes


def walk(steps: list[int], seed: int) -> Score:
    pitches = 60 + np.cumsum(np.random.default_rng(seed).choice(steps, 32)) % 20
    return Score(12, make_notes([(6 * place, 6, int(pitch), 80) for place, pitch in enumerate(pitches)]), 192)


@pytest.fixture(params=sorted(DRAWERS))
def draw(request: pytest.FixtureRequest) -> Draw:
    return DRAWERS[request.param]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Judges of Ann, who walks by step, and others, who leap."""
    scores, own = training()
    ratio = RatioJudge.fit(scores, own, 3).calibrated(scores, own)
    write_judges(Judges("Ann", ratio, TraitJudge.fit(scores, own)), tmp_path / "judges")
    return tmp_path / "judges"


ORDERS = [Order("free/solo_000", 16), Order("free/solo_001", 16)]


def training() -> tuple[list[Score], list[bool]]:
    own = [True, True, False, False]
    return [walk([-2, -1, 1, 2] if mine else [-5, -4, 4, 5], seed) for seed, mine in enumerate(own)], own


def liked(solo: Solo, start: int = 0) -> float:
    """What the judge's n-grams say of the notes from a bar on; nothing is worse than too few of them."""
    piece = cut(solo.score, int(solo.score.bar_ticks[start]), solo.score.end_tick)
    return RatioJudge.fit(*training(), 3).ratio(piece) if len(piece.notes) >= FEWEST_NOTES else -np.inf


def test_the_solo_most_like_the_player_is_kept_of_those_drawn_in_one_batch(draw: Draw, folder: Path) -> None:
    config = settings(best_of=3)
    all_drawn = draw(ORDERS * 3, config, 7)
    chosen = draw_best(draw, ORDERS, config, 7, folder)
    assert any(solo.index >= len(ORDERS) for solo in chosen)
    for place, solo in enumerate(chosen):
        ratios = [liked(rival) for rival in all_drawn[place::2]]
        assert solo.order is ORDERS[place]
        assert solo.index == all_drawn[place::2][int(np.argmax(ratios))].index
        assert len(solo.judged) == 3


def test_the_first_drawn_of_several_is_what_a_single_draw_gives_and_choice_is_deterministic(
    draw: Draw, folder: Path
) -> None:
    config = settings(best_of=2)
    single = draw_best(draw, ORDERS, settings(), 5, folder / "no judge is asked")
    assert [solo.judged for solo in single] == [(), ()]
    several = draw(ORDERS * 2, config, 5)[:2]
    for one, first in zip(single, several, strict=True):
        assert np.array_equal(one.score.notes, first.score.notes)
    once, again = (draw_best(draw, ORDERS, config, 5, folder) for _ in range(2))
    assert [solo.index for solo in once] == [solo.index for solo in again]


def test_the_bars_of_a_prime_are_not_judged(draw: Draw, folder: Path, tmp_path: Path) -> None:
    """The prime is Ann's at her best: judged with it, the solo that adds fewest notes to it would be kept."""
    write_score(walk([1, 2], 0), tmp_path / "opening.mid")
    config = settings(best_of=4, bars=16)
    orders = numbered("primed", 8, config, prime=read_prime(tmp_path / "opening.mid", 4))
    all_drawn = draw(orders * 4, config, 3)
    rivals = [all_drawn[place::8] for place in range(8)]
    whole, drawn = ([int(np.argmax([liked(rival, start) for rival in own])) for own in rivals] for start in (0, 4))
    assert whole != drawn, "orders of which the prime decides the choice"
    chosen = draw_best(draw, orders, config, 3, folder)
    assert [solo.index for solo in chosen] == [own[place].index for own, place in zip(rivals, drawn, strict=True)]


def test_the_provenance_tells_what_was_judged(draw: Draw, folder: Path, tmp_path: Path) -> None:
    config = settings(best_of=2)
    (solo, _) = draw_best(draw, ORDERS, config, 5, folder)
    write_solo(solo, tmp_path / "solo", config, 5, {})
    provenance = files.read_json(tmp_path / "solo.json")
    assert provenance["settings"]["best_of"] == 2
    assert provenance["judged"] == pytest.approx(solo.judged, abs=1e-4)


@pytest.mark.parametrize("artist", ["Ann", None])
def test_the_judge_s_own_player_may_be_asked_for(folder: Path, artist: str | None) -> None:
    assert len(draw_best(DRAWERS["prior"], ORDERS, settings(best_of=2, artist=artist), 0, folder)) == 2


def test_without_a_judge_or_with_one_of_another_player_there_is_no_choice(draw: Draw, folder: Path) -> None:
    with pytest.raises(InputError, match=r"expected a judge of Bob, found one of Ann; set judge.artist"):
        draw_best(draw, ORDERS, settings(best_of=2, artist="Bob"), 0, folder)
    write_judges("the training solos are not both Ann's and others'", folder)
    with pytest.raises(InputError, match=r"expected a judge of style, found the training .*; set it to 1"):
        draw_best(draw, ORDERS, settings(best_of=2), 0, folder)
    with pytest.raises(InputError, match="run the judge stage"):
        draw_best(draw, ORDERS, settings(best_of=2), 0, folder / "elsewhere")
