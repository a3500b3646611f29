"""Dropout (Srivastava et al. 2014) by random bytes.

torch draws a number for every element; on a processor that and the boolean mask take a tenth of a training step. One
64-bit draw serves eight elements here, so the probability is rounded to a 256th, and masks are floating point, because
that is what vectorises. The elements that stay are scaled by exactly the share that stays.
"""

import torch
from torch import Tensor, nn


def dropped_of_256(probability: float) -> int:
    """How many of the 256 values of a byte mean that an element is dropped."""
    return min(round(256 * probability), 255)


def random_bytes(like: Tensor) -> Tensor:
    """One byte an element, from torch's global generator."""
    draws = torch.empty(-(-like.numel() // 8), dtype=torch.int64, device=like.device).random_(-(2**63), None)
    return draws.view(torch.uint8)[: like.numel()].view(like.shape)


def keep(draws: Tensor, dtype: torch.dtype, dropped: int) -> Tensor:
    """1 where an element stays, 0 where it is dropped."""
    return draws.to(dtype).ge_(dropped)


class Dropout(nn.Module):
    """As `torch.nn.Dropout`, up to the rounding of its probability."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.dropped = dropped_of_256(probability)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return x
        return x * keep(random_bytes(x), x.dtype, self.dropped).mul_(256 / (256 - self.dropped))
