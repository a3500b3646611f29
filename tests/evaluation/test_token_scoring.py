import shutil
from dataclasses import dataclass

import numpy as np
import pytest

from yardbird.baselines.ngram import NGram
from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import read_solos, read_steps
from yardbird.codecs.events import EventCodec
from yardbird.codecs.melody import HOLD, PAD, START, SYMBOLS
from yardbird.errors import InputError
from yardbird.metrics.estimates import Estimate
from yardbird.models.family import Ratio, TokenScores
from yardbird.models.token_scoring import (
    GROUPS,
    SoloFigures,
    estimate,
    estimates,
    pool,
    score_solos,
    score_steps,
    solo_ratios,
)


@dataclass
class Known:
    """Every token costs 2 nats, a pitch 3; every second token is predicted correctly."""

    codec: EventCodec

    def score_tokens(self, tokens) -> TokenScores:
        nats = np.full(len(tokens) - 1, 2.0)
        pitches = self.codec.ids("Pitch")
        nats[(tokens[1:] >= pitches.start) & (tokens[1:] < pitches.stop)] = 3.0
        return TokenScores(nats, np.arange(len(nats)) % 2 == 0)


def test_solos_are_read_back_with_and_without_their_copies(corpus, codec, make_walk):
    assert [solo.solo for solo in read_solos(corpus, "train")] == ["mine/one", "mine/two"]
    copies = read_solos(corpus, "train", copies=True)
    assert [solo.tune_group for solo in copies] == ["one", "one", "two"]
    assert codec.decode(copies[1].tokens).pitches.tolist() == make_walk(1, 16).transposed(2).pitches.tolist()


def test_steps_are_read_back_without_padding_and_each_transposition_once(data, make_walk, tmp_path):
    melody = data / "encoded/melody"
    solos = read_steps(melody, "train", copies=True)
    assert [solo.tune_group for solo in solos] == ["one", "one", "two"]
    assert [len(solo.tokens) for solo in solos] == [1 + 16 * 48, 1 + 16 * 48, 1 + 8 * 48]
    first, second, _ = (solo.tokens for solo in solos)
    assert first[0] == START
    assert (second[second < HOLD] - first[first < HOLD] == 2).all()
    assert np.count_nonzero(first < HOLD) == len(make_walk(1, 16).notes)
    shutil.copytree(melody, tmp_path, dirs_exist_ok=True)
    index = (tmp_path / "index.csv").read_text().splitlines()
    slower = next(line for line in index if line.startswith("mine/one__2")).replace(",1.0,", ",0.9,")
    (tmp_path / "index.csv").write_text("\n".join([*index, slower]) + "\n")
    assert len(read_steps(tmp_path, "train", copies=True)) == 3


def test_a_bar_shorter_than_a_segment_leaves_no_padding_behind(data, tmp_path):
    melody = data / "encoded/melody"
    shutil.copytree(melody, tmp_path, dirs_exist_ok=True)
    steps = np.load(melody / "steps.npy")
    steps[:, 36:] = PAD  # as if all were in 3/4
    np.save(tmp_path / "steps.npy", steps)
    (solo,) = read_steps(tmp_path, "validation")
    assert len(solo.tokens) == 1 + 8 * 36
    assert not (solo.tokens == PAD).any()


def test_an_empty_split_gives_a_one_line_error(corpus):
    with pytest.raises(InputError, match="expected solos of the nonesuch split, found none"):
        read_solos(corpus, "nonesuch")


def test_the_groups_of_kinds_sum_to_the_nats_of_all_tokens(corpus, codec):
    for solo in read_solos(corpus, "test"):
        ratios = solo_ratios(Known(codec).score_tokens(solo.tokens), solo.tokens, codec)
        parts = [ratios[f"{group}_nats_per_note"].numerator for group in GROUPS]
        assert sum(parts) == pytest.approx(ratios["nats_per_note"].numerator)
        assert ratios["pitch_nats_per_note"] == Ratio(
            3.0 * len(codec.decode(solo.tokens).notes), len(codec.decode(solo.tokens).notes)
        )


def test_solos_are_weighted_by_their_notes(corpus, codec):
    solos = read_solos(corpus, "test")
    pooled = pool(score_solos(Known(codec), solos, codec, "test solos"))
    tokens = sum(len(solo.tokens) - 1 for solo in solos)
    notes = sum(len(codec.decode(solo.tokens).notes) for solo in solos)
    assert pooled["nats_per_note"] == pytest.approx((2 * tokens + notes) / notes)
    assert pooled["nats_per_token"] == pytest.approx((2 * tokens + notes) / tokens)
    assert pooled["pitch_nats_per_note"] == pytest.approx(3)


def test_accuracy_counts_the_tokens_of_its_kind_only(corpus, codec):
    solo = read_solos(corpus, "test")[1]
    names = [codec.vocabulary[token] for token in solo.tokens[1:]]
    guessed = [name for place, name in enumerate(names) if place % 2 == 0]
    ratios = solo_ratios(Known(codec).score_tokens(solo.tokens), solo.tokens, codec)
    for group, kind in (("pitch", "Pitch_"), ("position", "Position_"), ("duration", "Duration_")):
        assert ratios[f"{group}_accuracy"] == Ratio(
            sum(name.startswith(kind) for name in guessed), sum(name.startswith(kind) for name in names)
        )


def test_the_ngram_is_scored_as_any_model(corpus, codec):
    solos = read_solos(corpus, "test")
    model = NGram.fit([solo.tokens for solo in read_solos(corpus, "train")], codec.vocab_size, 2)
    pooled = pool(score_solos(model, solos, codec, "test solos"))
    total = sum(float(model.nats(solo.tokens).sum()) for solo in solos)
    assert pooled["nats_per_note"] == pytest.approx(total / sum(len(codec.decode(s.tokens).notes) for s in solos))


def test_the_grid_counts_all_steps_and_divides_by_notes(data, make_walk):
    solos = read_steps(data / "encoded/melody", "test")
    model = NGram.fit([solo.tokens for solo in read_steps(data / "encoded/melody", "train")], SYMBOLS, 3)
    first, _ = score_steps(model, solos, "the grid")
    scores = model.score_tokens(solos[0].tokens)
    assert first.ratios["grid_nats_per_note"] == Ratio(scores.nats.sum(), len(make_walk(4, 16).notes))
    assert first.ratios["forced_accuracy"] == Ratio(scores.correct.sum(), 16 * 48)


def figures(values: list[tuple[str, float, float]]) -> list[SoloFigures]:
    return [
        SoloFigures(f"solo {number}", group, {"x": Ratio(numerator, denominator)})
        for number, (group, numerator, denominator) in enumerate(values)
    ]


def test_the_interval_resamples_groups_and_not_solos():
    """Two solos of one group are always resampled together."""
    same = figures([("a", 0.0, 1.0), ("a", 2.0, 1.0), ("b", 1.0, 1.0), ("b", 1.0, 1.0)])
    assert estimate(same, "x", Resampling(500, 0)) == Estimate(1.0, 1.0, 1.0, 4)
    apart = figures([("a", 0.0, 1.0), ("b", 2.0, 1.0), ("c", 1.0, 1.0), ("d", 1.0, 1.0)])
    found = estimate(apart, "x", Resampling(500, 0))
    assert found.low < 1 < found.high


def test_the_interval_equals_that_of_a_slow_bootstrap():
    random = np.random.default_rng(3)
    values = [(str(group), float(random.normal(5, 1)), float(random.integers(1, 9))) for group in range(12)]
    draws = []
    for _ in range(4000):
        drawn = [values[index] for index in random.integers(0, 12, 12)]
        draws.append(sum(value[1] for value in drawn) / sum(value[2] for value in drawn))
    found = estimate(figures(values), "x", Resampling(4000, 0))
    assert found.span == pytest.approx(np.quantile(draws, [0.025, 0.975]), rel=0.04)


def test_a_paired_difference_cancels_common_variation():
    easy = figures([("a", 10.0, 10.0), ("b", 90.0, 10.0), ("c", 50.0, 10.0)])
    worse = figures([("a", 15.0, 10.0), ("b", 95.0, 10.0), ("c", 55.0, 10.0)])
    gain = estimate(worse, "x", Resampling(500, 0), less=easy)
    assert (gain.value, *gain.span) == pytest.approx((0.5, 0.5, 0.5))
    with pytest.raises(AssertionError, match="both need the same solos"):
        estimate(worse, "x", Resampling(500, 0), less=easy[::-1])


def test_named_ratios_have_intervals_and_an_unknown_name_is_an_error():
    values = [SoloFigures("one", "a", {"x": Ratio(1, 1), "y": Ratio(3, 1)})] * 2
    values.append(SoloFigures("two", "b", {"x": Ratio(3, 2), "y": Ratio(1, 2)}))
    resampling = Resampling(100, 1)
    assert estimates(values, resampling, ["x"]) == {"x": estimate(values, "x", resampling), "y": Estimate(7 / 4, n=2)}
    assert estimates(values, resampling) == {name: estimate(values, name, resampling) for name in "xy"}
    with pytest.raises(KeyError, match="no ratio named z; there are x, y"):
        estimates(values, resampling, ["z"])


def test_every_interval_uses_the_same_resampled_groups():
    """A new metric must not change the others, and two models over the same solos share their resamples."""
    values = figures([(str(tune), float(tune**2), tune + 1.0) for tune in range(20)])
    resampling = Resampling(100, 1)
    assert estimate(values, "x", resampling) == estimate(values, "x", resampling)
    assert estimate(values, "x", resampling) != estimate(values, "x", Resampling(100, 2))


def test_background_solos_are_read_on_request_only(corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "events")
    index = tmp_path / "events/index.csv"
    lines = index.read_text().splitlines()
    index.write_text("\n".join(line.replace(",target,", ",background,") if "/two" in line else line for line in lines))
    assert [solo.solo for solo in read_solos(tmp_path / "events", "train")] == ["mine/one"]
    both = read_solos(tmp_path / "events", "train", background=True)
    assert [(solo.solo, solo.role) for solo in both] == [("mine/one", "target"), ("mine/two", "background")]
