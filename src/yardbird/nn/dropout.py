"""Dropout (Srivastava et al. 2014) in one compiled pass, or from random bytes.

torch draws one number for every element. On a CPU, this and the boolean mask take a tenth of a training step. On one
thread of a CPU, `yardbird.nn.dropout_kernel` computes dropout in one pass instead. Elsewhere one 64-bit number serves
eight elements, and masks are floating point, because floating point operations vectorise. The probability is rounded to
a multiple of 1/256 in both; the scale of the kept elements uses the rounded probability.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


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


def drop(x: Tensor, dropped: int) -> None:
    """Write 0 to elements of `x`, contiguous, at random. The others stay as they are."""
    if _compiles(x):
        _kernel().thin_in_place(_array(x), new_seed(), dropped)
    else:
        keep(x, random_bytes(x).to(x.dtype), dropped, out=x)


def new_seed() -> int:
    """A seed for random numbers in compiled code, from torch's global generator."""
    return int(torch.randint(2**62, ()))


class Dropout(nn.Module):
    """Like `torch.nn.Dropout`, except that its probability is rounded."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.dropped = dropped_of_256(probability)

    def forward(self, x: Tensor) -> Tensor:
        if not self.active:
            return x
        return self._compiled(x, None) if _compiles(x) else x * self._kept(x).mul_(self._scale)

    def added(self, x: Tensor, residual: Tensor) -> Tensor:
        """residual + dropout(x), with one operation less."""
        if not self.active:
            return residual + x
        if _compiles(x) and residual.shape == x.shape and residual.dtype == x.dtype:
            return self._compiled(x, residual)
        return torch.addcmul(residual, x, self._kept(x), value=self._scale)

    @property
    def active(self) -> bool:
        return self.training and self.dropped > 0

    @property
    def _scale(self) -> float:
        return kept_scale(self.dropped)

    def _compiled(self, x: Tensor, residual: Tensor | None) -> Tensor:
        output: Tensor = _CompiledDropout.apply(x, residual, self.dropped)  # type: ignore[no-untyped-call]  # torch leaves `apply` unannotated
        return output

    def _kept(self, like: Tensor) -> Tensor:
        """1 where an element is kept, 0 where it is dropped."""
        return random_bytes(like).to(like.dtype).ge_(self.dropped)


class _CompiledDropout(torch.autograd.Function):
    """residual + dropout(x), or dropout(x) without a residual."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, residual: Tensor | None, dropped: int) -> Tensor:
        ctx.seed, ctx.dropped = new_seed(), dropped
        return _thinned(x, ctx.seed, dropped, residual)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _thinned(grad, ctx.seed, ctx.dropped), grad if ctx.needs_input_grad[1] else None, None


def _thinned(x: Tensor, seed: int, dropped: int, residual: Tensor | None = None) -> Tensor:
    x = x.contiguous()
    output = torch.empty_like(x)
    added = _array(x if residual is None else residual.contiguous())
    _kernel().thin(_array(x), seed, dropped, kept_scale(dropped), added, residual is not None, _array(output))
    return output


def _compiles(x: Tensor) -> bool:
    """Whether `yardbird.nn.dropout_kernel` applies. With several threads, torch's operations may be faster."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and torch.get_num_threads() == 1


def _array(x: Tensor) -> Any:
    return x.detach().view(-1).numpy()


def _kernel() -> Any:
    from yardbird.nn import dropout_kernel  # numba takes most of a second to import

    return dropout_kernel
