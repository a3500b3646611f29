"""Linear layers whose matrix products run on oneDNN.

On a CPU, torch computes single-precision products with MKL. On AMD's Zen 5, MKL uses half of the width of the vectors:
there, oneDNN is twice as fast. On Zen 4 it is up to a quarter faster. With AVX2 both are equally fast,
except that oneDNN is slow if it has to transpose long matrices first. oneDNN is part of torch. Its only operator for
products of dense tensors is the one that `torch.compile` generates, so we call that one. Without it, and for other
devices and types, `F.linear` computes the same.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_FEWEST_ROWS = 32  # with fewer rows, the call itself takes longer than the product
_AVX512: bool = torch.backends.cpu.get_cpu_capability() == "AVX512"
_AVAILABLE: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
_ON_ONEDNN = _AVAILABLE and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(x: Float[Tensor, "... in"], weight: Float[Tensor, "out in"], bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, as `F.linear`. There is no second derivative."""
    if not pays(x) or weight.dtype != torch.float32:
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1])
    if not torch.is_grad_enabled():
        return transposed_product(rows, weight, bias).view(*x.shape[:-1], -1)
    output: Tensor = _Linear.apply(rows, weight, bias)  # type: ignore[no-untyped-call]  # torch leaves `apply` unannotated
    return output.view(*x.shape[:-1], -1)


def pays(x: Float[Tensor, "... in"]) -> bool:
    """Whether a linear layer of `x` is faster on oneDNN."""
    return on_onednn(x) and x.shape[:-1].numel() >= _FEWEST_ROWS


def on_onednn(x: Tensor) -> bool:
    """Whether `transposed_product` accepts a tensor here: single precision on a CPU, without autocast."""
    return _ON_ONEDNN and x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def transposing_pays(x: Tensor) -> bool:
    """Whether a product of transposed matrices is faster on oneDNN, which copies them first: with AVX-512 only."""
    return _AVX512 and on_onednn(x)


def transposed_product(
    a: Float[Tensor, "rows inner"],
    b: Float[Tensor, "columns inner"],
    bias: Tensor | None = None,
    activation: Literal["none", "relu"] = "none",
) -> Float[Tensor, "rows columns"]:
    """activation(a bᵀ + bias) on oneDNN, without gradients. Both may be transposed views."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, bias, activation, [], "")
    return product


class Linear(nn.Linear):
    """`nn.Linear` with the same arguments and weights."""

    def forward(self, input: Tensor) -> Tensor:  # torch's name
        return linear(input, self.weight, self.bias)


def together(x: Float[Tensor, "... in"], layers: Sequence[nn.Linear]) -> tuple[Tensor, ...]:
    """The outputs of layers with the same input, by one product."""
    weight, bias = torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])
    return torch.split(linear(x, weight, bias), [layer.out_features for layer in layers], dim=-1)


def accelerate(model: nn.Module) -> None:
    """Replace the class of each `nn.Linear` of a model by `Linear`, in place. Weights and their names stay."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return transposed_product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        needed = ctx.needs_input_grad
        return (
            transposed_product(grad, weight.t()) if needed[0] else None,
            weight_gradient(grad, x) if needed[1] else None,
            grad.sum(0) if needed[2] else None,
        )


def weight_gradient(grad: Float[Tensor, "rows out"], x: Float[Tensor, "rows in"]) -> Float[Tensor, "out in"]:
    """gradᵀ x. On oneDNN, the product is faster if the narrower matrix comes first."""
    if not transposing_pays(x):
        return grad.t() @ x
    if grad.shape[1] >= x.shape[1]:
        return transposed_product(x.t(), grad.t()).t()
    return transposed_product(grad.t(), x.t())
