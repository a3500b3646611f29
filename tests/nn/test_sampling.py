import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yardbird.errors import ConfigError
from yardbird.nn.sampling import Sampling, choose, row_generators

PLAIN = Sampling(temperature=1.0, top_k=None, top_p=None, min_p=None)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def distribution(logits: list[float], sampling: Sampling, allowed: list[bool]) -> np.ndarray:
    """The probabilities by the definition, one token at a time."""
    ranked = sorted((i for i in range(len(logits)) if allowed[i]), key=lambda i: (-logits[i], i))
    if sampling.top_k is not None:
        ranked = ranked[: sampling.top_k]
    weights = {i: np.exp((logits[i] - logits[ranked[0]]) / sampling.temperature) for i in ranked}
    total = sum(weights.values())
    kept, mass = {}, 0.0
    for i in ranked:
        if sampling.top_p is not None and mass >= sampling.top_p:
            break
        mass += weights[i] / total
        if sampling.min_p is None or weights[i] >= sampling.min_p * weights[ranked[0]]:
            kept[i] = weights[i]
    return np.array([kept.get(i, 0.0) for i in range(len(logits))]) / sum(kept.values())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [None, 1, 4])
@pytest.mark.parametrize("top_p", [None, 0.3, 0.8])
@pytest.mark.parametrize("min_p", [None, 0.1, 1.0])
def test_draws_follow_the_definition(
    temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    logits = [0.3, 2.0, -1.0, 1.1, 2.0, 0.0, 5.0]
    allowed = [True, True, True, True, True, True, False]
    sampling = Sampling(temperature, top_k, top_p, min_p)
    rows = 8000
    drawn = choose(torch.tensor([logits] * rows), sampling, generator(), torch.tensor([allowed] * rows))
    shares = np.bincount(drawn.numpy(), minlength=7) / rows
    expected = distribution(logits, sampling, allowed)
    assert np.all((shares > 0) == (expected > 0))
    np.testing.assert_allclose(shares, expected, atol=0.025)


def test_top_k_keeps_no_ties() -> None:
    drawn = choose(torch.zeros(500, 10), Sampling(1.0, 3, None, None), generator())
    assert set(drawn.tolist()) == {0, 1, 2}


def test_of_tied_tokens_the_lower_ones_are_kept_in_their_order() -> None:
    """Rows with and without ties, among the kept tokens, at the last one and among the impossible ones."""
    random = np.random.default_rng(0)
    logits = np.concatenate([random.integers(0, 40, (30, 60)), random.normal(0, 1, (30, 60))]).astype(np.float32)
    logits[random.random(logits.shape) < 0.5] = -np.inf
    sampling, draws = Sampling(1.0, 20, None, None), torch.rand(60, generator=generator(), dtype=torch.float64)
    drawn = choose(torch.from_numpy(logits), sampling, generator())
    for row, draw, token in zip(logits.astype(np.float64), draws.numpy(), drawn.tolist(), strict=True):
        order = np.argsort(-row, kind="stable")[:20]
        cumulative = np.cumsum(np.exp(row[order] - row[order[0]]))
        assert token == order[np.searchsorted(cumulative, draw * cumulative[-1], side="right")]


def test_temperature_comes_before_the_nucleus() -> None:
    """At temperature 1 the first token alone reaches 0.6. At temperature 4 it does not."""
    logits = torch.tensor([[2.0, 1.0, 0.0]]).expand(500, 3)
    assert set(choose(logits, Sampling(1.0, None, 0.6, None), generator()).tolist()) == {0}
    assert set(choose(logits, Sampling(4.0, None, 0.6, None), generator()).tolist()) == {0, 1}


def test_temperature_comes_before_min_p_and_the_nucleus_does_not_change_it() -> None:
    """The second token is e⁻¹ = 0.37 times as likely as the first, at temperature 4 e⁻¼ = 0.78 times."""
    logits = torch.tensor([[2.0, 1.0, 0.0]]).expand(500, 3)
    assert set(choose(logits, Sampling(1.0, None, None, 0.5), generator()).tolist()) == {0}
    assert set(choose(logits, Sampling(4.0, None, None, 0.7), generator()).tolist()) == {0, 1}
    assert set(choose(logits, Sampling(1.0, None, 0.9, 0.3), generator()).tolist()) == {0, 1}
    assert set(choose(logits, Sampling(1.0, None, 0.6, 0.3), generator()).tolist()) == {0}


def test_temperature_zero_takes_the_likeliest_allowed_token() -> None:
    logits = torch.tensor([[0.0, 3.0, 5.0], [0.0, 0.0, 0.0]])
    allowed = torch.tensor([[True, True, False], [False, True, True]])
    assert choose(logits, Sampling(0.0, None, None, None), generator(), allowed).tolist() == [1, 1]


@given(
    logits=st.lists(st.floats(-1e30, 1e30), min_size=2, max_size=20),
    legal=st.integers(0, 19),
    temperature=st.sampled_from([0.0, 1e-300, 0.7, 1e30]),
    top_k=st.sampled_from([None, 1, 5, 100]),
    top_p=st.sampled_from([None, 1e-9, 0.9, 1.0]),
    min_p=st.sampled_from([None, 1e-300, 0.1, 1.0]),
)
def test_a_single_allowed_token_is_chosen_whatever_the_logits(
    logits: list[float], legal: int, temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    legal %= len(logits)
    allowed = torch.zeros(1, len(logits), dtype=torch.bool)
    allowed[0, legal] = True
    sampling = Sampling(temperature, top_k, top_p, min_p)
    assert choose(torch.tensor([logits]), sampling, generator(), allowed).tolist() == [legal]


@given(seed=st.integers(0, 1000), data=st.data())
def test_a_forbidden_token_is_never_chosen(seed: int, data: st.DataObject) -> None:
    allowed = data.draw(st.lists(st.booleans(), min_size=8, max_size=8).filter(any))
    logits = torch.randn(50, 8, generator=generator(seed)) * 40
    drawn = choose(logits, PLAIN, generator(seed), torch.tensor([allowed] * 50))
    assert all(allowed[token] for token in drawn.tolist())


def test_a_row_depends_on_its_own_generator_only() -> None:
    logits = torch.randn(5, 30, generator=generator(1))
    together = [choose(logits, PLAIN, row_generators(7, 5)).tolist()]
    alone = [[int(choose(logits[row : row + 1], PLAIN, [row_generators(7, 5)[row]])) for row in range(5)]]
    assert together == alone
    assert len({one.initial_seed() for one in row_generators(7, 5) + row_generators(8, 5)}) == 10


def test_a_constraint_that_allows_nothing_fails_an_assertion() -> None:
    with pytest.raises(AssertionError, match="at least one token"):
        choose(torch.zeros(1, 3), PLAIN, generator(), torch.zeros(1, 3, dtype=torch.bool))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((-0.1, None, None, None), "temperature: expected 0 or more, found -0.1"),
        ((float("nan"), None, None, None), "temperature: expected a finite number, found nan"),
        ((1.0, 0, None, None), "top_k: expected 1 or more, found 0"),
        ((1.0, None, 0.0, None), "top_p: expected above 0, at most 1, found 0.0"),
        ((1.0, None, 1.1, None), "top_p: expected above 0, at most 1, found 1.1"),
        ((1.0, None, None, 0.0), "min_p: expected above 0, at most 1, found 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(
    values: tuple[float, int | None, float | None, float | None], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^Sampling: {message}$"):
        Sampling(*values)
