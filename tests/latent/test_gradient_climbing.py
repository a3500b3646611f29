import numpy as np
import pytest
import torch
import torch.nn.functional as F

from yardbird.codecs.melody import CLASSES, PAD, REST
from yardbird.latent.gradient_climbing import EXPECTED, Climber
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.models.music_vae.melody_windows import padded


@pytest.fixture(scope="module")
def solo(study):
    return study.held_out[0]


def likeliest(family, latent):
    z, chords = family.model._points(latent)
    with torch.no_grad():
        return z, chords, family.model.unroll(z, lambda rows: rows.argmax(-1), chords)[0]


@pytest.mark.parametrize("name", EXPECTED)
def test_with_certain_steps_the_expected_share_equals_the_attribute(study, name):
    for solo in study.solos:
        melody = study.family.codec.encode(solo.score)
        steps = torch.from_numpy(padded(melody.steps, len(melody.frame), PAD).astype(np.int64))[None]
        certain = F.one_hot(steps.where(steps < CLASSES, REST), CLASSES).float()
        found = EXPECTED[name](solo.latent, solo.score)(certain, steps)
        assert found.tolist() == pytest.approx([ATTRIBUTES[name](solo.score)], abs=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_uphill_agrees_with_finite_differences(family, solo, name):
    value = EXPECTED[name](solo.latent, solo.score)
    z, chords, steps = likeliest(family, solo.latent)
    slopes = torch.zeros_like(z)
    with torch.no_grad():
        for dimension in range(z.shape[1]):
            push = torch.zeros(z.shape[1])
            push[dimension] = 5e-3
            there, back = (value(family.model(z + way * push, steps, chords)[0].softmax(-1), steps) for way in (1, -1))
            slopes[:, dimension] = (there - back) / 1e-2
    steep = slopes.norm(dim=1) > 1e-3
    assert steep.any()
    found = torch.from_numpy(family.uphill([solo.latent], [value])[0])
    assert F.cosine_similarity(found, slopes, dim=1)[steep].min() > 0.99
    assert found.norm(dim=1)[steep].numpy() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_climb_raises_or_lowers_the_attribute_within_the_distance_given(family, solo, name):
    value = EXPECTED[name](solo.latent, solo.score)

    def expected(latent):
        z, chords, steps = likeliest(family, latent)
        with torch.no_grad():
            return float(value(family.model(z, steps, chords)[0].softmax(-1), steps).mean())

    # On a longer path the likeliest steps change, and an untrained network gives them an arbitrary share.
    (more,), (less,) = (Climber(family, value)([solo.latent], distance) for distance in (0.25, -0.25))
    assert expected(more) > expected(solo.latent) > expected(less)
    for moved in (more, less):
        assert np.linalg.norm(moved.z - solo.latent.z, axis=1).max() <= 0.25 + 1e-5
    (still,) = Climber(family, value)([solo.latent], 0.0)
    assert np.array_equal(still.z, solo.latent.z)


def test_paths_of_several_lengths_are_those_of_single_climbs_with_each_gradient_computed_once(
    family, study, monkeypatch
):
    solos, lengths = study.held_out[:2], (0.25, 0.5, 1.0, 0.3)
    latents = [solo.latent for solo in solos]
    values = [EXPECTED["chromaticism"](latents[0], solos[0].score), EXPECTED["blues"](latents[1], solos[1].score)]
    single = {
        length: [Climber(family, value)([latent], length)[0].z for latent, value in zip(latents, values, strict=True)]
        for length in lengths
    }
    uphill, points = family.uphill, []

    def counting(latents, values):
        points.extend(latent.z.tobytes() for latent in latents)
        return uphill(latents, values)

    monkeypatch.setattr(family, "uphill", counting)
    shared = Climber(family, *values)
    for length in lengths:
        for moved, alone in zip(shared(latents, length), single[length], strict=True):
            np.testing.assert_allclose(moved.z, alone, atol=1e-6)
    # the paths to 0.25 and 0.5 are the first points of the path to 1; the one to 0.3 has other strides
    assert len(points) == len(set(points)) == len(solos) * (4 + 1)


def test_a_window_without_notes_does_not_move(family, solo):
    """The gradient of a silent window is zero."""

    def nothing(probabilities, steps):
        return 0 * probabilities.flatten(1).sum(1)

    assert not family.uphill([solo.latent], [nothing])[0].any()
