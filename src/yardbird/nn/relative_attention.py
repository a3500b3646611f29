"""Causal self-attention with relative positions (Huang et al. 2018, "Music Transformer", arXiv 1809.04281).

    output = softmax((Q Kᵀ + S_rel) / √width) V,    S_rel[i, j] = Q[i] · E_r[distance i − j],    j ≤ i

The paper pads and reshapes Q E_rᵀ to align each row with its keys ("skewing"); autograd then keeps several L × L
matrices. Here one autograd function works on blocks of query rows and computes only the keys that a block may see. The
skew costs nothing, because both layouts are views of one buffer. The distances of a block of b = 3 rows and n = 5 keys:

    by distance, rows of n + 1     5 4 3 2 1 0 | 5 4 3 2 1 0 | 5 4 3 2 1 0
    by key, rows of n, from b on         2 1 0 . . | 3 2 1 0 . | 4 3 2 1 0

where `.` is in the future and masked. Distance n is never used; its column only makes the rows line up.

In a sequence longer than the table, all greater distances share the furthest embedding. A short table therefore gives
the clipped distances of Shaw et al. 2018 (arXiv 1803.02155).
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from yardbird.nn.dropout import dropped_of_256, keep, random_bytes

Heads = Float[Tensor, "heads batch length width"]
Table = Float[Tensor, "heads distances width"]

_CACHED_SCORES = 2**19  # scores that stay in a CPU's cache
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
    output: Tensor = _BlockwiseAttention.apply(  # type: ignore[no-untyped-call]  # torch leaves `apply` unannotated
        query.contiguous(), key.contiguous(), value.contiguous(), table, dropout, torch.is_grad_enabled()
    )
    return output


def distance_table(embedding: Table, distances: int) -> Float[Tensor, "heads wanted width"]:
    """The embeddings of the distances `distances − 1`, …, 1, 0. Distances beyond the table share the furthest one."""
    heads, known, width = embedding.shape
    if distances <= known:
        return embedding[:, known - distances :]
    return torch.cat([embedding[:, :1].expand(heads, distances - known, width), embedding], dim=1)


def _tiling(query: Tensor) -> tuple[int, int]:
    """Rows of a block and heads computed at once, both found by measurement.

    On a CPU the scores of a block stay in the cache. On a GPU, launching many small blocks would take longer than
    computing the masked half of the scores.
    """
    heads, batch, length, _ = query.shape
    if query.is_cuda:
        return min(length, max(64, _GPU_SCORES // (heads * batch * length))), heads
    rows = 64 if length <= 512 else 128
    return rows, min(heads, max(1, _CACHED_SCORES // (rows * length * batch)))


class _BlockwiseAttention(torch.autograd.Function):
    """Forward: 3 matrix products for each block; backward: 6.

    Keeps the attention weights of all blocks: half of L × L for each head if the blocks are small, all of it if one
    block has all rows.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, table: Tensor, dropout: float, differentiable: bool
    ) -> Tensor:
        heads, batch, length, width = query.shape
        ctx.dropped, ctx.tiling = dropped_of_256(dropout), _tiling(query)
        output = torch.empty_like(query)
        future = query.new_full((ctx.tiling[0], ctx.tiling[0]), -torch.inf).triu(1)
        tiles: list[Tensor] = []
        with torch.autocast(query.device.type, enabled=False):
            for group, start, stop in _blocks(heads, length, *ctx.tiling):
                rows = stop - start
                q, k, v = (part[group].flatten(0, 1) for part in (query, key, value))
                q = q[:, start:stop] / math.sqrt(width)
                embedding = table[group, length - stop :]
                by_distance = q.view(len(embedding), batch * rows, width) @ embedding.transpose(1, 2)
                scores = _by_key(by_distance, rows, stop)
                scores.baddbmm_(q, k[:, :stop].transpose(1, 2))
                scores[:, :, start:] += future[:rows, :rows]
                weights = torch.softmax(scores, dim=-1)
                tile = [weights]
                if ctx.dropped:
                    tile.append(random_bytes(weights))
                    weights = keep(tile[1], weights.dtype, ctx.dropped).mul_(weights)
                if differentiable:
                    tiles += tile
                block = torch.bmm(weights, v[:, :stop]) * (256 / (256 - ctx.dropped))
                output[group, :, start:stop] = block.view(-1, batch, rows, width)
        ctx.save_for_backward(query, key, value, table, output, *tiles)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, table, output, *tiles = ctx.saved_tensors
        heads, batch, length, width = query.shape
        kept = iter(tiles)
        grad_query = torch.empty_like(query)
        grad_key, grad_value, grad_table = (torch.zeros_like(part) for part in (key, value, table))
        with torch.autocast(query.device.type, enabled=False):
            # The softmax needs Σ_j weight·∂weight of each row, which equals output·∂output, with or without dropout.
            row_sums = (grad_output * output).sum(-1, keepdim=True)
            for group, start, stop in _blocks(heads, length, *ctx.tiling):
                rows = stop - start
                q, k, v = (part[group].flatten(0, 1) for part in (query, key, value))
                grad_k, grad_v = grad_key[group].flatten(0, 1), grad_value[group].flatten(0, 1)
                q = q[:, start:stop] / math.sqrt(width)
                grad = grad_output[group, :, start:stop].flatten(0, 1)
                embedding = table[group, length - stop :]
                weights = next(kept)
                by_distance = weights.new_empty(len(embedding), batch * rows, stop + 1)
                by_distance.view(len(q), -1)[:, :rows] = 0
                scores = _by_key(by_distance, rows, stop)
                grad = grad * (256 / (256 - ctx.dropped))
                torch.bmm(grad, v[:, :stop].transpose(1, 2), out=scores)
                used = weights
                if ctx.dropped:
                    mask = keep(next(kept), weights.dtype, ctx.dropped)
                    scores.mul_(mask)
                    used = mask.mul_(weights)
                grad_v[:, :stop].baddbmm_(used.transpose(1, 2), grad)
                scores.sub_(row_sums[group, :, start:stop].flatten(0, 1)).mul_(weights)
                grad_k[:, :stop].baddbmm_(scores.transpose(1, 2), q)
                grad_table[group, length - stop :].baddbmm_(
                    by_distance.transpose(1, 2), q.view(-1, batch * rows, width)
                )
                grad_q = torch.bmm(by_distance, embedding).view_as(q).baddbmm_(scores, k[:, :stop])
                grad_query[group, :, start:stop] = (grad_q / math.sqrt(width)).view(-1, batch, rows, width)
        return grad_query, grad_key, grad_value, grad_table, None, None


def _blocks(heads: int, length: int, rows: int, group: int) -> list[tuple[slice, int, int]]:
    return [
        (slice(head, head + group), start, min(start + rows, length))
        for head in range(0, heads, group)
        for start in range(0, length, rows)
    ]


def _by_key(by_distance: Tensor, rows: int, keys: int) -> Tensor:
    """A view of the same memory, (group·batch, rows, keys), in which every row begins with key 0 (see the module)."""
    return by_distance.view(-1, rows * (keys + 1))[:, rows:].view(-1, rows, keys)
