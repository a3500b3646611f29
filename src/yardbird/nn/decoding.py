"""Batched autoregressive decoding with a key-value cache."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yardbird.nn.evaluating import evaluating
from yardbird.nn.sampling import Constraint, Sampling, row_generators
from yardbird.nn.transformer import Transformer
from yardbird.time_budget import check_time

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def decode(
    model: Transformer,
    primes: Sequence[Sequence[int]],
    sampling: Sampling,
    seed: int,
    max_length: int,
    constraints: Sequence[Constraint] | None = None,
    *,
    int8: bool = False,
) -> list[list[int]]:
    """Continue each prime until its constraint is finished or it has `max_length` tokens, including the prime.

    Row i samples from its own random stream, derived from `seed` and i, independently of the other rows. Primes may
    differ in length. Dropout is off.

    A model sees at most its context. When the context is full, the cache is refilled with its newer half, for all rows
    at the same time. Each row sees the same context as if it were decoded alone, unless its prime is longer than the
    context. Such a row sees between half and all of the context, depending on the lengths of the other primes.

    On the CPU in single precision the steps run in `yardbird.nn.compiled_decoder`, otherwise in the model itself.

    Args:
        primes: at least one token each.
        constraints: one new constraint for each prime. This function advances them over the primes.
        int8: round the weights to 8 bits in the compiled steps; the model itself ignores this.
    """
    from yardbird.nn import compiled_decoder  # numba is slow to import

    assert all(len(prime) for prime in primes), "a prime has at least one token"
    if constraints is not None:
        for constraint, prime in zip(constraints, primes, strict=True):
            for token in prime:
                constraint.advance(token)
    batch = _Batch(primes, max_length, constraints, model.embedding.num_embeddings)
    rows = [row for row in range(len(primes)) if not batch.ended(row)]
    if rows:
        with evaluating(model), torch.inference_mode():
            steps: _Steps = _ModelSteps(model, len(rows))
            if compiled_decoder.applies(model):
                longest = min(model.config.context_length, batch.tokens.shape[1])
                steps = compiled_decoder.CompiledDecoder(model, len(rows), longest, int8=int8)
            _continue(steps, model.config.context_length, batch, rows, _Sampler(sampling, seed, len(primes)))
    return [row[:length].tolist() for row, length in zip(batch.tokens, batch.lengths, strict=True)]


@runtime_checkable
class _Steps(Protocol):
    """Reads tokens of all rows and returns the logits of the next token, (B, V)."""

    @property
    def length(self) -> int:
        """The number of tokens read since `start`."""

    def start(self, tokens: Ints) -> Floats:
        """Forget all tokens and read the first ones of every row, (B, L)."""

    def step(self, tokens: Ints) -> Floats:
        """Read the next token of every row, (B,)."""

    def keep(self, rows: Sequence[int]) -> None:
        """Forget the other rows."""


class _ModelSteps:
    """Steps of the model itself, on any device and in any precision."""

    def __init__(self, model: Transformer, rows: int) -> None:
        self._model, self._cache = model, model.new_cache(rows)

    @property
    def length(self) -> int:
        return self._cache.length

    def start(self, tokens: Ints) -> Floats:
        self._cache.clear()
        return self._read(tokens)

    def step(self, tokens: Ints) -> Floats:
        return self._read(tokens[:, None])

    def keep(self, rows: Sequence[int]) -> None:
        self._cache.keep(torch.tensor(rows))

    def _read(self, tokens: Ints) -> Floats:
        logits: Tensor = self._model(torch.from_numpy(tokens).to(self._model.embedding.weight.device), self._cache)
        array: Floats = logits[:, -1].float().cpu().numpy()
        return array


class _Sampler:
    """Samples from logits on the CPU in double precision; each row has its own random stream."""

    def __init__(self, sampling: Sampling, seed: int, rows: int) -> None:
        self._temperature, self._top_k = sampling.temperature, sampling.top_k or np.iinfo(np.int64).max
        self._top_p, self._min_p = sampling.top_p or 2.0, sampling.min_p or 0.0  # 2: any total probability
        self._streams = [_numbers(generator) for generator in row_generators(seed, rows)]

    def choose(self, logits: Floats, allowed: NDArray[np.bool_], rows: Sequence[int]) -> list[int]:
        """One token for each of these rows, as `yardbird.nn.sampling.choose` does."""
        from yardbird.nn import sampling_kernel  # as above

        draws = np.array([next(self._streams[row]) for row in rows])
        tokens = np.empty(len(rows), np.int64)
        sampling_kernel.sample(logits, allowed, draws, self._temperature, self._top_k, self._top_p, self._min_p, tokens)
        return tokens.tolist()


def _numbers(generator: torch.Generator) -> Iterator[float]:
    while True:
        yield from torch.rand(64, generator=generator, dtype=torch.float64).tolist()


class _Batch:
    """The sequences so far, right-padded with zeros."""

    def __init__(
        self,
        primes: Sequence[Sequence[int]],
        max_length: int,
        constraints: Sequence[Constraint] | None,
        vocab_size: int,
    ) -> None:
        self._allowed = np.ones((len(primes), vocab_size), np.bool_)
        self.lengths = [len(prime) for prime in primes]
        self.max_length, self.constraints = max_length, constraints
        self.tokens = np.zeros((len(primes), max(max_length, *self.lengths, 0)), np.int64)
        for row, prime in enumerate(primes):
            self.tokens[row, : len(prime)] = prime

    def ended(self, row: int) -> bool:
        return self.lengths[row] >= self.max_length or (self.constraints is not None and self.constraints[row].finished)

    def allowed(self, rows: Sequence[int]) -> NDArray[np.bool_]:
        allowed = self._allowed[: len(rows)]
        if self.constraints is not None:
            for place, row in enumerate(rows):
                allowed[place] = self.constraints[row].allowed()
        return allowed

    def append(self, row: int, token: int) -> None:
        self.tokens[row, self.lengths[row]] = token
        self.lengths[row] += 1
        if self.constraints is not None:
            self.constraints[row].advance(token)


def _continue(steps: _Steps, context: int, batch: _Batch, rows: list[int], sampler: _Sampler) -> None:
    live = set(rows)
    position = min(batch.lengths[row] for row in rows)  # tokens of every row that the model has read
    while live:
        check_time()
        if 0 < steps.length < context:
            logits = steps.step(batch.tokens[rows, position - 1])
        else:
            first = 0 if position <= context else position - max(1, context // 2)
            logits = steps.start(batch.tokens[rows, first:position])
        # A row that is still inside its prime keeps the prime's next token. The other rows sample theirs.
        drawn = [row for row in rows if row in live and batch.lengths[row] == position]
        if drawn:
            if len(drawn) < len(rows):
                drawing = set(drawn)
                logits = logits[[place for place, row in enumerate(rows) if row in drawing]]
            for row, token in zip(drawn, sampler.choose(logits, batch.allowed(drawn), drawn), strict=True):
                batch.append(row, token)
                if batch.ended(row):
                    live.remove(row)
        position += 1
        if 2 * len(live) <= len(rows):  # copying the cache is slow: wait until half of the rows ended
            places = [place for place, row in enumerate(rows) if row in live]
            rows = [rows[place] for place in places]
            steps.keep(places)
