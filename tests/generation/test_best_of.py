import re
from pathlib import Path

import numpy as np
import pytest
from drawing import CHARTS, DRAW_FUNCTIONS, settings

from yardbird import files
from yardbird.errors import InputError
from yardbird.generation import best_of
from yardbird.generation.best_of import MARGIN, RUN, STYLE, Chooser, best, draw_best, standard_scores, without_judge
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.generation.orders import Order, numbered, read_prime
from yardbird.generation.solos import Solo, write_solo
from yardbird.generation.source import Draw
from yardbird.judges.style_judges import FEWEST_NOTES, Judges, RatioJudge, TraitJudge, intervals, write_judges
from yardbird.metrics.harmony import harmony_margin
from yardbird.music.excerpts import cut
from yardbird.music.midi import write_score
from yardbird.music.score import Score, make_notes


def walk(steps: list[int], seed: int) -> Score:
    pitches = 60 + np.cumsum(np.random.default_rng(seed).choice(steps, 32)) % 20
    return Score(12, make_notes([(6 * place, 6, int(pitch), 80) for place, pitch in enumerate(pitches)]), 192)


@pytest.fixture(params=["tokens", pytest.param("prior", marks=pytest.mark.slow)])
def draw(request: pytest.FixtureRequest) -> Draw:
    return DRAW_FUNCTIONS[request.param]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Judges for Ann, who moves by step, and others, who leap."""
    scores, own = training()
    ratio = RatioJudge.fit(scores, own, 3).calibrated(scores, own)
    write_judges(Judges("Ann", ratio, TraitJudge.fit(scores, own)), tmp_path / "judges")
    return tmp_path / "judges"


ORDERS = [Order("free/solo_000", 16), Order("free/solo_001", 16)]


def training() -> tuple[list[Score], list[bool]]:
    own = [True, True, False, False]
    return [walk([-2, -1, 1, 2] if mine else [-5, -4, 4, 5], seed) for seed, mine in enumerate(own)], own


def slow_best(rivals: list[Solo], start: int = 0) -> Solo:
    """A slow reference: the highest sum of standard scores over the notes from a bar on; too few notes never win."""
    scores, _ = training()
    pieces = [cut(solo.score, int(solo.score.bar_ticks[start]), solo.score.end_tick) for solo in rivals]
    able = [place for place, piece in enumerate(pieces) if len(piece.notes) >= FEWEST_NOTES]
    judge = RatioJudge.fit(*training(), 3).calibrated(*training())
    verdicts = [judge.probability(pieces[place]) for place in able]
    margins = [harmony_margin(pieces[place]) for place in able]
    runs = [float(max(shared_run(pieces[place], score) for score in scores)) for place in able]
    summed = dict.fromkeys(able, 0.0)
    for weight, values in ((1, verdicts), (2, margins), (-1, runs)):
        known = [value for value in values if value is not None]
        if not known or np.std(known) < 1e-9:
            continue
        for place, value in zip(able, values, strict=True):
            summed[place] += weight * (0.0 if value is None else float((value - np.mean(known)) / np.std(known)))
    return rivals[max(able, key=lambda place: (round(summed[place], 9), -place), default=0)]


def shared_run(one: Score, other: Score) -> int:
    """The longest common run of intervals, in the judge's representation: leaps are limited to an octave."""
    a, b = np.diff(one.pitches).tolist(), intervals(other)
    grams = {tuple(b[start:stop]) for start in range(len(b)) for stop in range(start + 1, len(b) + 1)}
    return max(
        (n for n in range(1, len(a) + 1) for at in range(len(a) - n + 1) if tuple(a[at : at + n]) in grams), default=0
    )


BLUES = read_lead_sheet(CHARTS / "blues_in_f.txt")
OVER_CHANGES = [Order("blues/solo_000", 16, BLUES), Order("blues/solo_001", 16, BLUES)]


@pytest.mark.parametrize("orders", [ORDERS, OVER_CHANGES])
def test_the_solo_with_the_best_score_in_the_batch_is_kept(draw: Draw, folder: Path, orders: list[Order]) -> None:
    config = settings(best_of=5, bars=16)
    all_drawn = draw(orders * 5, config, 5)
    chosen = draw_best(draw, orders, config, 5, folder)
    assert any(solo.index >= len(orders) for solo in chosen)
    for place, solo in enumerate(chosen):
        assert solo.order is orders[place]
        assert solo.index == slow_best(all_drawn[place::2]).index
        assert len(solo.judged) == 5


def drawn(pitches: list[int]) -> Solo:
    """Sixteen bars of quarters over C7."""
    notes = make_notes([(12 * place, 12, pitch, 80) for place, pitch in enumerate(pitches)])
    chords = LeadSheet.parse("C7").chord_changes(12, 1)
    return Solo(ORDERS[0], 0, Score(12, notes, 12 * len(pitches), chords=chords))


def test_of_two_similar_solos_the_copy_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, own = training()
    choice = Chooser.of(RatioJudge.fit(scores, own, 3).calibrated(scores, own))
    mixed = [*scores[0].pitches[:10].tolist(), *scores[1].pitches[8:24].tolist()]
    rivals = [drawn(scores[0].pitches.tolist()), drawn(mixed)]
    monkeypatch.setattr(best_of, "WEIGHTS", {RUN: best_of.WEIGHTS[RUN]})
    chosen = best([(rival, choice.measure(rival)) for rival in rivals])
    assert chosen.score == rivals[1].score
    assert [measured[RUN] for measured in chosen.judged] == [
        max(shared_run(rival.score, score) for score in scores) for rival in rivals
    ]
    assert (chosen.judged[0][RUN] or 0) > (chosen.judged[1][RUN] or 0)


def test_a_solo_off_its_changes_loses_to_the_same_solo_on_them() -> None:
    scores, own = training()
    choice = Chooser.of(RatioJudge.fit(scores, own, 3).calibrated(scores, own))
    arpeggio, off_chord = [60, 64, 67, 70] * 8, [61, 65, 68, 71] * 8  # of C7, and a semitone above it
    rivals = [drawn(off_chord), drawn(arpeggio)]
    for order in (rivals, rivals[::-1]):
        chosen = best([(rival, choice.measure(rival)) for rival in order])
        assert chosen.score == rivals[1].score
    assert (chosen.judged[0][MARGIN] or 0) > 0 > (chosen.judged[1][MARGIN] or 0)
    assert chosen.judged[0][STYLE] == chosen.judged[1][STYLE], "their intervals are alike"


def test_standard_scores_of_missing_and_equal_values_are_0() -> None:
    assert standard_scores(np.array([1.0, 3.0])).tolist() == [-1, 1]
    assert standard_scores(np.array([1.0, np.nan, 3.0])).tolist() == [-1, 0, 1]
    for values in ([2.0, 2.0], [1.4, 1.4, 1.4], [np.nan, np.nan], []):
        assert standard_scores(np.array(values)).tolist() == [0.0] * len(values)


def test_the_first_candidate_equals_a_single_draw_and_the_choice_is_deterministic(draw: Draw, folder: Path) -> None:
    config = settings(best_of=2)
    single = draw_best(draw, ORDERS, settings(), 5, folder / "no judge")
    assert [solo.judged for solo in single] == [(), ()]
    several = draw(ORDERS * 2, config, 5)[:2]
    for one, first in zip(single, several, strict=True):
        assert np.array_equal(one.score.notes, first.score.notes)
    once, again = (draw_best(draw, ORDERS, config, 5, folder) for _ in range(2))
    assert [solo.index for solo in once] == [solo.index for solo in again]


def test_the_bars_of_a_prime_are_not_judged(draw: Draw, folder: Path, tmp_path: Path) -> None:
    """The prime is typical of Ann: if it were judged, the solo with the fewest notes after it would be kept."""
    write_score(walk([1, 2], 0), tmp_path / "opening.mid")
    config = settings(best_of=4, bars=16)
    orders = numbered("primed", 8, config, prime=read_prime(tmp_path / "opening.mid", 4))
    all_drawn = draw(orders * 4, config, 3)
    rivals = [all_drawn[place::8] for place in range(8)]
    whole, behind = ([slow_best(own, start).index for own in rivals] for start in (0, 4))
    assert whole != behind, "with these orders, judging the prime changes the choice"
    chosen = draw_best(draw, orders, config, 3, folder)
    assert [solo.index for solo in chosen] == behind


def test_the_provenance_has_the_judged_values(draw: Draw, folder: Path, tmp_path: Path) -> None:
    config = settings(best_of=2)
    (solo, _) = draw_best(draw, ORDERS, config, 5, folder)
    write_solo(solo, tmp_path / "solo", config, 5, {}, {})
    provenance = files.read_json(tmp_path / "solo.json")
    assert provenance["settings"]["best_of"] == 2
    assert [set(measured) for measured in provenance["judged"]] == [{STYLE, MARGIN, RUN}] * 2
    for told, measured in zip(provenance["judged"], solo.judged, strict=True):
        assert told[STYLE] == pytest.approx(measured[STYLE], abs=1e-4)
        assert told[RUN] == measured[RUN]


@pytest.mark.parametrize("artist", ["Ann", None])
def test_the_artist_of_the_judge_can_be_requested(folder: Path, artist: str | None) -> None:
    assert len(draw_best(DRAW_FUNCTIONS["prior"], ORDERS, settings(best_of=2, artist=artist), 0, folder)) == 2


def test_a_judge_of_another_player_does_not_choose(draw: Draw, folder: Path) -> None:
    with pytest.raises(InputError, match=r"expected a judge of Bob, found a judge of Ann; set judge.artist"):
        draw_best(draw, ORDERS, settings(best_of=2, artist="Bob"), 0, folder)


def test_without_a_judge_the_harmony_margin_decides_and_a_note_reports_it(draw: Draw, folder: Path) -> None:
    """For a corpus of one artist, or a folder without the outputs of the judge stage."""
    assert without_judge(settings(best_of=5), folder) is None
    write_judges("the training solos are not by both Ann and others", folder)
    config = settings(best_of=5, bars=16)
    all_drawn = draw(OVER_CHANGES * 5, config, 5)
    for judges, reason in (
        (folder, "the training solos are not by both"),
        (folder / "elsewhere", "no folder .*elsewhere"),
    ):
        note = without_judge(config, judges)
        assert note is not None
        assert re.match(rf"no judge of style \({reason}.*; best_of chooses by the harmony margin alone", note)
        for place, solo in enumerate(draw_best(draw, OVER_CHANGES, config, 5, judges)):
            margins = [harmony_margin(rival.score) or -9.0 for rival in all_drawn[place::2]]
            assert solo.index == all_drawn[place::2][int(np.argmax(margins))].index
    assert without_judge(settings(best_of=1), folder) is None
