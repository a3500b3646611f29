import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yardbird.errors import ConfigError
from yardbird.nn.transformer import Attention, SelfAttention, Transformer, TransformerConfig, rotated

Build = Callable[[TransformerConfig], Transformer]
SMALL = TransformerConfig(
    d_model=8, num_heads=2, num_layers=1, d_ff=8, dropout=0.0, attention="relative", max_distance=None,
    context_length=24, tie_embeddings=True,
)  # fmt: skip


def test_cached_logits_equal_uncached_ones_token_by_token(lively: Build, config: TransformerConfig) -> None:
    model = lively(config)
    tokens = torch.randint(50, (3, 24), generator=torch.Generator().manual_seed(1))
    whole = model(tokens)
    cache = model.new_cache(3)
    with torch.no_grad():
        newest = model(tokens[:, :5], cache)
        for position in range(5, 24):
            torch.testing.assert_close(newest[:, 0], whole[:, position - 1], atol=2e-5, rtol=1e-5)
            newest = model(tokens[:, position : position + 1], cache)
        torch.testing.assert_close(newest[:, 0], whole[:, -1], atol=2e-5, rtol=1e-5)
    assert cache.length == 24


def test_later_tokens_receive_a_gradient_of_exactly_zero(lively: Build, config: TransformerConfig) -> None:
    model = lively(config)
    embedded: list[torch.Tensor] = []

    def remember(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    model.embedding.register_forward_hook(remember)
    tokens = torch.randint(50, (1, 24), generator=torch.Generator().manual_seed(1))
    model(tokens)[0, 11].square().sum().backward()
    gradient = embedded[0].grad
    assert gradient is not None
    assert torch.all(gradient[0, 12:] == 0)
    assert torch.all(gradient[0, :12].abs().sum(1) > 0)


def held_slowly(tokens: list[int], groups: Sequence[Sequence[int]]) -> list[list[int]]:
    return [
        [next((t for t in tokens[place::-1] if t in group), -1) for place in range(len(tokens))] for group in groups
    ]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=24), st.integers(1, 24))
def test_the_latest_token_of_each_group_is_in_force_also_with_a_cache(tokens: list[int], cut: int) -> None:
    config, groups = replace(SMALL, context_length=24), ([3, 4, 5], [5, 6, 7, 8])
    model, whole = Transformer(10, config, groups), torch.tensor([tokens])
    expected = torch.tensor(held_slowly(tokens, groups))

    def tokens_of(rows: torch.Tensor) -> torch.Tensor:
        return torch.where(rows > 0, rows + 2, -1)  # the rows are those of nothing, then of 3, 4 ... 8

    assert torch.equal(tokens_of(model._follow(whole, None)[0][:, 0]), expected)
    cache = model.new_cache(1)
    parts = [tokens_of(model._follow(part, cache)[0][:, 0]) for part in whole.split(cut, dim=1)]
    assert torch.equal(torch.cat(parts, 1), expected)


def test_a_held_token_affects_all_later_positions_and_another_token_only_its_own() -> None:
    """In a model whose attention and feed-forward layers output zero."""
    torch.manual_seed(0)
    model = Transformer(10, SMALL, [[3, 4]]).eval()
    for block in model.blocks:
        for layer in (block.attention.output, block.narrow):
            torch.nn.init.zeros_(layer.weight)
    one, other = model(torch.tensor([[1, 3, 1, 1], [1, 4, 1, 1]]))
    assert torch.equal(one[0], other[0])
    assert not any(torch.equal(one[place], other[place]) for place in (1, 2, 3))
    one, other = model(torch.tensor([[1, 5, 1, 1], [1, 6, 1, 1]]))
    assert torch.equal(one[2:], other[2:])


def test_before_the_first_token_of_a_group_nothing_is_added_or_learnt() -> None:
    held, plain = Transformer(10, SMALL, [[3, 4]]), Transformer(10, SMALL)
    plain.load_state_dict({name: weight for name, weight in held.state_dict().items() if "held" not in name})
    tokens = torch.tensor([[1, 2, 5, 3, 1]])
    logits = held(tokens)
    assert torch.equal(logits[:, :3], plain(tokens)[:, :3])
    logits.square().sum().backward()
    assert held.held_embedding is not None
    assert held.held_embedding.weight.grad is not None
    assert held.held_embedding.weight.grad.abs().sum(1).gt(0).tolist() == [False, True, False]


@pytest.mark.parametrize("attention", ["relative", "rotary", "absolute"])
def test_a_new_model_predicts_nearly_uniform_probabilities(relative: TransformerConfig, attention: Attention) -> None:
    model = Transformer(50, replace(relative, attention=attention)).eval()
    tokens = torch.randint(50, (4, 25), generator=torch.Generator().manual_seed(1))
    loss = torch.nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    assert abs(loss.item() - math.log(50)) < 0.6, "logits of variance 1 cost half a nat"


def test_relative_attention_beyond_its_context_uses_the_furthest_embedding(
    lively: Build, relative: TransformerConfig
) -> None:
    model = lively(relative)
    wider = lively(replace(relative, context_length=40))
    tables = {
        name: torch.cat([table[:, :1].expand(-1, 16, -1), table], dim=1)
        for name, table in model.state_dict().items()
        if name.endswith("attention.distances")
    }
    wider.load_state_dict({**model.state_dict(), **tables})
    tokens = torch.randint(50, (2, 40), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model(tokens), wider(tokens))


def test_rotary_attention_works_beyond_its_context(lively: Build, relative: TransformerConfig) -> None:
    model = lively(replace(relative, attention="rotary"))
    wider = lively(replace(relative, attention="rotary", context_length=40))
    tokens = torch.randint(50, (2, 40), generator=torch.Generator().manual_seed(1))
    assert torch.equal(model(tokens), wider(tokens))


def turned_slowly(x: torch.Tensor, first: int) -> torch.Tensor:
    """Pairs of features as complex numbers, one position and one pair at a time."""
    half, turned = x.shape[-1] // 2, torch.empty_like(x)
    for place in range(x.shape[2]):
        for pair in range(half):
            number = torch.complex(x[:, :, place, pair], x[:, :, place, pair + half])
            angle = torch.tensor((first + place) * 10_000 ** (-2 * pair / (2 * half)))
            number = number * torch.polar(torch.tensor(1.0), angle)
            turned[:, :, place, pair], turned[:, :, place, pair + half] = number.real, number.imag
    return turned


@pytest.mark.parametrize("first", [0, 17])
def test_rotation_is_a_product_of_complex_numbers(first: int) -> None:
    x = torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(rotated(x, first), turned_slowly(x, first))
    assert rotated(x.bfloat16(), first).dtype == torch.bfloat16


@given(first=st.integers(0, 2000), length=st.integers(1, 12))
def test_rotary_attention_depends_on_distances_only(first: int, length: int) -> None:
    draw = torch.Generator().manual_seed(first)
    query, key, value = torch.randn(3, 2, 1, length, 8, generator=draw).unbind()
    attention = SelfAttention(replace(SMALL, d_model=16, attention="rotary")).eval()
    here = attention._whole(rotated(query), rotated(key), value)
    there = attention._whole(rotated(query, first), rotated(key, first), value)
    torch.testing.assert_close(here, there, atol=2e-3, rtol=2e-3)
    if length > 2:
        assert not torch.allclose(here, attention._whole(query, key, value), atol=1e-4), "positions matter"


def test_absolute_positions_end_at_the_context_length(lively: Build, relative: TransformerConfig) -> None:
    with pytest.raises(AssertionError, match="absolute positions end at the context length"):
        lively(replace(relative, attention="absolute"))(torch.zeros(1, 25, dtype=torch.long))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 5}, "d_model: expected a multiple of 5 heads, found 32"),
        ({"num_layers": 0}, "num_layers: expected 1 to 256, found 0"),
        ({"dropout": 1.0}, "dropout: expected 0 to below 1, found 1.0"),
        ({"max_distance": -1}, "max_distance: expected 0 or more, found -1"),
        ({"attention": "rotary", "d_model": 36}, "d_model: expected an even width of each of 4 heads .*, found 36"),
    ],
)
def test_an_impossible_size_gives_a_one_line_error(
    relative: TransformerConfig, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^TransformerConfig: {message}"):
        replace(relative, **change)


def test_dropout_is_active_in_training_only(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative)
    tokens = torch.zeros(1, 10, dtype=torch.long)
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.equal(model(tokens), model(tokens))


@pytest.mark.parametrize("attention", ["rotary", "absolute"])
def test_training_with_dropout_on_a_cpu_computes_the_same_attention(
    lively: Build, relative: TransformerConfig, attention: Attention
) -> None:
    """Training uses another code path there. A probability below 1/512 drops nothing."""
    model = lively(replace(relative, attention=attention, dropout=0.001))
    tokens = torch.randint(50, (2, 24), generator=torch.Generator().manual_seed(1))
    expected = model(tokens)
    torch.testing.assert_close(model.train()(tokens), expected, atol=2e-5, rtol=1e-5)


def test_selected_rows_of_a_cache_can_be_kept(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative)
    tokens = torch.randint(50, (4, 10), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        cache = model.new_cache(4)
        model(tokens[:, :9], cache)
        cache.keep(torch.tensor([1, 3]))
        newest = model(tokens[[1, 3], 9:], cache)
    torch.testing.assert_close(newest[:, 0], model(tokens)[[1, 3], -1], atol=2e-5, rtol=1e-5)
