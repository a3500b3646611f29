from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_family import FakeFamily
from hypothesis import given
from hypothesis import strategies as st
from tiny_vae import tiny_vae

from yardbird.baselines.ngram_solos import Baseline
from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.melody import HOLD, MelodyCodec, chord_features
from yardbird.errors import InputError
from yardbird.evaluation.reconstruction import (
    ALL_HOLD,
    SHUFFLED,
    activity,
    collapsed,
    derangement,
    measure_latent,
    read_scores,
)
from yardbird.metrics.estimates import Estimate, flat
from yardbird.models.family import Ratio, TokenScores
from yardbird.models.family_kinds import LatentFamily
from yardbird.models.token_scoring import SoloFigures


class Memory(FakeFamily, LatentFamily):
    """A perfect autoencoder: a window is a bar, and its latent is the index of the bar in a list of all bars.

    `forgetful`: every bar has index 0, so all decode to the first. `deaf`: no pitch is reconstructed.
    """

    window_bars = 1

    def __init__(self, codec: MelodyCodec, scores, *, forgetful: bool = False, deaf: bool = False) -> None:
        super().__init__()
        self.codec, self.forgetful, self.deaf = codec, forgetful, deaf
        self.book = np.concatenate([codec.encode(score).steps for score in scores])

    def posterior(self, score):
        places = [np.flatnonzero((self.book == bar).all(axis=1))[0] for bar in self.codec.encode(score).steps]
        means = np.stack([np.array(places), np.ones(len(places))], axis=1).astype(np.float32)
        return means * (0 if self.forgetful else 1), np.full_like(means, 1e-3)

    def sample_steps(self, score, z):
        return self._look_up(z)

    def score_steps(self, score, z):
        melody = self.codec.encode(score)
        correct = (self._look_up(z) == melody.steps)[melody.frame.inside]
        return TokenScores(np.full(len(correct), 0.25), correct)

    def encode(self, scores):
        return [self.posterior(score)[0] for score in scores]

    def prior(self, frames, seeds, before=None):
        raise AssertionError("the evaluation of reconstructions draws no solo")

    def decode(self, latents, *, sampling, pitch_range, seeds):
        raise AssertionError("the evaluation of reconstructions draws no solo")

    def _look_up(self, z):
        steps = self.book[np.rint(z[:, 0]).astype(int)]
        return np.where(steps < HOLD, 0, steps) if self.deaf else steps


@pytest.fixture(scope="module")
def solos(data):
    return read_scores(data / "augmented", "test")


@pytest.fixture(scope="module")
def melody(data):
    return MelodyCodec.load(data / "encoded/melody/codec.json")


@pytest.fixture(scope="module")
def baseline(solos):
    grid = [SoloFigures(solo.solo, solo.tune_group, {"grid_nats_per_note": Ratio(9.0, 1.0)}) for solo in solos]
    return Baseline([], grid, {})


@pytest.fixture(scope="module")
def perfect(solos, melody, baseline):
    rows = measure_latent("book", Memory(melody, [solo.score for solo in solos]), solos, baseline, Resampling(50, 0), 0)
    return {row: flat(own) for row, own in rows.items()}


def test_a_perfect_autoencoder_reconstructs_everything_and_with_shuffled_z_nothing(perfect):
    own, other = perfect["book"], perfect[SHUFFLED]
    for figure in ("forced_accuracy", "sampled_accuracy", "grid_note_accuracy", "note_f1", "onset_f1"):
        assert own[figure] == own[f"{figure}_low"] == own[f"{figure}_high"] == 1
        assert other[figure] < 1
    assert own["reconstruction_error"] == 0
    assert other["reconstruction_error"] > 0.5
    assert own["gain_on_shuffled"] == pytest.approx(1 - other["sampled_accuracy"])
    assert own["gain_on_shuffled_low"] <= own["gain_on_shuffled"] <= own["gain_on_shuffled_high"]
    assert own["active_units"] == 1
    assert own["active_share"] == 0.5
    assert not own["collapsed"]


def test_a_model_that_ignores_z_raises_the_alarm(solos, melody, baseline):
    scores = [solo.score for solo in solos]
    rows = measure_latent("sieve", Memory(melody, scores, forgetful=True), solos, baseline, Resampling(50, 0), 0)
    assert rows["sieve"]["gain_on_shuffled"].value == 0
    assert rows["sieve"]["active_units"].value == 0
    assert rows["sieve"]["collapsed"].value == 1


def test_shuffled_windows_are_decoded_instead_of_the_true_ones(solos, melody, perfect):
    """Computed by hand: every bar is compared with the bar that the derangement gives."""
    bars = [melody.encode(solo.score).steps for solo in solos]
    groups = np.repeat([solo.tune_group for solo in solos], [len(steps) for steps in bars])
    book = np.concatenate(bars)
    right = (book[derangement(groups, 0)] == book).mean()
    assert perfect[SHUFFLED]["forced_accuracy"] == pytest.approx(right)
    assert perfect[SHUFFLED]["sampled_accuracy"] == pytest.approx(right)


def test_all_hold_is_the_share_of_held_steps(solos, melody, perfect):
    steps = np.concatenate([melody.encode(solo.score).steps.ravel() for solo in solos])
    assert perfect[ALL_HOLD]["sampled_accuracy"] == pytest.approx((steps == HOLD).mean())


def test_the_note_accuracy_does_not_count_held_steps(solos, melody, baseline):
    """A model that predicts every hold and no note is right in most steps, and in no note."""
    deaf = Memory(melody, [solo.score for solo in solos], deaf=True)
    own = flat(measure_latent("deaf", deaf, solos, baseline, Resampling(50, 0), 0)["deaf"])
    assert own["forced_accuracy"] > 0.5
    assert own["grid_note_accuracy"] < 0.1


def test_the_bound_is_reconstruction_plus_kl_per_note(solos, melody, perfect, baseline):
    model = Memory(melody, [solo.score for solo in solos])
    kl, steps = 0.0, 0
    for solo in solos:
        mean, spread = (torch.from_numpy(array).double() for array in model.posterior(solo.score))
        prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
        kl += float(torch.distributions.kl_divergence(torch.distributions.Normal(mean, spread), prior).sum())
        steps += len(melody.encode(solo.score).steps) * 48
    notes = sum(len(solo.score.notes) for solo in solos)
    own = perfect["book"]
    assert own["grid_nats_per_note"] == pytest.approx((0.25 * steps + kl) / notes, rel=1e-5)
    assert own["grid_perplexity"] == pytest.approx(np.exp((0.25 * steps + kl) / steps), rel=1e-5)
    assert own["kl"] == pytest.approx(kl / own["windows"], rel=1e-5)
    assert own["grid_gain_on_ngram"] == pytest.approx(9 - own["grid_nats_per_note"])


def test_the_music_vae_is_measured_as_in_its_training(solos, baseline):
    """Training computes these metrics on batches of windows, evaluation on whole solos."""
    model, solo = tiny_vae(), solos[0]
    melody = model.codec.encode(solo.score)
    batch = {
        "steps": torch.from_numpy(melody.steps.astype(np.int64)).view(8, 2, 48),
        "velocities": torch.from_numpy(melody.velocities.astype(np.int64)).view(8, 2, 48),
        "chords": torch.from_numpy(chord_features(melody.frame.chords)).view(8, 2, 48, -1),
    }
    own = flat(
        measure_latent("vae", model, [solo], replace(baseline, grid=baseline.grid[:1]), Resampling(50, 0), 0)["vae"]
    )
    means = {name: ratio.numerator / ratio.denominator for name, ratio in model.measure(batch).items()}
    expected = model.figures(means)
    for figure in ("forced_accuracy", "sampled_accuracy", "note_f1", "kl", "active_units"):
        assert own[figure] == pytest.approx(expected[figure], rel=1e-5)
    assert (own["windows"], own["window_bars"], own["latent_dimensions"]) == (8, 2, 8)
    once, again = (measure_latent("vae", model, solos, baseline, Resampling(50, 0), 0) for _ in range(2))
    assert once == again


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=40), st.integers(0, 3))
def test_every_window_maps_to_another_tune_if_possible(groups, seed):
    tunes = np.array(groups)
    order = derangement(tunes, seed)
    assert sorted(order.tolist()) == list(range(len(tunes)))
    most = np.unique(tunes, return_counts=True)[1].max()
    foreign = int((tunes[order] != tunes).sum())
    assert foreign == min(len(tunes), 2 * (len(tunes) - most))
    if len(tunes) > 1:
        assert (order != np.arange(len(tunes))).all()


def test_active_units_are_those_with_varying_means():
    means = np.zeros((100, 4), dtype=np.float32)
    means[:, 0] = np.linspace(-1, 1, 100)
    means[:, 1] = 5  # far from 0, but constant
    means[:, 2] = 0.05 * (-1) ** np.arange(100)  # a variance of 0.0025
    assert activity(means) == {"active_units": 1, "active_share": 0.25, "latent_dimensions": 4, "windows": 100}


@pytest.mark.parametrize(
    ("share", "steps", "notes", "verdict"),
    [
        (0.04, 0.5, 0.5, True),
        (0.5, 0.04, 0.5, True),
        (0.5, -0.1, 0.5, True),
        (0.5, 0.5, 0.04, True),
        (0.06, 0.06, 0.06, False),
    ],
)
def test_the_rule_of_collapse(share, steps, notes, verdict):
    figures = {
        "active_share": Estimate(share),
        "gain_on_shuffled": Estimate(steps, steps - 1, steps + 1),
        "note_gain_on_shuffled": Estimate(notes + 0.5, notes, notes + 1),
    }
    assert collapsed(figures) is verdict


def test_a_model_that_reconstructs_no_note_raises_the_alarm(solos, melody, baseline):
    """Regression: it passed when only steps counted: it decodes the rhythm from z, but no pitch."""
    scores = [solo.score for solo in solos]
    own = flat(measure_latent("deaf", Memory(melody, scores, deaf=True), solos, baseline, Resampling(50, 0), 0)["deaf"])
    assert own["active_share"] == 0.5
    assert own["gain_on_shuffled"] > 0.05
    assert own["onset_f1"] == 1
    assert own["note_f1"] == 0
    assert own["collapsed"] == 1


def test_solos_are_read_in_the_order_of_the_corpus_without_copies(data, make_walk):
    assert [solo.solo for solo in read_scores(data / "augmented", "train")] == ["mine/one", "mine/two"]
    first = read_scores(data / "augmented", "test")[0]
    assert first.tune_group == "four"
    assert first.score.pitches.tolist() == make_walk(4, 16).pitches.tolist()


def test_an_empty_split_gives_a_one_line_error(data):
    with pytest.raises(InputError, match="expected solos of the nonesuch split, found none"):
        read_scores(data / "augmented", "nonesuch")
