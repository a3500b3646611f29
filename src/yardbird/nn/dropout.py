"""Dropout (Srivastava et al. 2014) from random bytes.

torch draws one number for every element. On a CPU, this and the boolean mask take a tenth of a training step. Here one
64-bit number serves eight elements, so the probability is rounded to a multiple of 1/256. Masks are floating point,
because floating point operations vectorise. The scale of the kept elements uses the rounded probability.
"""

import torch
from torch import Tensor, nn


def dropped_of_256(probability: float) -> int:
    """How many of the 256 values of a byte drop an element."""
    return min(round(256 * probability), 255)


def random_bytes(like: Tensor) -> Tensor:
    """One byte for each element, from torch's global generator."""
    draws = torch.empty(-(-like.numel() // 8), dtype=torch.int64, device=like.device).random_(-(2**63), None)
    return draws.view(torch.uint8)[: like.numel()].view(like.shape)


def keep(draws: Tensor, dtype: torch.dtype, dropped: int) -> Tensor:
    """1 where an element is kept, 0 where it is dropped."""
    return draws.to(dtype).ge_(dropped)


class Dropout(nn.Module):
    """Like `torch.nn.Dropout`, except that its probability is rounded."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.dropped = dropped_of_256(probability)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return x
        return x * keep(random_bytes(x), x.dtype, self.dropped).mul_(256 / (256 - self.dropped))
