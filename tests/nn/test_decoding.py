from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from yardbird.nn.decoding import decode
from yardbird.nn.sampling import Sampling, choose, row_generators
from yardbird.nn.transformer import Transformer, TransformerConfig

Build = Callable[[TransformerConfig], Transformer]
PLAIN = Sampling(temperature=1.0, top_k=None, top_p=None, min_p=None)


@dataclass
class EvenUntil:
    """Allows even tokens only, and ends after `length` of any kind."""

    length: int
    seen: list[int] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return len(self.seen) >= self.length

    def allowed(self) -> NDArray[np.bool_]:
        return np.arange(50) % 2 == 0

    def advance(self, token: int) -> None:
        self.seen.append(token)


def slowly(model: Transformer, prime: list[int], length: int, row: int, rows: int) -> list[int]:
    """Without a cache: for every token, the documented window of the newer half of a full context and later tokens."""
    draw = row_generators(0, rows)[row]
    tokens, context, start = list(prime), model.config.context_length, 0
    while len(tokens) < length:
        if len(tokens) - start > context:
            start = len(tokens) - context // 2
        logits = model(torch.tensor([tokens[start:]]))[:, -1]
        tokens.append(int(choose(logits, PLAIN, [draw])))
    return tokens


def test_decoding_equals_the_model_run_without_a_cache_far_beyond_the_context(
    lively: Build, config: TransformerConfig
) -> None:
    model = lively(config)
    (tokens,) = decode(model, [[1, 2, 3]], PLAIN, seed=0, max_length=90)
    assert tokens == slowly(model, [1, 2, 3], 90, 0, 1)


def test_primes_of_different_lengths_do_not_disturb_each_other(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative)
    primes = [[5], [1, 2, 3, 4, 5, 6, 7], [9, 8, 7]]
    together = decode(model, primes, PLAIN, seed=0, max_length=20)
    for row, prime in enumerate(primes):
        assert together[row][: len(prime)] == prime
        assert together[row] == slowly(model, prime, 20, row, 3)


def test_a_prime_longer_than_the_context_is_cut_to_its_newer_half_for_the_model_only(
    lively: Build, relative: TransformerConfig
) -> None:
    model = lively(relative)
    prime = torch.randint(50, (60,), generator=torch.Generator().manual_seed(1)).tolist()
    (tokens,) = decode(model, [prime], Sampling(0.0, None, None, None), seed=0, max_length=61)
    assert tokens[:60] == prime
    assert tokens[60] == int(model(torch.tensor([prime[-12:]]))[0, -1].argmax())


def test_each_row_ends_with_its_own_constraint(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative)
    constraints = [EvenUntil(length) for length in (4, 30, 9, 2, 50)]
    rows = decode(model, [[1], [3], [5], [7, 9], [11]], PLAIN, seed=0, max_length=40, constraints=constraints)
    assert [len(row) for row in rows] == [4, 30, 9, 2, 40]
    assert [constraint.finished for constraint in constraints] == [True, True, True, True, False]
    for row, constraint, primed in zip(rows, constraints, (1, 1, 1, 2, 1), strict=True):
        assert constraint.seen == row
        assert all(token % 2 == 0 for token in row[primed:])


def test_the_seed_decides_and_the_mode_is_restored(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative).train()
    first, again, other = (decode(model, [[1], [1]], PLAIN, seed=seed, max_length=20) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first[0] != first[1], "rows draw from different streams"
    assert model.training


def test_a_full_prime_and_an_empty_batch_are_returned_unchanged(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative)
    assert decode(model, [[1, 2, 3]], PLAIN, seed=0, max_length=2) == [[1, 2, 3]]
    assert decode(model, [], PLAIN, seed=0, max_length=2) == []
