"""Batched autoregressive decoding with a key-value cache."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from yardbird.nn.evaluating import evaluating
from yardbird.nn.sampling import Constraint, Sampling, choose, row_generators
from yardbird.nn.transformer import Cache, Transformer


def decode(
    model: Transformer,
    primes: Sequence[Sequence[int]],
    sampling: Sampling,
    seed: int,
    max_length: int,
    constraints: Sequence[Constraint] | None = None,
) -> list[list[int]]:
    """Continue each prime until its constraint is finished or it has `max_length` tokens, including the prime.

    Row i samples from its own random stream, derived from `seed` and i, independently of the other rows. Primes may
    differ in length. Dropout is off.

    A model sees at most its context. When the context is full, the cache is refilled with its newer half, for all rows
    at the same time. Each row sees the same context as if it were decoded alone, unless its prime is longer than the
    context. Such a row sees between half and all of the context, depending on the lengths of the other primes.

    Args:
        primes: at least one token each.
        constraints: one new constraint for each prime. This function advances them over the primes.
    """
    assert all(len(prime) for prime in primes), "a prime has at least one token"
    if constraints is not None:
        for constraint, prime in zip(constraints, primes, strict=True):
            for token in prime:
                constraint.advance(token)
    batch = _Batch(primes, max_length, constraints)
    generators = row_generators(seed, len(primes))
    with evaluating(model), torch.inference_mode():
        _continue(model, batch, sampling, generators)
    return [row[:length].tolist() for row, length in zip(batch.tokens, batch.lengths, strict=True)]


class _Batch:
    """The sequences so far, right-padded with zeros."""

    def __init__(
        self, primes: Sequence[Sequence[int]], max_length: int, constraints: Sequence[Constraint] | None
    ) -> None:
        self.lengths = [len(prime) for prime in primes]
        self.max_length, self.constraints = max_length, constraints
        self.tokens = torch.zeros(len(primes), max(max_length, *self.lengths, 0), dtype=torch.long)
        for row, prime in enumerate(primes):
            self.tokens[row, : len(prime)] = torch.tensor(prime)

    def ended(self, row: int) -> bool:
        return self.lengths[row] >= self.max_length or (self.constraints is not None and self.constraints[row].finished)

    def allowed(self, rows: Sequence[int]) -> Tensor | None:
        if self.constraints is None:
            return None
        return torch.from_numpy(np.stack([self.constraints[row].allowed() for row in rows]))

    def append(self, row: int, token: int) -> None:
        self.tokens[row, self.lengths[row]] = token
        self.lengths[row] += 1
        if self.constraints is not None:
            self.constraints[row].advance(token)


def _continue(model: Transformer, batch: _Batch, sampling: Sampling, generators: Sequence[torch.Generator]) -> None:
    rows = [row for row in range(len(batch.lengths)) if not batch.ended(row)]
    live = set(rows)
    cache = model.new_cache(len(rows))
    position = min((batch.lengths[row] for row in rows), default=0)  # tokens of every row that the model has read
    while live:
        logits = _feed(model, cache, batch.tokens[rows, :position])
        # A row that is still inside its prime keeps the prime's next token. The other rows sample theirs.
        drawing = [place for place, row in enumerate(rows) if row in live and batch.lengths[row] == position]
        if drawing:
            drawn = [rows[place] for place in drawing]
            tokens = choose(logits[drawing], sampling, [generators[row] for row in drawn], batch.allowed(drawn))
            for row, token in zip(drawn, tokens.tolist(), strict=True):
                batch.append(row, token)
            live -= {row for row in drawn if batch.ended(row)}
        position += 1
        if 2 * len(live) <= len(rows):  # copying the cache is slow: wait until half of the rows ended
            places = [place for place, row in enumerate(rows) if row in live]
            rows = [rows[place] for place in places]
            cache.keep(torch.tensor(places, dtype=torch.long))


def _feed(model: Transformer, cache: Cache, tokens: Tensor) -> Tensor:
    """Logits of the token after `tokens`. The cache holds all tokens but the newest one, or none, or it is full."""
    context, position = model.config.context_length, tokens.shape[1]
    if cache.length == context:
        cache.clear()
    start = position - 1
    if not cache.length:
        start = 0 if position <= context else position - max(1, context // 2)
    logits: Tensor = model(tokens[:, start:].to(model.embedding.weight.device), cache)
    return logits[:, -1]
