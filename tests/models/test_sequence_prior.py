import functools

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from yardbird.models.music_vae.sequence_prior import SequencePrior, Sequences, fit_prior
from yardbird.music.score import Floats

PLACES, DIMENSIONS, FEATURES = 4, 3, 2


@pytest.fixture
def prior() -> SequencePrior:
    torch.manual_seed(0)
    return SequencePrior(dimensions=DIMENSIONS, features=FEATURES, places=PLACES, size=12, components=5).eval()


def draw(
    prior: SequencePrior,
    condition: Tensor,
    seed: int,
    temperature: float,
    given: Tensor | None = None,
    guidance: float = 1.0,
) -> Floats:
    """A sample, with zeros as the features of no condition."""
    nothing = torch.zeros(FEATURES)
    (drawn,) = prior.draw([condition], [seed], temperature, [given], guidance=guidance, nothing=nothing)
    return drawn


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_solos_of_several_lengths_are_sampled_in_one_batch_as_one_by_one(prior: SequencePrior, guidance: float) -> None:
    parts, condition = batch(rows=4, length=12)
    lengths, given = (6, 12, 8, 12), (None, parts[1, :4], parts[2, :4], None)
    conditions = [own[:length] for own, length in zip(condition, lengths, strict=True)]
    nothing = torch.zeros(FEATURES)
    drawn = prior.draw(conditions, range(4), 1.0, given, guidance=guidance, nothing=nothing)
    assert [len(own) for own in drawn] == [6, 8, 4, 12]
    for seed, (own, start, found) in enumerate(zip(conditions, given, drawn, strict=True)):
        np.testing.assert_allclose(found, draw(prior, own, seed, 1.0, start, guidance), atol=1e-5)


def batch(rows: int = 3, length: int = 8) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(1)
    shapes = (rows, length, DIMENSIONS), (rows, length, FEATURES)
    parts, condition = (torch.randn(shape, generator=draws) for shape in shapes)
    return parts, condition


def test_the_density_equals_that_of_a_torch_mixture(prior: SequencePrior) -> None:
    parts, condition = batch()
    mixture = prior(parts, condition)
    gaussians = Independent(Normal(mixture.means, mixture.spreads), 1)
    expected = MixtureSameFamily(Categorical(logits=mixture.log_weights), gaussians).log_prob(parts)
    torch.testing.assert_close(mixture.log_density(parts), expected)


def test_a_part_depends_on_all_parts_before_it_and_the_condition_up_to_the_next_part(prior: SequencePrior) -> None:
    """The gradient of the part, of later parts and of the condition after the next part is exactly zero."""
    parts, condition = (values.requires_grad_() for values in batch())
    mixture = prior(parts, condition)
    for at in range(8):
        target = sum(values[1, at].square().sum() for values in (mixture.log_weights, mixture.means, mixture.spreads))
        affected = [
            gradient.abs().sum(-1) > 0
            for gradient in torch.autograd.grad(target, (parts, condition), retain_graph=True, allow_unused=True)
        ]
        assert affected[0][1].tolist() == [place < at for place in range(8)]
        assert affected[1][1].tolist() == [place <= at + 1 for place in range(8)]
        assert not affected[0][[0, 2]].any(), "solos are independent"


def test_sampling_step_by_step_equals_the_forward_pass(prior: SequencePrior) -> None:
    """Without noise, every part is the mean of the component with the largest weight, given the parts before."""
    condition = batch(rows=1)[1]
    drawn = torch.from_numpy(draw(prior, condition[0], 0, 0.0))
    with torch.no_grad():
        mixture = prior(drawn[None], condition)
    heaviest = mixture.log_weights[0].argmax(-1)
    torch.testing.assert_close(drawn, mixture.means[0, torch.arange(8), heaviest], atol=1e-5, rtol=1e-5)


def test_parts_are_sampled_from_the_mixture(prior: SequencePrior) -> None:
    """Over many solos, mean and deviation of the first part equal those of the mixture."""
    condition = batch(rows=1, length=2)[1]
    with torch.no_grad():
        mixture = prior(torch.zeros(1, 2, DIMENSIONS), condition)
    weights, means, spreads = (values[0, 0].exp() if at == 0 else values[0, 0] for at, values in enumerate(
        (mixture.log_weights, mixture.means, mixture.spreads)))  # fmt: skip
    mean = weights @ means
    deviation = (weights @ (spreads.square() + means.square()) - mean.square()).sqrt()
    drawn = np.array([draw(prior, condition[0], seed, 1.0)[0] for seed in range(400)])
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.12)
    np.testing.assert_allclose(drawn.std(0), deviation, atol=0.12)


def test_a_sample_depends_on_the_seed_and_equals_the_start_of_a_longer_one(prior: SequencePrior) -> None:
    condition = batch(rows=1, length=12)[1][0]
    longer = draw(prior, condition, 3, 1.0)
    assert np.array_equal(draw(prior, condition, 3, 1.0), longer)
    assert not np.array_equal(draw(prior, condition, 4, 1.0), longer)
    # The last part of the shorter sample has no condition after it.
    np.testing.assert_allclose(draw(prior, condition[:8], 3, 1.0)[:7], longer[:7], atol=1e-6)


def test_given_parts_are_continued(prior: SequencePrior) -> None:
    """Compared with the forward pass after them, without noise."""
    parts, condition = (values[0] for values in batch(rows=1, length=12))
    drawn = torch.from_numpy(draw(prior, condition, 0, 0.0, parts[:8]))
    assert drawn.shape == (4, DIMENSIONS)
    with torch.no_grad():
        mixture = prior(torch.cat([parts[:8], drawn])[None], condition[None])
    heaviest = mixture.log_weights[0].argmax(-1)
    torch.testing.assert_close(drawn, mixture.means[0, torch.arange(12), heaviest][8:], atol=1e-5, rtol=1e-5)


def test_guidance_chooses_by_the_density_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    """With many candidates, the mean of samples equals that of p(part | condition)³ · p(part)⁻², computed on a grid."""
    monkeypatch.setattr("yardbird.models.music_vae.sequence_prior._CANDIDATES", 300)
    torch.manual_seed(0)
    prior = SequencePrior(dimensions=1, features=FEATURES, places=1, size=12, components=2).eval()
    condition, grid = torch.tensor([[3.0, -3.0]]), torch.linspace(-8, 8, 3000)[:, None, None]
    with torch.no_grad():
        given, free = (
            prior(grid, rows.expand(len(grid), 1, -1)).log_density(grid)[:, 0]
            for rows in (condition, torch.zeros(1, FEATURES))
        )
    plain, guided = (float(log.softmax(0) @ grid[:, 0, 0]) for log in (given, 3 * given - 2 * free))
    drawn = [float(draw(prior, condition, seed, 1.0, guidance=3.0)[0, 0]) for seed in range(400)]
    assert abs(guided - plain) > 0.3
    assert np.mean(drawn) == pytest.approx(guided, abs=0.1)


def test_guided_samples_continue_given_parts_and_equal_the_start_of_longer_ones(prior: SequencePrior) -> None:
    parts, condition = (values[0] for values in batch(rows=1, length=12))
    longer = draw(prior, condition, 3, 1.0, parts[:4], guidance=3.0)
    assert longer.shape == (8, DIMENSIONS)
    assert not np.array_equal(draw(prior, condition, 4, 1.0, parts[:4], guidance=3.0), longer)
    assert not np.allclose(draw(prior, condition, 3, 1.0, parts[:4] + 1, guidance=3.0), longer)
    np.testing.assert_allclose(draw(prior, condition[:8], 3, 1.0, parts[:4], guidance=3.0)[:3], longer[:3], atol=1e-6)


def learnable(rows: int, seed: int) -> Sequences:
    """Each continuation goes up or down by the condition's first feature, at random."""
    draws = np.random.default_rng(seed)
    step = draws.choice([-1.0, 1.0], size=(rows, 16, 1))
    scale = draws.uniform(0.5, 1.0, size=(rows, 16, 1))
    means = np.repeat(step * scale, DIMENSIONS, axis=2)
    condition = np.concatenate([scale, np.zeros_like(scale)], axis=2)
    inside = np.arange(16) < draws.integers(8, 17, size=(rows, 1))
    arrays = means, np.full_like(means, 0.05), condition
    return Sequences(*(torch.from_numpy(values).float() for values in arrays), torch.from_numpy(inside))


@functools.cache
def fitted(seed: int = 0) -> tuple[SequencePrior, float]:
    torch.manual_seed(0)
    prior = SequencePrior(dimensions=DIMENSIONS, features=FEATURES, places=PLACES, size=24, components=4)
    nats = fit_prior(
        prior, learnable(40, 0), learnable(10, 1), steps=100, batch_size=8, length=8, learning_rate=2e-2,
        condition_dropout=0.1, nothing=torch.zeros(FEATURES), seed=seed,
    )  # fmt: skip
    return prior, nats


def test_training_finds_both_possible_continuations() -> None:
    """A single Gaussian would average both signs, and a prior without the condition would miss the size."""
    prior, nats = fitted()
    normal = float(-Normal(0, 1).log_prob(learnable(10, 1).means).sum(-1).mean())
    assert nats < normal - 3
    condition = torch.tensor([[0.75, 0.0]]).expand(16, -1)
    drawn = np.concatenate([draw(prior, condition, seed, 1.0) for seed in range(10)]).mean(1)
    assert np.abs(np.abs(drawn) - 0.75).mean() < 0.15
    assert 0.25 < (drawn > 0).mean() < 0.75


def test_training_depends_only_on_its_seed() -> None:
    first, again, other = fitted(), fitted.__wrapped__(), fitted.__wrapped__(1)
    for name, weight in first[0].state_dict().items():
        assert torch.equal(weight, again[0].state_dict()[name])
    assert first[1] == again[1] != other[1]


def test_padding_after_a_solo_has_no_effect_on_training() -> None:
    data = learnable(4, 0)
    beyond = torch.where(data.inside[..., None], data.means, 1e6)
    with_rubbish = Sequences(beyond, data.spreads, data.condition, data.inside)
    results = []
    for training in (data, with_rubbish):
        torch.manual_seed(0)
        prior = SequencePrior(dimensions=DIMENSIONS, features=FEATURES, places=PLACES, size=8, components=2)
        results.append(
            fit_prior(
                prior,
                training,
                data,
                steps=3,
                batch_size=4,
                length=16,
                learning_rate=1e-2,
                condition_dropout=0.0,
                nothing=torch.zeros(FEATURES),
                seed=0,
            )
        )
    assert results[0] == pytest.approx(results[1], abs=1e-6)
