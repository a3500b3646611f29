import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from event_scores import grid_scores
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny_vae import tiny_vae

import yardbird
from yardbird import MusicVAE
from yardbird.codecs.melody import chord_features
from yardbird.models.music_vae.latent_solo import Latent, stretched
from yardbird.music.chords import Chord
from yardbird.music.excerpts import cut
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import ChordChange, Meter, Score, Section, Tempo, make_notes
from yardbird.nn.sampling import Sampling

#: An example of interpolation as a script writes it.
EXAMPLE = """
model = MusicVAE(latent_dim=512)
solo_A = load_midi("ornithology_solo.mid"); solo_B = load_midi("confirmation_solo.mid")
z_A = model.encode(solo_A); z_B = model.encode(solo_B)
for alpha in np.linspace(0, 1, 9):
    results.append(model.decode((1 - alpha) * z_A + alpha * z_B))
"""

VAE = tiny_vae()
MODEL, CODEC = VAE.model, VAE.codec
with torch.no_grad():  # scaled so that each point of the untrained latent space decodes to another line
    for weight in MODEL.parameters():
        weight.mul_(4)
    MODEL.head.bias.zero_()


def solo(bars: int, root: str, qpm: float, pitch: int = 60, meter: tuple[int, int] = (4, 4)) -> Score:
    """Eighths up and down, a chord a bar, a pickup of a beat."""
    bar = 48 * meter[0] // meter[1]
    end = 12 + bars * bar
    rows = [(tick, 4, pitch + (tick // 6) % 7, 80) for tick in range(0, end, 6)]
    chords = tuple(ChordChange(12 + index * bar, Chord.parse(root + ("7", "maj7")[index % 2])) for index in range(bars))
    meters = (Meter(0, 1, 4), Meter(12, *meter))
    return CODEC.grid(
        Score(12, make_notes(rows), end, (Tempo(0, qpm),), meters, chords, sections=(Section(12, "SOLO"),))
    ).score


A, B = MODEL.encode(solo(8, "F", 240.0)), MODEL.encode(solo(3, "Bb", 135.0, 67, (7, 4)))


def test_the_documented_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_score(solo(12, "F", 240.0), tmp_path / "ornithology_solo.mid")
    write_score(solo(5, "Bb", 200.0, 67), tmp_path / "confirmation_solo.mid")
    names = {name: getattr(yardbird, name) for name in ("MusicVAE", "load_midi")}
    here = {**names, "np": np, "results": []}
    torch.manual_seed(0)
    exec(EXAMPLE, here)
    results, model, z_a, z_b = (here[name] for name in ("results", "model", "z_A", "z_B"))
    assert z_a.z.shape == (7, 512), "windows of two bars, the pickup is one"
    assert [len(results), results[0], results[-1]] == [9, model.decode(z_a), model.decode(z_b)]
    assert [score.bar_count for score in results] == [13, 12, 11, 10, 10, 9, 8, 7, 6]
    for index, score in enumerate(results):
        yardbird.save_to_midi(score, f"step_{index}.mid")
        assert np.array_equal(read_score(tmp_path / f"step_{index}.mid").notes, score.notes)


def test_encode_and_decode_have_documented_types() -> None:
    assert [inspect.signature(method).return_annotation for method in (MusicVAE.encode, MusicVAE.decode)] == [
        Latent, Score
    ]  # fmt: skip


@settings(max_examples=15)
@given(grid_scores())
@example(solo(33, "F", 240.0))
@example(Score(12, make_notes([]), 48))
def test_a_solo_of_any_length_is_decoded_in_its_own_frame(score: Score) -> None:
    """Only phrase marks are dropped: length, meters, chords, tempos, sections and program are kept."""
    score = CODEC.grid(score).score
    latent = MODEL.encode(score)
    assert len(latent.z) == -(-len(CODEC.frame(score)) // 2)
    back = MODEL.decode(latent)
    assert replace(back, notes=score.notes) == replace(score, phrases=())
    assert back.is_monophonic


def test_dropout_is_off_where_a_model_is_used() -> None:
    """A new model is in training mode: its codes were once noisy."""
    model = MusicVAE(latent_dim=8, dropout=0.5, encoder_size=16, decoder_size=16, decoder_layers=2, prior_size=8)
    score = solo(4, "F", 240.0)
    assert np.array_equal(model.encode(score).z, model.encode(score).z)
    assert model.decode(A.with_z(4 * A.z)) == model.decode(A.with_z(4 * A.z))
    primed = [model.prior(CODEC.frame(score), 0, before=score).z for _ in range(2)]
    assert np.array_equal(*primed)
    assert model.training


def test_adjacent_windows_do_not_depend_on_later_ones() -> None:
    """The windows of a long solo equal those of its parts, also across forward passes of 32 windows."""
    long = solo(79, "F", 240.0)
    melody = CODEC.encode(long)
    means, spreads = MODEL.posteriors(melody)
    assert means.shape == spreads.shape == (40, 8)
    for window in (0, 31, 32, 39):
        at = slice(2 * window, 2 * window + 2)
        with torch.no_grad():
            mean, spread = MODEL.posterior(
                torch.from_numpy(melody.steps[None, at].astype(np.int64)),
                torch.from_numpy(melody.velocities[None, at].astype(np.int64)),
                torch.from_numpy(chord_features(melody.frame.chords[None, at])),
            )
        np.testing.assert_allclose(means[window], mean[0].numpy(), atol=1e-5)
        np.testing.assert_allclose(spreads[window], spread[0].numpy(), atol=1e-5)


def test_the_ends_of_a_mix_equal_the_reconstructions_exactly() -> None:
    for latent, other in ((A, B), (B, A)):
        reconstruction = MODEL.decode(latent)
        for ends in ((1 - 0.0) * latent + 0.0 * other, np.float64(0) * other + np.float64(1) * latent, latent - 0 * B):
            assert MODEL.decode(ends) == reconstruction
            assert np.array_equal(ends.condition, latent.condition)
            assert ends.frame.score == latent.frame.score
    assert len(MODEL.decode(A).notes) > 0
    assert MODEL.decode(A) != MODEL.decode(B)


@given(st.floats(0, 1))
@example(0.0)
@example(1.0)
def test_a_step_from_one_solo_to_another_is_their_mix(alpha: float) -> None:
    way, mix = A + alpha * (B - A), (1 - alpha) * A + alpha * B
    np.testing.assert_allclose(way.z, mix.z, atol=1e-5)
    np.testing.assert_allclose(way.condition, mix.condition, atol=1e-6)
    assert way.frame.score == replace(mix.frame.score, tempos=way.frame.score.tempos)
    assert way.frame.score.mean_qpm == pytest.approx(mix.frame.score.mean_qpm)


@pytest.mark.parametrize("kind", [float, np.float64, np.float32, np.array, lambda value: np.array([value])[0]])
def test_any_scalar_type_multiplies_from_both_sides(kind: Callable[[float], float]) -> None:
    for scaled in (kind(0.25) * A, A * kind(0.25)):
        assert isinstance(scaled, Latent)
        assert scaled.z.dtype == np.float32
        np.testing.assert_array_equal(scaled.z, np.float32(0.25) * A.z)
        assert MODEL.decode(scaled).bar_count == 9, "a scaled solo keeps its frame"


def test_one_vector_moves_every_window_and_a_matrix_each_window_by_its_row() -> None:
    vector = np.arange(8.0)
    each = np.arange(len(A.z) * 8.0).reshape(-1, 8)
    for moved, expected in ((A + vector, A.z + vector), (vector + A, A.z + vector), (A - vector, A.z - vector),
                            (A + each, A.z + each), (A + 0.5 * each[0], A.z + 0.5 * each[0])):  # fmt: skip
        assert isinstance(moved, Latent)
        np.testing.assert_allclose(moved.z, expected, rtol=1e-6)
        assert moved.z.dtype == np.float32
        assert moved.frames == A.frames
    assert MODEL.decode(A + 0 * vector) == MODEL.decode(A)
    assert MODEL.decode(A + 3 * vector) != MODEL.decode(A)
    np.testing.assert_allclose(sum([A, A, B]).z, (A + A + B).z, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.25, 0.5, 0.9])
def test_length_tempo_and_chords_are_mixed_and_the_written_chords_are_those_of_the_larger_weight(alpha: float) -> None:
    mix = (1 - alpha) * A + alpha * B
    first, second = A.frame, B.frame
    assert [len(first), len(second)] == [9, 7], "a pickup and eight bars; a pickup and three bars of two segments"
    assert mix.segments == len(mix.frame) == round((1 - alpha) * 9 + alpha * 7)
    rows = np.arange(mix.segments)
    parts = [chord_features(frame.chords[rows % len(frame)]) for frame in (first, second)]
    np.testing.assert_allclose(mix.condition, (1 - alpha) * parts[0] + alpha * parts[1], atol=1e-6)
    assert mix.frame.score.mean_qpm == pytest.approx(240 ** (1 - alpha) * 135**alpha)
    heavier = first if alpha <= 0.5 else second
    assert mix.frame.score.meters == heavier.score.meters
    assert mix.frame.score.chords[:3] == heavier.score.chords[:3]
    decoded = MODEL.decode(mix)
    assert decoded.end_tick == mix.frame.score.end_tick == mix.frame.lengths.sum()


def test_the_shorter_solo_is_repeated_for_points_beyond_its_end() -> None:
    mix = 0.5 * A + 0.5 * B
    expected = [0.5 * A.z[window] + 0.5 * B.z[window % len(B.z)] for window in range(len(A.z))]
    np.testing.assert_allclose(mix.z, expected, rtol=1e-6)


@settings(max_examples=40)
@given(grid_scores(), st.integers(1, 40))
@example(solo(2, "F", 240.0), 9)
def test_a_stretched_frame_equals_the_frame_of_its_score(score: Score, segments: int) -> None:
    """The chords of the repeated and cut score equal those that condition the windows."""
    frame = stretched(CODEC.frame(CODEC.grid(score).score), segments)
    again = CODEC.frame(frame.score)
    assert len(frame) == segments
    for name in ("starts", "lengths", "chords"):
        assert np.array_equal(getattr(again, name), getattr(frame, name)), name
    assert frame.score.end_tick == frame.lengths.sum()


def test_a_draw_depends_only_on_the_seed_the_segment_and_the_range() -> None:
    free = Sampling(1.0, None, 0.95, None)

    def draw(latent: Latent, seed: int = 0) -> Score:
        return MODEL.decode(latent, sampling=free, pitch_range=(60, 65), seed=seed)

    score = draw(A)
    assert score == draw(A)
    assert not np.array_equal(score.notes, draw(A, 1).notes)
    assert set(score.pitches) <= set(range(60, 66))
    assert len(score.notes) > 0
    shorter = CODEC.encode(draw(MODEL.encode(solo(4, "F", 240.0)).with_z(A.z[:3])))
    assert np.array_equal(CODEC.encode(score).steps[:5], shorter.steps), "a longer solo begins like the shorter one"


def test_the_normal_prior_samples_each_window_independently() -> None:
    model = tiny_vae("normal").model
    frame = CODEC.frame(Score(12, make_notes([]), 48 * 1000))
    latent = model.prior(frame, 3)
    assert latent.z.shape == (500, 8)
    assert abs(float(latent.z.mean())) < 0.05
    assert abs(float(latent.z.std()) - 1) < 0.05
    short = model.prior(CODEC.frame(Score(12, make_notes([]), 48 * 7)), 3)
    assert np.array_equal(short.z, latent.z[:4])
    assert not np.array_equal(model.prior(frame, 4).z, latent.z)
    np.testing.assert_array_equal(model.prior(frame, 3, 0.5).z, np.float32(0.5) * latent.z)


def test_the_learnt_prior_follows_the_chords_and_the_windows_before() -> None:
    """Compared with its network run part by part, with the mean chord of each beat."""
    model = tiny_vae().model
    frame = CODEC.frame(solo(10, "F", 240.0))
    latent = model.prior(frame, 3)
    assert latent.z.shape == (6, 8)
    assert latent.frames == ((1.0, frame),)
    chords = np.concatenate([frame.chords, np.zeros((1, 48), np.uint16)])
    condition = chord_features(chords).reshape(48, 12, -1).mean(1)
    no_chord = torch.from_numpy(condition[-1])
    for guidance in (1.0, 2.0):
        given = torch.from_numpy(condition)
        (drawn,) = model.sequence.draw([given], [3], 1.0, [None], guidance=guidance, nothing=no_chord)
        guided = model.prior(frame, 3, guidance=guidance)
        np.testing.assert_allclose(guided.z.reshape(48, 1), drawn, atol=1e-6)
    moved = model.prior(replace(frame, chords=np.where(np.arange(11)[:, None] >= 6, 0, frame.chords)), 3).z
    assert np.array_equal(latent.z[:2], moved[:2])
    assert not np.array_equal(latent.z[3:], moved[3:])
    assert not np.array_equal(model.prior(frame, 4).z, latent.z)
    assert not np.array_equal(model.prior(frame, 3, 0.5).z, latent.z)


def test_the_learnt_prior_is_conditioned_on_the_last_complete_windows() -> None:
    """Of five previous bars, the prior receives the last four: their posteriors and chords precede the sample."""
    model = tiny_vae().model
    frame, before = CODEC.frame(solo(4, "F", 240.0)), replace(solo(7, "Bb", 240.0), meters=(Meter(0, 4, 4),))
    before = cut(before, 0, 5 * 48)
    melody = CODEC.encode(before)
    last = CODEC.encode(cut(before, 48, 5 * 48))
    chords = np.concatenate([melody.frame.chords[1:], frame.chords, np.zeros((1, 48), np.uint16)])
    condition = torch.from_numpy(chord_features(chords).reshape(40, 12, -1).mean(1))
    given = torch.from_numpy(model.posteriors(last)[0].reshape(16, 1))
    (expected,) = model.sequence.draw([condition], [3], 1.0, [given], guidance=1.0, nothing=condition[-1])
    drawn = model.prior(frame, 3, before=before)
    np.testing.assert_allclose(drawn.z.reshape(-1, 1), expected, atol=1e-5)
    assert not np.allclose(drawn.z, model.prior(frame, 3).z)
    short = cut(before, 0, 48)
    assert np.array_equal(model.prior(frame, 3, before=short).z, model.prior(frame, 3).z), "less than a window"
