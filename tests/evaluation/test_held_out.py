import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.errors import InputError
from yardbird.evaluation.held_out import GROUPS, SoloFigures, interval, pool, read_solos, score_solos, solo_ratios
from yardbird.evaluation.ngram import NGram, TokenScores
from yardbird.models.base import Ratio


@pytest.fixture(scope="module")
def codec() -> EventCodec:
    config = EncodeConfig(
        steps_per_beat=12, velocities=4, tempos=4, tempo_range=(60, 240), longest_bar_beats=4, longest_duration_beats=2
    )
    return EventCodec.create(config, ["Ann", "Bob"])


@dataclass
class Known:
    """Every token costs 2 nats, a pitch 3; every second token is guessed."""

    codec: EventCodec

    def score_tokens(self, tokens) -> TokenScores:
        nats = np.full(len(tokens) - 1, 2.0)
        pitches = self.codec.ids("Pitch")
        nats[(tokens[1:] >= pitches.start) & (tokens[1:] < pitches.stop)] = 3.0
        return TokenScores(nats, np.arange(len(nats)) % 2 == 0)


@pytest.fixture
def encoded(codec, make_score, tmp_path: Path) -> Path:
    """Four notes in a test solo and its copy, two in another; a training solo of the second group."""
    long = make_score([(beat, 0.5, 60 + beat) for beat in range(4)], [(0, "C7")], beats=8)
    short = make_score([(beat, 0.5, 70) for beat in range(2)], beats=4)
    rows, packed, start = [], [], 0
    for solo, split, group, semitones, score in [
        ("a/one", "test", "one", 0, long),
        ("a/one", "test", "one", 2, long.transposed(2)),
        ("a/two", "test", "two", 0, short),
        ("a/three", "train", "three", 0, short),
    ]:
        tokens = codec.encode(score, "Ann")
        rows.append({"copy": solo, "solo": solo, "split": split, "artist": "Ann", "tune_group": group,
                     "semitones": semitones, "tempo_factor": 1.0, "start": start, "length": len(tokens),
                     "notes": len(score.notes)})  # fmt: skip
        packed.append(tokens)
        start += len(tokens)
    np.save(tmp_path / "tokens.npy", np.concatenate(packed))
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_solos_are_read_back_with_and_without_their_copies(encoded, codec):
    assert [solo.solo for solo in read_solos(encoded, "test")] == ["a/one", "a/two"]
    copies = read_solos(encoded, "test", copies=True)
    assert [solo.tune_group for solo in copies] == ["one", "one", "two"]
    assert codec.decode(copies[1].tokens).pitches.tolist() == [62, 63, 64, 65]


def test_an_empty_split_is_one_clear_line(encoded):
    with pytest.raises(InputError, match="expected solos of the validation split, found none"):
        read_solos(encoded, "validation")


def test_the_groups_of_kinds_add_up_to_the_nats_of_all_tokens(encoded, codec):
    for solo in read_solos(encoded, "test"):
        ratios = solo_ratios(Known(codec).score_tokens(solo.tokens), solo.tokens, codec)
        parts = [ratios[f"{group}_nats_per_note"].numerator for group in GROUPS]
        assert sum(parts) == pytest.approx(ratios["nats_per_note"].numerator)
        assert ratios["pitch_nats_per_note"] == Ratio(
            3.0 * len(codec.decode(solo.tokens).notes), len(codec.decode(solo.tokens).notes)
        )


def test_solos_weigh_by_their_notes(encoded, codec):
    solos = read_solos(encoded, "test")
    pooled = pool(score_solos(Known(codec), solos, codec, "test solos"))
    tokens = sum(len(solo.tokens) - 1 for solo in solos)
    assert pooled["nats_per_note"] == pytest.approx((2 * tokens + 6) / 6)
    assert pooled["perplexity"] == pytest.approx(np.exp((2 * tokens + 6) / tokens))
    assert pooled["pitch_nats_per_note"] == pytest.approx(3)


def test_accuracy_counts_the_tokens_of_its_kind_only(encoded, codec):
    solo = read_solos(encoded, "test")[1]
    names = [codec.vocabulary[token] for token in solo.tokens[1:]]
    guessed = [name for place, name in enumerate(names) if place % 2 == 0]
    ratios = solo_ratios(Known(codec).score_tokens(solo.tokens), solo.tokens, codec)
    for group, kind in (("pitch", "Pitch_"), ("position", "Position_"), ("duration", "Duration_")):
        assert ratios[f"{group}_accuracy"] == Ratio(
            sum(name.startswith(kind) for name in guessed), sum(name.startswith(kind) for name in names)
        )


def test_the_ngram_is_scored_like_any_model(encoded, codec):
    solos = read_solos(encoded, "test")
    model = NGram.fit([solo.tokens for solo in read_solos(encoded, "train")], codec.vocab_size, 2)
    pooled = pool(score_solos(model, solos, codec, "test solos"))
    total = sum(float(model.nats(solo.tokens).sum()) for solo in solos)
    assert pooled["nats_per_note"] == pytest.approx(total / 6)


def figures(values: list[tuple[str, float, float]]) -> list[SoloFigures]:
    return [SoloFigures(group, {"x": Ratio(numerator, denominator)}) for group, numerator, denominator in values]


def test_the_interval_draws_groups_and_not_solos():
    """Two solos of one group always come together: no draw can have one without the other."""
    same = figures([("a", 0.0, 1.0), ("a", 2.0, 1.0), ("b", 1.0, 1.0), ("b", 1.0, 1.0)])
    assert interval(same, "x", 500, seed=0) == (1.0, 1.0)
    apart = figures([("a", 0.0, 1.0), ("b", 2.0, 1.0), ("c", 1.0, 1.0), ("d", 1.0, 1.0)])
    low, high = interval(apart, "x", 500, seed=0)
    assert low < 1 < high


def test_the_interval_equals_that_of_a_slow_bootstrap():
    random = np.random.default_rng(3)
    values = [(str(group), float(random.normal(5, 1)), float(random.integers(1, 9))) for group in range(12)]
    draws = []
    for _ in range(4000):
        drawn = [values[index] for index in random.integers(0, 12, 12)]
        draws.append(sum(value[1] for value in drawn) / sum(value[2] for value in drawn))
    assert interval(figures(values), "x", 4000, seed=0) == pytest.approx(np.quantile(draws, [0.025, 0.975]), rel=0.04)


def test_a_paired_difference_cancels_what_both_find_hard():
    easy = [("a", 10.0, 10.0), ("b", 90.0, 10.0), ("c", 50.0, 10.0)]
    worse = [(group, value + 5, notes) for group, value, notes in easy]
    assert interval(figures(worse), "x", 500, 0, less=figures(easy)) == pytest.approx((0.5, 0.5))


def test_the_interval_repeats_with_its_seed():
    values = figures([("a", 1.0, 1.0), ("b", 3.0, 2.0), ("c", 2.0, 5.0)])
    assert interval(values, "x", 100, seed=1) == interval(values, "x", 100, seed=1)
