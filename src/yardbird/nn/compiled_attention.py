"""Relative attention as an autograd function that calls `yardbird.nn.attention_kernel`."""

import weakref
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from yardbird.nn.dropout import dropped_of_256, new_seed

_spare: list[NDArray[np.float32]] = []


def applies(query: Tensor) -> bool:
    """Whether to compute this here: in single precision, with heads of whole registers, on one thread of an x86 CPU.

    Faster than torch's operations where it was measured, on AMD's Zen 4 with AVX-512 and with AVX2 alone. With several
    threads, torch's may be faster.
    """
    suitable = query.device.type == "cpu" and query.dtype == torch.float32 and query.shape[-1] % 16 == 0
    return suitable and torch.get_num_threads() == 1 and torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


class CompiledAttention(torch.autograd.Function):
    """The arguments are those of `relative_attention`, with a row in the table for each distance from `length` to 0.

    Stores the weights: half of L × L for each pair of a head and a sequence.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, table: Tensor, dropout: float, differentiable: bool
    ) -> Tensor:
        heads, batch, length, _ = query.shape
        ctx.dropped = dropped_of_256(dropout)
        seed = new_seed() if ctx.dropped else 0
        size = _kernel().stored_size(length, heads * batch, differentiable=differentiable)
        weights = _memory(size) if differentiable else query.new_empty(size)
        output, inverse_sums = torch.empty_like(query), query.new_empty(heads, batch, length)
        _kernel().forward(
            *_arrays(query, key, value),
            table.detach().numpy(),
            ctx.dropped,
            seed,
            *_arrays(output, inverse_sums),
            weights.numpy(),
            differentiable,
        )
        ctx.save_for_backward(query, key, value, table, output, inverse_sums, weights)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, table, output, inverse_sums, weights = ctx.saved_tensors
        gradients = [torch.zeros_like(part) for part in (query, key, value)]
        grad_table = torch.zeros_like(table)
        _kernel().backward(
            *_arrays(query, key, value),
            table.detach().numpy(),
            ctx.dropped,
            *_arrays(output, inverse_sums),
            weights.numpy(),
            *_arrays(grad_output.contiguous(), *gradients),
            grad_table.numpy(),
        )
        return *gradients, grad_table, None, None


def _memory(size: int) -> Tensor:
    """Memory of an earlier call if the size is the same, because new pages take up to a quarter of a training step."""
    try:
        memory = _spare.pop()
    except IndexError:  # all is in use, or another thread took the last
        memory = np.empty(size, np.float32)
    if len(memory) != size:
        _spare.clear()
        memory = np.empty(size, np.float32)
    return _lent(memory)


def _lent(memory: NDArray[np.float32]) -> Tensor:
    """A tensor in this memory, which is spare again after the tensor's last use."""
    lent = memory[:]
    weakref.finalize(lent, _spare.append, memory).atexit = False
    return torch.from_numpy(lent)


def _arrays(*tensors: Tensor) -> list[NDArray[Any]]:
    """The memory of tensors (heads, batch, …) as arrays (pairs, …)."""
    return [tensor.detach().flatten(0, 1).numpy() for tensor in tensors]


def _kernel() -> Any:
    from yardbird.nn import attention_kernel  # numba takes most of a second to import

    return attention_kernel
