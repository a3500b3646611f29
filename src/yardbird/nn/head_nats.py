"""The nats of targets under a linear output head.

The logits of a large vocabulary are the largest arrays of a training step. Where linear layers run on oneDNN, one
autograd function computes the head and the cross entropy: the forward pass turns the logits into their gradient, the
probabilities minus 1 at the target, so that the backward pass is two products. Elsewhere torch's functions compute the
same.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from yardbird.nn.linear import linear, pays, transposed_product, weight_gradient


def head_nats(
    x: Float[Tensor, "B L d"], weight: Float[Tensor, "V d"], targets: Int[Tensor, "B L"], ignored: int
) -> Float[Tensor, "B L"]:
    """−log softmax(x Wᵀ) at the targets, in single precision; 0 where the target is `ignored`."""
    if not pays(x) or weight.dtype != torch.float32:
        return _nats(linear(x, weight), targets, ignored)
    nats: Tensor = _HeadNats.apply(x.flatten(0, 1), weight, targets.flatten(), ignored)  # type: ignore[no-untyped-call]  # torch leaves `apply` unannotated
    return nats.view_as(targets)


def head_scores(
    x: Float[Tensor, "B L d"], weight: Float[Tensor, "V d"], targets: Int[Tensor, "B L"], ignored: int
) -> tuple[Float[Tensor, "B L"], Bool[Tensor, "B L"]]:
    """`head_nats`, and whether each target was the most probable."""
    logits = linear(x, weight)
    return _nats(logits, targets, ignored), logits.argmax(-1) == targets


def _nats(logits: Tensor, targets: Tensor, ignored: int) -> Tensor:
    flat = logits.float().flatten(0, 1)
    return F.cross_entropy(flat, targets.flatten(), ignore_index=ignored, reduction="none").view_as(targets)


class _HeadNats(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, ignored: int) -> Tensor:
        known = targets != ignored
        places = torch.where(known, targets, 0)[:, None]
        logs = torch.log_softmax(transposed_product(x, weight), -1)
        nats = torch.where(known, -logs.gather(1, places)[:, 0], 0)
        of_logits = logs.exp_().scatter_add_(1, places, logs.new_full(places.shape, -1))
        ctx.save_for_backward(x, weight, of_logits, known)
        return nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, of_logits, known = ctx.saved_tensors
        grad = torch.where(known, grad, 0)[:, None]  # it multiplies the narrow arrays, not the gradient of the logits
        return (
            transposed_product(of_logits, weight.t()) * grad if ctx.needs_input_grad[0] else None,
            weight_gradient(of_logits, x * grad) if ctx.needs_input_grad[1] else None,
            None,
            None,
        )
