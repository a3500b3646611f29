"""Sampling of the next token, with optional constraints.

Order of operations: constraint, temperature, top-k, nucleus (Holtzman et al. 2020, arXiv 1904.09751), min-p (Nguyen et
al. 2024, arXiv 2407.01082), sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from yardbird.config import NonNegativeFloat, PositiveInt, PositiveShare, Settings
from yardbird.seeds import derive_seed


@runtime_checkable
class Constraint(Protocol):
    """A grammar that follows a sequence and restricts its next token."""

    @property
    def finished(self) -> bool:
        """The sequence is complete. No method is called after that."""

    def allowed(self) -> NDArray[np.bool_]:
        """(vocabulary,), at least one of them True. The caller does not change it."""

    def advance(self, token: int) -> None:
        """Take the next token."""


@dataclass(frozen=True)
class Sampling(Settings):
    """Sampling settings. None switches a filter off.

    Attributes:
        temperature: 0 takes the most probable token.
        top_k: keep this many of the most probable tokens. The lower id wins a tie.
        top_p: keep the smallest set of most probable tokens whose total probability reaches `top_p`.
        min_p: keep the tokens whose probability is at least `min_p` times that of the most probable token.
    """

    temperature: NonNegativeFloat
    top_k: PositiveInt | None
    top_p: PositiveShare | None
    min_p: PositiveShare | None


@dataclass(frozen=True)
class SoundSampling(Settings):
    """How codes of sound are sampled.

    Attributes:
        guidance: classifier-free guidance scale. 0 ignores the caption, 1 uses the logits with the caption, larger
            values extrapolate away from the logits without a caption. The paper uses 3.
        temperature: 0 takes the most probable code.
        top_k: keep this many of the most probable codes. None: all.
    """

    guidance: NonNegativeFloat
    temperature: NonNegativeFloat
    top_k: PositiveInt | None

    @property
    def tokens(self) -> Sampling:
        return Sampling(self.temperature, self.top_k, top_p=None, min_p=None)


def choose(
    logits: Float[Tensor, "B V"],
    sampling: Sampling,
    generator: torch.Generator | Sequence[torch.Generator],
    allowed: Bool[Tensor, "B V"] | None = None,
) -> Int[Tensor, " B"]:
    """Sample one token for each row, on the CPU in double precision: the result is the same on every device.

    Args:
        generator: on the CPU. One generator for all rows in turn, or one for each row, so that rows are independent.
        allowed: the tokens that may be chosen. A single allowed token is chosen whatever its logit.
    """
    scores = logits.detach().cpu()
    generators = [generator] * len(scores) if isinstance(generator, torch.Generator) else generator
    draws = torch.cat([torch.rand(1, generator=one, dtype=torch.float64) for one in generators])
    if allowed is not None:
        assert bool(allowed.any(1).all()), "a constraint must allow at least one token"
        scores = scores.masked_fill(~allowed, -torch.inf)
    scores, order = _most_probable(scores, 1 if sampling.temperature == 0 else sampling.top_k)
    scores = scores.double()
    probabilities = torch.softmax((scores - scores[:, :1]) / (sampling.temperature or 1.0), dim=1)
    if sampling.top_p is not None:
        # A token is kept while the total of the more probable ones is below top_p, so the first token is always kept.
        probabilities = probabilities * (probabilities.cumsum(1) - probabilities < sampling.top_p)
    if sampling.min_p is not None:
        # Ratios do not change by the nucleus filter. The most probable token is always kept.
        probabilities = probabilities * (probabilities >= sampling.min_p * probabilities[:, :1])
    cumulative = probabilities.cumsum(1)
    # Clamp to the last token of positive probability: rounding could select a token of probability zero.
    place = torch.searchsorted(cumulative, draws[:, None] * cumulative[:, -1:], right=True)
    last = (probabilities > 0).sum(1, keepdim=True) - 1
    return order.gather(1, torch.minimum(place, last))[:, 0]


def _most_probable(scores: Float[Tensor, "B V"], count: int | None) -> tuple[Float[Tensor, "B k"], Int[Tensor, "B k"]]:
    """The `count` highest scores of each row in descending order, and their tokens. The lower token wins a tie."""
    if count is None or count >= scores.shape[1]:
        return torch.sort(scores, dim=1, descending=True, stable=True)
    # The selection takes a fraction of the time of sorting, but its order of equal scores is arbitrary.
    top, tokens = torch.topk(scores, count + 1, dim=1)
    tied = ((top[:, 1:] == top[:, :-1]) & top[:, 1:].isfinite()).any(1)  # impossible tokens may be in any order
    if bool(tied.any()):
        ordered = torch.sort(scores[tied], dim=1, descending=True, stable=True)
        top[tied], tokens[tied] = ordered.values[:, : count + 1], ordered.indices[:, : count + 1]
    return top[:, :count], tokens[:, :count]


def row_generators(seed: int, rows: int) -> list[torch.Generator]:
    """One random stream for each sequence of a batch, derived from the seed and its index."""
    return [torch.Generator().manual_seed(derive_seed(seed, "sequence", row)) for row in range(rows)]
