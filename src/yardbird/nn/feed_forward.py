"""The feed-forward layer of a transformer: two linear layers with ReLU (Vaswani et al. 2017, §3.3) and dropout between.

Where linear layers run on oneDNN, one autograd function computes the whole layer. ReLU is part of the first product.
Only the hidden activations after dropout are kept: where they are 0, the gradient is 0 too, whether ReLU or dropout is
the cause. The scale of dropout multiplies the second matrix, which is smaller than the activations.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from yardbird.nn.dropout import Dropout, drop, kept_scale
from yardbird.nn.linear import pays, transposed_product, weight_gradient


def feed_forward(
    x: Float[Tensor, "B L d"], widen: nn.Linear, narrow: nn.Linear, dropout: Dropout
) -> Float[Tensor, "B L d"]:
    """narrow(dropout(relu(widen(x))))"""
    if not pays(x) or widen.weight.dtype != torch.float32:
        hidden: Tensor = F.relu(widen(x))
        output: Tensor = narrow(dropout(hidden))
        return output
    dropped = dropout.dropped if dropout.active else 0
    weights = widen.weight, widen.bias, narrow.weight, narrow.bias
    output = _FeedForward.apply(x.flatten(0, 1), *weights, dropped)  # type: ignore[no-untyped-call]  # torch leaves `apply` unannotated
    return output.view(x.shape)


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, wide: Tensor, wide_bias: Tensor, narrow: Tensor, narrow_bias: Tensor, dropped: int
    ) -> Tensor:
        ctx.scale = kept_scale(dropped)
        hidden = transposed_product(x, wide, wide_bias, "relu")
        if dropped:
            drop(hidden, dropped)
        ctx.save_for_backward(x, wide, narrow, hidden)
        return transposed_product(hidden, narrow * ctx.scale, narrow_bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, wide, narrow, hidden = ctx.saved_tensors
        grad = grad.contiguous()
        grad_hidden = transposed_product(grad, (narrow * ctx.scale).t())
        torch.ops.aten.threshold_backward.grad_input(grad_hidden, hidden, 0, grad_input=grad_hidden)
        return (
            transposed_product(grad_hidden, wide.t()),
            weight_gradient(grad_hidden, x),
            grad_hidden.sum(0),
            weight_gradient(grad, hidden).mul_(ctx.scale),
            grad.sum(0),
            None,
        )
