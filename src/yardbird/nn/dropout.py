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


def kept_scale(dropped: int) -> float:
    """The factor of the kept elements, so that the expected value does not change."""
    return 256 / (256 - dropped)


def random_bytes(like: Tensor) -> Tensor:
    """One byte for each element, from torch's global generator."""
    draws = torch.empty(-(-like.numel() // 8), dtype=torch.int64, device=like.device).random_(-(2**63), None)
    return draws.view(torch.uint8)[: like.numel()].view(like.shape)


def keep(x: Tensor, draws: Tensor, dropped: int, out: Tensor) -> Tensor:
    """`x` where a draw keeps the element, else 0, written to `out`. The draws are random bytes in the type of `x`."""
    # The gradient of a threshold is the only choice between an element and 0 that torch vectorises.
    kept: Tensor = torch.ops.aten.threshold_backward.grad_input(x, draws, dropped - 1, grad_input=out)
    return kept


class Dropout(nn.Module):
    """Like `torch.nn.Dropout`, except that its probability is rounded."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.dropped = dropped_of_256(probability)

    def forward(self, x: Tensor) -> Tensor:
        return x * self._kept(x).mul_(self._scale) if self.active else x

    def added(self, x: Tensor, residual: Tensor) -> Tensor:
        """residual + dropout(x), with one operation less."""
        return torch.addcmul(residual, x, self._kept(x), value=self._scale) if self.active else residual + x

    @property
    def active(self) -> bool:
        return self.training and self.dropped > 0

    @property
    def _scale(self) -> float:
        return kept_scale(self.dropped)

    def _kept(self, like: Tensor) -> Tensor:
        """1 where an element is kept, 0 where it is dropped."""
        return random_bytes(like).to(like.dtype).ge_(self.dropped)
