"""Causal self-attention with relative positions (Huang et al. 2018, "Music Transformer", arXiv 1809.04281).

    output = softmax((Q Kᵀ + S_rel) / √width) V,    S_rel[i, j] = Q[i] · E_r[distance i − j],    j ≤ i

The paper pads and reshapes Q E_rᵀ to align each row with its keys ("skewing"); autograd then keeps several L × L
matrices. Here one autograd function works on blocks of query rows and computes only the keys that a block may see. The
skew costs nothing, because both layouts are views of one buffer. The distances of a block of b = 3 rows and n = 5 keys:

    by distance, rows of n + 1     5 4 3 2 1 0 | 5 4 3 2 1 0 | 5 4 3 2 1 0
    by key, rows of n, from b on         2 1 0 . . | 3 2 1 0 . | 4 3 2 1 0

where `.` is in the future and masked. Distance n is never used; its column only makes the rows line up.

`yardbird.nn.compiled_attention` computes the same in one compiled call, where that was measured to be faster.

In a sequence longer than the table, all greater distances share the furthest embedding. A short table therefore gives
the clipped distances of Shaw et al. 2018 (arXiv 1803.02155).
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from yardbird.nn.compiled_attention import CompiledAttention, applies
from yardbird.nn.dropout import dropped_of_256, keep, kept_scale, random_bytes
from yardbird.nn.linear import transposed_product, transposing_pays

Heads = Float[Tensor, "heads batch length width"]
Table = Float[Tensor, "heads distances width"]

_CACHED_SCORES = 2**18  # scores that stay in a CPU's cache
_GPU_SCORES = 2**26  # a quarter of a gibibyte in single precision


def relative_attention(query: Heads, key: Heads, value: Heads, embedding: Table, dropout: float = 0.0) -> Heads:
    """Causal attention of every position to itself and its past. The result has the shape of `query`.

    Args:
        embedding: E_r, from the furthest distance to distance 0. Greater distances share the first embedding.
        dropout: probability of dropping an attention weight (see `yardbird.nn.dropout`).

    In half precision, the scores are rounded to the input's type before the softmax. Gradients are deterministic.
    There is no second derivative.
    """
    table = distance_table(embedding, query.shape[2] + 1).to(query.dtype)
    function = CompiledAttention if applies(query) else _BlockwiseAttention
    output: Tensor = function.apply(  # type: ignore[no-untyped-call]  # torch leaves `apply` unannotated
        *(part.contiguous() for part in (query, key, value, table)), dropout, torch.is_grad_enabled()
    )
    return output


def distance_table(embedding: Table, distances: int) -> Float[Tensor, "heads wanted width"]:
    """The embeddings of the distances `distances − 1`, …, 1, 0. Distances beyond the table share the furthest one."""
    heads, known, width = embedding.shape
    if distances <= known:
        return embedding[:, known - distances :]
    return torch.cat([embedding[:, :1].expand(heads, distances - known, width), embedding], dim=1)


def _tiling(query: Tensor) -> tuple[int, int]:
    """Rows of a block, and pairs of head and sequence computed at once, both found by measurement.

    On a CPU the scores of a block stay in the cache. oneDNN multiplies single matrices, so it takes one pair at a time;
    this pays if they are large and the processor has AVX-512. On a GPU, launching many small blocks would take longer
    than computing the masked half of the scores.
    """
    heads, batch, length, width = query.shape
    if query.is_cuda:
        return min(length, max(64, _GPU_SCORES // (heads * batch * length))), heads * batch
    if transposing_pays(query) and length >= 512 and width >= 64:
        return 256, 1
    rows = 64 if length <= 512 else 128
    return rows, max(1, _CACHED_SCORES // (rows * length))


class _BlockwiseAttention(torch.autograd.Function):
    """Forward: 3 matrix products for each block; backward: 6.

    Keeps the attention weights of all blocks: half of L × L for each head if the blocks are small, all of it if one
    block has all rows. A pair is a head and a sequence of the batch; tensors of pairs are (pairs, length, width).
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, table: Tensor, dropout: float, differentiable: bool
    ) -> Tensor:
        _, _, length, width = query.shape
        ctx.dropped, ctx.tiling = dropped_of_256(dropout), _tiling(query)
        output = torch.empty_like(query)
        future = query.new_full((ctx.tiling[0], ctx.tiling[0]), -torch.inf).triu(1)
        tiles: list[Tensor] = []
        with torch.autocast(query.device.type, enabled=False):
            query = query / math.sqrt(width)
            q, k, v, out = (part.flatten(0, 1) for part in (query, key, value, output))
            one, other = _memory(query, *ctx.tiling)
            for heads, pairs, start, stop in _blocks(query.shape, *ctx.tiling):
                rows = stop - start
                block, distances = q[pairs, start:stop], table[heads, length - stop :]
                by_distance = _products(block.reshape(len(distances), -1, width), distances, one)
                scores = _products(block, k[pairs, :stop], other).add_(_by_key(by_distance, rows, stop))
                scores[:, :, start:].add_(future[:rows, :rows])
                weights = torch.softmax(scores, dim=-1)
                tile = [weights]
                if ctx.dropped:
                    tile.append(random_bytes(weights))
                    draws = _part(one, weights.shape).copy_(tile[1])
                    weights = keep(weights, draws, ctx.dropped, out=draws)
                if differentiable:
                    tiles += tile
                out[pairs, start:stop] = _products(weights, v[pairs, :stop].transpose(1, 2))
            output.mul_(kept_scale(ctx.dropped))
        ctx.save_for_backward(query, key, value, table, output, *tiles)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, table, output, *tiles = ctx.saved_tensors  # the query is scaled
        _, _, length, width = query.shape
        kept = iter(tiles)
        grad_query = torch.empty_like(query)
        # Transposed, (…, width, length): the products that they sum are faster in this order.
        grad_k, grad_v = (query.new_zeros(query.shape[0] * query.shape[1], width, length) for _ in range(2))
        grad_table = table.new_zeros(len(table), width, length + 1)
        with torch.autocast(query.device.type, enabled=False):
            # The softmax needs Σ_j weight·∂weight of each row, which equals output·∂output, with or without dropout.
            row_sums = (grad_output * output).sum(-1, keepdim=True).flatten(0, 1)
            grad_output = grad_output * kept_scale(ctx.dropped)
            q, k, v, grad_q, grad_out = (part.flatten(0, 1) for part in (query, key, value, grad_query, grad_output))
            one, other = _memory(query, *ctx.tiling)
            for heads, pairs, start, stop in _blocks(query.shape, *ctx.tiling):
                rows = stop - start
                block, grad = q[pairs, start:stop], grad_out[pairs, start:stop]
                distances = table[heads, length - stop :]
                weights = next(kept)
                used, grad_weights = weights, _products(grad, v[pairs, :stop], one)
                if ctx.dropped:
                    draws = _part(other, weights.shape).copy_(next(kept))
                    keep(grad_weights, draws, ctx.dropped, out=grad_weights)
                    used = keep(weights, draws, ctx.dropped, out=draws)
                _accumulate(grad_v[pairs, :, :stop], grad, used)
                by_distance = _part(other, (len(distances), len(weights) // len(distances) * rows, stop + 1))
                by_distance.view(len(weights), -1)[:, :rows] = 0
                scores = _by_key(by_distance, rows, stop)
                torch.mul(grad_weights.sub_(row_sums[pairs, start:stop]), weights, out=scores)
                _accumulate(grad_k[pairs, :, :stop], block, scores)
                flat = block.reshape(len(distances), -1, width)
                _accumulate(grad_table[heads, :, length - stop :], flat, by_distance)
                from_keys = _products(scores, k[pairs, :stop].transpose(1, 2))
                from_distances = _products(by_distance, distances.transpose(1, 2)).view_as(from_keys)
                torch.add(from_keys, from_distances, out=grad_q[pairs, start:stop])
        return (
            grad_query.div_(math.sqrt(width)),
            grad_k.transpose(1, 2).reshape(key.shape),
            grad_v.transpose(1, 2).reshape(value.shape),
            grad_table.transpose(1, 2),
            None,
            None,
        )


def _products(a: Tensor, b: Tensor, memory: Tensor | None = None) -> Tensor:
    """a bᵀ of each pair: (pairs, m, n), (pairs, k, n) → (pairs, m, k), in `memory` unless on oneDNN."""
    if len(a) == 1 and transposing_pays(a):
        return transposed_product(a[0], b[0])[None]
    out = None if memory is None else _part(memory, (len(a), a.shape[1], b.shape[1]))
    return torch.bmm(a, b.transpose(1, 2), out=out)


def _accumulate(total: Tensor, a: Tensor, b: Tensor) -> None:
    """total += aᵀ b of each pair: (pairs, m, k), (pairs, m, n) → (pairs, k, n)."""
    if len(a) == 1 and transposing_pays(a):
        total += transposed_product(a[0].t(), b[0].t())
    else:
        total.baddbmm_(a.transpose(1, 2), b)


def _memory(query: Tensor, rows: int, at_once: int) -> tuple[Tensor, Tensor]:
    """Two buffers, each for the scores of a block, that all blocks reuse, because allocating memory is slow."""
    heads, batch, length, _ = query.shape
    one, other = query.new_empty(2, min(rows, length) * min(at_once, heads * batch) * (length + 1))
    return one, other


def _part(memory: Tensor, shape: Sequence[int]) -> Tensor:
    return memory[: math.prod(shape)].view(shape)


def _blocks(shape: Sequence[int], rows: int, at_once: int) -> list[tuple[slice, slice, int, int]]:
    """The heads, the pairs, and the first and last row of each block: whole heads, or a part of the batch of one."""
    heads, batch, length, _ = shape
    whole, part = max(1, at_once // batch), min(at_once, batch)
    groups = [
        (
            slice(head, head + whole),
            slice(head * batch + first, (head + whole - 1) * batch + min(first + part, batch)),
        )
        for head in range(0, heads, whole)
        for first in range(0, batch, part)
    ]
    return [(*group, start, min(start + rows, length)) for group in groups for start in range(0, length, rows)]


def _by_key(by_distance: Tensor, rows: int, keys: int) -> Tensor:
    """A view of the same memory, (pairs, rows, keys), in which every row begins with key 0 (see the module)."""
    return by_distance.view(-1, rows * (keys + 1))[:, rows:].view(-1, rows, keys)
