from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import CHARTS, DRAW_FUNCTIONS, settings
from event_scores import grid_scores
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tiny_vae import tiny_vae

from yardbird.codecs.melody import Frame
from yardbird.generation.latent_solos import FREE_QPM, draw
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.generation.orders import Order, Prime, numbered
from yardbird.generation.solos import faults
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes
from yardbird.nn.sampling import Sampling

BLUES = read_lead_sheet(CHARTS / "blues_in_f.txt")
FAMILY = tiny_vae()
DRAW = DRAW_FUNCTIONS["prior"]


class Recorded:
    """Decodes to a note of two beats on every beat (the last one cut), and records its arguments."""

    codec = FAMILY.codec

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.before: list[Score | None] = []
        self.calls: list[dict[str, Any]] = []

    def prior(
        self, frames: Sequence[Frame], seeds: Sequence[int], before: Sequence[Score | None], /
    ) -> Sequence[Frame]:
        self.frames += frames
        self.before += before
        self.calls.append({"prior": seeds})
        return frames

    def decode(
        self, latents: Sequence[Frame], *, sampling: Sampling, pitch_range: tuple[int, int], seeds: Sequence[int]
    ) -> list[Score]:
        self.calls[-1] |= {"sampling": sampling, "pitch_range": pitch_range, "decode": seeds}
        scores = [frame.score for frame in latents]
        return [replace(s, notes=make_notes([(at, 6, 60, 80) for at in range(0, s.end_tick, 12)])) for s in scores]


def prime_of(score: Score, bars: int) -> Prime:
    return Prime(Path("prime.mid"), score, bars)


@given(grid_scores(one_meter=True), st.data())
@hypothesis_settings(max_examples=30)
def test_any_prime_is_kept_and_continued_legally(score: Score, data: st.DataObject) -> None:
    prime = prime_of(score, data.draw(st.integers(1, score.bar_count)))
    meter = score.meters[0]
    sheet = data.draw(st.sampled_from([None, replace(BLUES, meter=meter._replace(tick=0), bars=BLUES.bars[:3])]))
    config = settings(bars=prime.bars + data.draw(st.integers(1, 3)))
    (solo,) = DRAW([Order("primed", config.bars, sheet, prime)], config, data.draw(st.integers(0, 99)))
    assert faults(solo, config) == []
    start = prime.bars * meter.bar_ticks(12)
    gridded = FAMILY.codec.grid(score).score
    own = gridded.notes[gridded.onsets < start].copy()
    own["duration_tick"] = np.minimum(own["duration_tick"], solo.score.end_tick - own["onset_tick"])
    assert np.array_equal(solo.score.notes[: len(own)], own)
    assert np.all(solo.score.onsets[len(own) :] >= start)
    assert [c for c in solo.score.chords if c.tick < start] == [c for c in gridded.chords if c.tick < start]
    assert solo.score.tempos == tuple(tempo for tempo in gridded.tempos if tempo.tick < start)


def test_a_solo_depends_on_the_seed_and_its_number_and_not_on_other_solos() -> None:
    config = settings(bars=6)
    orders = [*numbered("blues", 3, config, BLUES), *numbered("free", 1, config)]
    solos = DRAW(orders, config, 1)
    assert [solo.score for solo in DRAW(orders[:2], config, 1)] == [solo.score for solo in solos[:2]]
    assert solos[0].score != solos[1].score
    assert DRAW(orders[:1], config, 2)[0].score != solos[0].score


def test_solos_of_several_batches_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = numbered("blues", 3, settings(bars=6), BLUES)
    together = DRAW(orders, settings(), 1)
    monkeypatch.setattr("yardbird.generation.latent_solos._AT_ONCE", 2)
    assert DRAW(orders, settings(), 1) == together


def test_a_note_tied_over_from_the_prime_ends_before_the_first_drawn_note() -> None:
    notes = make_notes([(0, 12, 70, 80), (36, 27, 71, 80), (72, 6, 72, 80)])
    (solo,) = draw(Recorded(), [Order("primed", 2, prime=prime_of(Score(12, notes, 96), 1))], settings(bars=2), 0)
    rows = list(zip(solo.score.onsets, solo.score.offsets, solo.score.pitches, strict=True))
    assert rows == [(0, 12, 70), (36, 63, 71), (63, 66, 60), (72, 78, 60)]  # 84 is in the closing rest


def test_the_bars_after_a_prime_have_their_own_frame() -> None:
    family = Recorded()
    score = Score(12, make_notes([(0, 12, 70, 80)]), 96, tempos=(Tempo(0, 210.0), Tempo(48, 220.0)))
    draw(family, [Order("both", 5, BLUES, prime_of(score, 2))], settings(bars=5), 0)
    (frame,) = family.frames
    assert frame.score.end_tick == 3 * 48
    assert frame.score.mean_qpm == pytest.approx(220.0)
    assert frame.score.chords == tuple(
        ChordChange(change.tick - 96, change.chord) for change in BLUES.chord_changes(12, 5) if change.tick >= 96
    )


def test_the_prior_continues_the_prime() -> None:
    family = Recorded()
    score = Score(12, make_notes([(0, 60, 70, 80), (60, 12, 71, 80)]), 96)
    config = settings(bars=3)
    draw(family, [Order("primed", 3, BLUES, prime_of(score, 1)), *numbered("blues", 1, config, BLUES)], config, 0)
    prime, nothing = family.before
    assert prime is not None
    assert nothing is None
    assert prime.end_tick == 48
    assert prime.notes[["onset_tick", "duration_tick", "pitch"]].tolist() == [(0, 48, 70)]


def test_without_a_chart_the_model_gets_no_chord_and_the_solo_has_none() -> None:
    family = Recorded()
    (solo,) = draw(family, numbered("free", 1, settings()), settings(), 0)
    assert solo.score.chords == ()
    assert solo.score.meters == (Meter(0, 4, 4),)
    assert not family.frames[0].chords.any()


def test_after_a_prime_with_chords_a_free_solo_has_none() -> None:
    """Otherwise the prime's last chord would last to the end."""
    changes = LeadSheet.parse("F7 | Bb7").chord_changes(12, 2)
    family = Recorded()
    prime = prime_of(Score(12, make_notes([(0, 12, 70, 80)]), 96, chords=changes), 1)
    (solo,) = draw(family, [Order("primed", 4, prime=prime)], settings(bars=4), 0)
    assert solo.score.chords == (changes[0], ChordChange(48, None))
    assert not family.frames[0].chords.any()


@pytest.mark.parametrize(
    ("sheet", "qpm", "expected"), [(None, None, FREE_QPM), (None, 90.0, 90.0), (BLUES, 90.0, BLUES.qpm)]
)
def test_the_tempo_comes_from_the_chart_else_the_settings_else_the_default(
    sheet: LeadSheet | None, qpm: float | None, expected: float
) -> None:
    (solo,) = DRAW(numbered("solo", 1, settings(), sheet), settings(qpm=qpm), 0)
    assert solo.score.tempos == (Tempo(0, expected),)


def test_the_sampling_settings_reach_the_decoder() -> None:
    family = Recorded()
    draw(family, numbered("solo", 2, settings()), settings(temperature=0.7, top_k=9, top_p=0.8, min_p=0.1), 0)
    (call,) = family.calls
    assert call["sampling"] == Sampling(0.7, 9, 0.8, 0.1)
    assert call["pitch_range"] == (49, 81)
    assert len({*call["prior"], *call["decode"]}) == 4
    orders = numbered("solo", 1, settings())
    likeliest, one = (DRAW(orders, settings(**how), 0) for how in ({"temperature": 0.0}, {"top_k": 1}))
    assert likeliest[0].score == one[0].score


def test_pitches_are_within_the_range() -> None:
    (solo,) = DRAW([Order("solo", 64)], settings(lowest_pitch=60, highest_pitch=61), 0)
    assert set(solo.score.pitches) == {60, 61}


def test_the_artist_is_ignored() -> None:
    assert (
        DRAW(numbered("solo", 1, settings()), settings(artist="Nobody"), 0)[0].score
        == DRAW(numbered("solo", 1, settings()), settings(), 0)[0].score
    )


def test_the_key_is_that_of_the_chart() -> None:
    (solo,) = DRAW(numbered("solo", 1, settings(), BLUES), settings(), 0)
    assert solo.score.key == Key.parse("F")
