"""Continuing many sequences at once, token by token, with a key-value cache."""

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
    """Continue each prime until its constraint is finished or it counts `max_length` tokens, prime included.

    Row i draws from a stream of its own, of `seed` and i, whatever the other rows do. Primes may differ in length.

    A model sees at most its context: once that is full, the cache is filled anew with the newer half of it. All rows
    do so together: a row drawn beside others sees what it would alone, unless its prime is longer than the context;
    then it sees between half and all of it, depending on the lengths of the other primes. Dropout is off meanwhile.

    Args:
        primes: each at least one token.
        constraints: one a prime, fresh; they are advanced over the primes here.
    """
    assert all(len(prime) for prime in primes), "a prime holds at least one token"
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
    position = min((batch.lengths[row] for row in rows), default=0)  # how much of every row the model has seen
    while live:
        logits = _feed(model, cache, batch.tokens[rows, :position])
        # A row still inside its prime goes on with the prime's own next token; the others draw theirs.
        drawing = [place for place, row in enumerate(rows) if row in live and batch.lengths[row] == position]
        if drawing:
            drawn = [rows[place] for place in drawing]
            tokens = choose(logits[drawing], sampling, [generators[row] for row in drawn], batch.allowed(drawn))
            for row, token in zip(drawn, tokens.tolist(), strict=True):
                batch.append(row, token)
            live -= {row for row in drawn if batch.ended(row)}
        position += 1
        if 2 * len(live) <= len(rows):  # ended rows are carried along until they are half of the batch
            places = [place for place, row in enumerate(rows) if row in live]
            rows = [rows[place] for place in places]
            cache.keep(torch.tensor(places, dtype=torch.long))


def _feed(model: Transformer, cache: Cache, tokens: Tensor) -> Tensor:
    """Logits of the token after `tokens`, of which the cache holds all but the newest, or nothing, or is full."""
    context, position = model.config.context_length, tokens.shape[1]
    if cache.length == context:
        cache.clear()
    start = position - 1
    if not cache.length:
        start = 0 if position <= context else position - max(1, context // 2)
    logits: Tensor = model(tokens[:, start:].to(model.embedding.weight.device), cache)
    return logits[:, -1]
