"""Relative attention in compiled functions: one call computes all blocks of query rows of all heads and sequences.

The blocks and the skew are those of `yardbird.nn.relative_attention`. The matrix products are MKL's, called without
Python between them, so that a block can be small enough for the cache. All other operations on the scores are fused:
one pass finds the maximum of a row, one computes exp, one dropout, and one the gradient of the scores.

The stored weights are exp(score − maximum), negative if dropped. The sum of a row divides the output instead of the
weights, and in the backward pass the gradient of the output.

Shapes: pairs P of a head and a sequence, heads H, length L, width D. Rows of scores have a few unused elements at the
end: a distance of a power of two from row to row would put them into the same part of the cache.
"""

from typing import Any

import llvmlite.binding
import numpy as np
from numba.core import types
from numpy.typing import NDArray

from yardbird.nn.machine_code import compiled, compiled_part
from yardbird.nn.mkl import sgemm_address

Floats = NDArray[np.float32]

_ROWS = 64  # of a block, found by measurement, as the two below
_KEYS = 512  # of one product
_UNUSED = 16  # elements at the end of a row
_LOWEST = np.float32(-87.0)  # exp of less would be subnormal

llvmlite.binding.add_symbol("yardbird_sgemm", sgemm_address())  # a name, unlike an address, can be in numba's cache
_sgemm: Any = types.ExternalFunction("yardbird_sgemm", types.void(*[types.uintp] * 13))


def stored_size(length: int, pairs: int, *, differentiable: bool) -> int:
    """The number of weights that `forward` writes."""
    if not differentiable:
        return min(_ROWS, length) * (length + _UNUSED)
    stops = ((start, min(start + _ROWS, length)) for start in range(0, length, _ROWS))
    return pairs * sum((stop - start) * (stop + _UNUSED) for start, stop in stops)


@compiled
def forward(
    query: Floats,
    key: Floats,
    value: Floats,
    table: Floats,
    dropped: int,
    seed: int,
    output: Floats,
    inverse_sums: Floats,
    weights: Floats,
    differentiable: bool,
) -> None:
    """Write the output, and for `backward` the stored weights and 1 / the sum of each row.

    Args:
        query, key, value, output: (P, L, D).
        table: (H, L + 1, D), from the furthest distance to distance 0.
        dropped: how many of the 256 values of a random byte drop a weight.
        inverse_sums: (P, L).
        weights: (`stored_size`,).
    """
    pairs, length, width = query.shape
    call = np.empty(6, np.int32), np.empty(2, np.float32), np.empty(2, np.uint8)
    size = _ROWS * (length + _UNUSED + 1)
    memory, thinned = np.empty(size, np.float32), np.empty(size, np.float32)
    bits = np.empty(length // 4 + 1, np.uint32)
    scale, kept_scale = np.float32(1 / np.sqrt(width)), np.float32(256 / (256 - dropped))
    at = 0
    for pair in range(pairs):
        distances = table[pair // (pairs // len(table))]
        for start in range(0, length, _ROWS):
            stop = min(start + _ROWS, length)
            rows, pitch = stop - start, stop + _UNUSED
            block = query[pair, start:stop]
            by_distance = memory[: rows * (pitch + 1)].reshape(rows, pitch + 1)
            _times_transposed(call, block, distances[length - stop :], 0, by_distance[:, : stop + 1])
            scores = memory[rows : rows * (pitch + 1)].reshape(rows, pitch)
            _times_transposed(call, block, key[pair, :stop], 1, scores[:, :stop])
            stored = weights[at : at + rows * pitch].reshape(rows, pitch)
            used = thinned[: rows * pitch].reshape(rows, pitch) if dropped else stored
            for row in range(rows):
                here, seen = start + row, start + row + 1
                total = _exponentials(seen, scores[row], scale, stored[row])
                if dropped:
                    _draw(seed, pair * length + here, bits)
                    _thin(seen, bits.view(np.uint8), np.uint8(dropped), stored[row], used[row])
                inverse_sums[pair, here] = 1 / total
            _times(call, used[:, :stop], value[pair, :stop], 0, output[pair, start:stop])
            for row in range(start, stop):
                factor = inverse_sums[pair, row] * kept_scale
                for place in range(width):
                    output[pair, row, place] *= factor
            if differentiable:
                at += rows * pitch


@compiled
def backward(
    query: Floats,
    key: Floats,
    value: Floats,
    table: Floats,
    dropped: int,
    output: Floats,
    inverse_sums: Floats,
    weights: Floats,
    grad_output: Floats,
    grad_query: Floats,
    grad_key: Floats,
    grad_value: Floats,
    grad_table: Floats,
) -> None:
    """Write the gradients, from what `forward` has read and written."""
    pairs, length, width = query.shape
    call = np.empty(6, np.int32), np.empty(2, np.float32), np.empty(2, np.uint8)
    size = _ROWS * (length + _UNUSED + 1)
    memory, thinned = np.empty(size, np.float32), np.empty(size, np.float32)
    scaled = np.empty((_ROWS, width), np.float32)
    scale, kept_scale = np.float32(1 / np.sqrt(width)), np.float32(256 / (256 - dropped))
    at = 0
    for pair in range(pairs):
        head = pair // (pairs // len(table))
        for start in range(0, length, _ROWS):
            stop = min(start + _ROWS, length)
            rows, pitch = stop - start, stop + _UNUSED
            block, grad, grad_block = query[pair, start:stop], scaled[:rows], grad_query[pair, start:stop]
            stored = weights[at : at + rows * pitch].reshape(rows, pitch)
            used = thinned[: rows * pitch].reshape(rows, pitch) if dropped else stored
            for row in range(rows):
                memory[row] = 0  # of distances that do not exist
            by_distance = memory[: rows * (pitch + 1)].reshape(rows, pitch + 1)
            scores = memory[rows : rows * (pitch + 1)].reshape(rows, pitch)
            for row in range(rows):
                factor = inverse_sums[pair, start + row] * kept_scale
                for place in range(width):
                    grad[row, place] = grad_output[pair, start + row, place] * factor
            _times_transposed(call, grad, value[pair, :stop], 0, scores[:, :stop])
            for row in range(rows):
                here, seen = start + row, start + row + 1
                # Σ_j weight·∂weight of the row equals output·∂output, with or without dropout
                total = np.float32(0)
                for place in range(width):
                    total += output[pair, here, place] * grad_output[pair, here, place]
                total *= inverse_sums[pair, here]
                if dropped:
                    _thinned_gradient(seen, stored[row], total, scale, scores[row], used[row])
                else:
                    _gradient(seen, stored[row], total, scale, scores[row])
            _add_transposed_times(call, used[:, :stop], grad, grad_value[pair, :stop])
            _add_transposed_times(call, scores[:, :stop], block, grad_key[pair, :stop])
            _add_transposed_times(call, by_distance[:, : stop + 1], block, grad_table[head, length - stop :])
            _times(call, scores[:, :stop], key[pair, :stop], 0, grad_block)
            _times(call, by_distance[:, : stop + 1], table[head, length - stop :], 1, grad_block)
            at += rows * pitch


@compiled_part
def _exponentials(seen: int, scores: Floats, scale: np.float32, weights: Floats) -> np.float32:
    """Write exp(scale (score − maximum)) and return the sum: not a number if a score is not finite."""
    highest, plain, total = scores[0], np.float32(0), np.float32(0)
    for place in range(seen):
        highest = max(highest, scores[place])
        plain += scores[place]
    for place in range(seen):
        x = max((scores[place] - highest) * scale, _LOWEST)
        n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
        r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
        power = np.float32(1 / 720)
        power = power * r + np.float32(1 / 120)
        power = power * r + np.float32(1 / 24)
        power = power * r + np.float32(1 / 6)
        power = power * r + np.float32(1 / 2)
        power = (power * r + np.float32(1)) * r + np.float32(1)
        power *= _from_bits(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))
        weights[place] = power
        total += power
    _clear(weights, seen)
    return total if _finite(plain) else _from_bits(np.int32(0x7FC00000))


@compiled_part
def _clear(row: Floats, seen: int) -> None:
    """Write 0 to the future."""
    for place in range(seen, len(row)):
        row[place] = 0


@compiled_part
def _finite(x: np.float32) -> bool:
    """From the bits, because the compiler assumes that all numbers are finite. A diverged training must be seen."""
    exponent = np.int32(np.float32(x).view(np.int32) & np.int32(0x7F800000))
    return bool(exponent != np.int32(0x7F800000))


@compiled_part
def _from_bits(bits: np.int32) -> np.float32:
    return np.int32(bits).view(np.float32)  # numba requires the type here again


@compiled_part
def _draw(seed: int, row: int, bits: NDArray[np.uint32]) -> None:
    """Random bits that depend on the seed, the row and the place: the finaliser of MurmurHash3 of a counter."""
    start = _mixed(np.uint32(_mixed(np.uint32(seed)) + _mixed(np.uint32(np.uint32(seed >> 32) + np.uint32(row)))))
    for place in range(len(bits)):
        bits[place] = _mixed(np.uint32(start + np.uint32(np.uint32(place) * np.uint32(0x9E3779B9))))


@compiled_part
def _mixed(x: np.uint32) -> np.uint32:
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    x = np.uint32((x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(x ^ (x >> np.uint32(16)))


@compiled_part
def _thin(seen: int, draws: NDArray[np.uint8], dropped: np.uint8, weights: Floats, used: Floats) -> None:
    """Make dropped weights negative, and write the others or 0."""
    for place in range(seen):
        weight = weights[place]
        signed = weight if draws[place] >= dropped else -weight
        weights[place] = signed
        used[place] = max(signed, np.float32(0))
    _clear(used, seen)


@compiled_part
def _gradient(seen: int, weights: Floats, total: np.float32, scale: np.float32, scores: Floats) -> None:
    """The gradient of the scores of a row, in place of the gradient of its weights."""
    for place in range(seen):
        scores[place] = weights[place] * (scores[place] - total) * scale
    _clear(scores, seen)


@compiled_part
def _thinned_gradient(
    seen: int, weights: Floats, total: np.float32, scale: np.float32, scores: Floats, used: Floats
) -> None:
    """The same with dropped weights, which are negative. Also write the weights without them."""
    for place in range(seen):
        kept = max(weights[place], np.float32(0))
        used[place] = kept
        scores[place] = (kept * scores[place] - abs(weights[place]) * total) * scale
    _clear(used, seen)
    _clear(scores, seen)


@compiled_part
def _times(call: Any, a: Floats, b: Floats, add: int, c: Floats) -> None:
    """c = a b, or c += a b."""
    for first in range(0, a.shape[1], _KEYS):
        last = min(first + _KEYS, a.shape[1])
        _call(call, 78, 78, last - first, a[:, first:last], b[first:last], add or first, c)


@compiled_part
def _times_transposed(call: Any, a: Floats, b: Floats, add: int, c: Floats) -> None:
    """c = a bᵀ, or c += a bᵀ."""
    for first in range(0, len(b), _KEYS):
        last = min(first + _KEYS, len(b))
        _call(call, 78, 84, a.shape[1], a, b[first:last], add, c[:, first:last])


@compiled_part
def _add_transposed_times(call: Any, a: Floats, b: Floats, c: Floats) -> None:
    """c += aᵀ b."""
    for first in range(0, a.shape[1], _KEYS):
        last = min(first + _KEYS, a.shape[1])
        _call(call, 84, 78, len(a), a[:, first:last], b, 1, c[first:last])


@compiled_part
def _call(call: Any, of_a: int, of_b: int, inner: int, a: Floats, b: Floats, add: int, c: Floats) -> None:
    """BLAS has matrices in the order of columns, so it computes cᵀ from bᵀ and aᵀ. It reads arguments from memory.

    Args:
        call: memory for the arguments.
        of_a, of_b: the letter N (78) for the matrix itself, T (84) for its transpose.
    """
    integers, factors, letters = call
    letters[0], letters[1] = of_b, of_a
    integers[0], integers[1], integers[2] = c.shape[1], c.shape[0], inner
    integers[3], integers[4], integers[5] = b.strides[0] // 4, a.strides[0] // 4, c.strides[0] // 4
    factors[0], factors[1] = 1, 1 if add else 0
    letter, integer, factor = letters.ctypes.data, integers.ctypes.data, factors.ctypes.data
    sizes = integer, integer + 4, integer + 8
    of_matrices = b.ctypes.data, integer + 12, a.ctypes.data, integer + 16
    _sgemm(letter, letter + 1, *sizes, factor, *of_matrices, factor + 4, c.ctypes.data, integer + 20)
