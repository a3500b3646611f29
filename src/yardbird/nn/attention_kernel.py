"""Relative attention in compiled functions: one call computes all blocks of query rows of all heads and sequences.

The blocks and the skew are those of `yardbird.nn.relative_attention`. A block is small enough for the cache. Its matrix
products are made of tiles; tiles that lie in the future are left out. All other operations on the scores are fused: one
pass finds the maximum of a row, one computes exp, one dropout, and one the gradient of the scores.

The stored weights are exp(score − maximum), negative if dropped. The sum of a row divides the output instead of the
weights, and in the backward pass the gradient of the output.

Shapes: pairs P of a head and a sequence, heads H, length L, width D, a multiple of 16. Rows of scores have unused
elements at the end: a tile is written whole, and a distance of a power of two from row to row would put all rows into
the same part of the cache.
"""

import numpy as np
from numpy.typing import NDArray

from yardbird.nn.dropout_kernel import mixed, row_start, step_from
from yardbird.nn.exponential_kernel import exponential, finite, from_bits
from yardbird.nn.machine_code import compiled, compiled_part
from yardbird.nn.tile_kernel import ROWS, WIDTH, tiles

Floats = NDArray[np.float32]

_BLOCK = 48  # rows, found by measurement


def stored_size(length: int, pairs: int, *, differentiable: bool) -> int:
    """The number of weights that `forward` writes."""
    if not differentiable:
        return min(_BLOCK, length) * _plain_pitch(length)
    stops = ((start, min(start + _BLOCK, length)) for start in range(0, length, _BLOCK))
    return pairs * sum((stop - start) * _plain_pitch(stop) for start, stop in stops)


def _plain_pitch(columns: int) -> int:
    """Elements from one row to the next: whole tiles, and an odd number of cache lines."""
    return (columns // 64 + 1) * 64 + 16


_pitch = compiled_part(_plain_pitch)


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
    size = _BLOCK * (_pitch(length) + 1)
    memory, thinned = np.empty(size, np.float32), np.empty(size, np.float32)
    bits = np.empty(length // 4 + 1, np.uint32)
    scale, kept_scale = np.float32(1 / np.sqrt(width)), np.float32(256 / (256 - dropped))
    keys, distances = _turned_memory(width, length), _turned_memory(width, length)
    at, batch = 0, pairs // len(table)
    for pair in range(pairs):
        if pair % batch == 0:
            _turn(table[pair // batch], distances)
        _turn(key[pair], keys)
        for start in range(0, length, _BLOCK):
            stop = min(start + _BLOCK, length)
            rows, pitch = stop - start, _pitch(stop)
            block = query[pair, start:stop]
            by_distance = memory[: rows * (pitch + 1)].reshape(rows, pitch + 1)
            _multiply(block, distances[:, length - stop :], by_distance, stop + 1, rows, stop, 0)
            scores = memory[rows : rows * (pitch + 1)].reshape(rows, pitch)
            _multiply(block, keys[:, 0:], scores, stop, 0, start, 1)
            stored = weights[at : at + rows * pitch].reshape(rows, pitch)
            used = thinned[: rows * pitch].reshape(rows, pitch) if dropped else stored
            for row in range(rows):
                here, seen = start + row, start + row + 1
                total = _exponentials(seen, scores[row], scale, stored[row])
                if dropped:
                    _draw(seed, pair * length + here, bits)
                    _thin(seen, bits.view(np.uint8), np.uint8(dropped), stored[row], used[row])
                inverse_sums[pair, here] = 1 / total
            _mix(used, value[pair, :stop], 0, start, output[pair, start:stop], 0)
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
    size = _BLOCK * (_pitch(length) + 1)
    memory, thinned = np.empty(size, np.float32), np.empty(size, np.float32)
    scaled = np.empty((_BLOCK, width), np.float32)
    scale, kept_scale = np.float32(1 / np.sqrt(width)), np.float32(256 / (256 - dropped))
    values = _turned_memory(width, length)
    at = 0
    for pair in range(pairs):
        head = pair // (pairs // len(table))
        _turn(value[pair], values)
        for start in range(0, length, _BLOCK):
            stop = min(start + _BLOCK, length)
            rows, pitch = stop - start, _pitch(stop)
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
            _multiply(grad, values[:, 0:], scores, stop, 0, start, 0)
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
            distances, grad_distances = table[head, length - stop :], grad_table[head, length - stop :]
            _collect(used, grad, 0, start, grad_value[pair, :stop])
            _collect(scores, block, 0, start, grad_key[pair, :stop])
            _collect(by_distance, block, rows, stop, grad_distances)
            _mix(scores, key[pair, :stop], 0, start, grad_block, 0)
            _mix(by_distance, distances, rows, stop, grad_block, 1)
            at += rows * pitch


@compiled_part
def _exponentials(seen: int, scores: Floats, scale: np.float32, weights: Floats) -> np.float32:
    """Write exp(scale (score − maximum)) and return the sum: not a number if a score is not finite."""
    highest, plain, total = scores[0], np.float32(0), np.float32(0)
    for place in range(seen):
        highest = max(highest, scores[place])
        plain += scores[place]
    for place in range(seen):
        power = exponential((scores[place] - highest) * scale)
        weights[place] = power
        total += power
    _clear(weights, seen)
    return total if finite(plain) else from_bits(np.int32(0x7FC00000))


@compiled_part
def _clear(row: Floats, seen: int) -> None:
    """Write 0 to the `ROWS` elements after those seen, which a tile reads, too."""
    for place in range(seen, seen + ROWS):
        row[place] = 0


@compiled_part
def _clear_end(row: Floats) -> None:
    """Write 0 to the last `ROWS` elements. By distance, they come before the first element of the next row."""
    for place in range(len(row) - ROWS, len(row)):
        row[place] = 0


@compiled_part
def _draw(seed: int, row: int, bits: NDArray[np.uint32]) -> None:
    """Random bits that depend on the seed, the row and the place: the finaliser of MurmurHash3 of a counter."""
    start = row_start(seed, row)
    step = step_from(start)
    for place in range(len(bits)):
        bits[place] = mixed(np.uint32(start + np.uint32(np.uint32(place) * step)))


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
    _clear_end(scores)


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
    _clear_end(scores)


@compiled_part
def _turned_memory(width: int, length: int) -> Floats:
    return np.zeros((width, _pitch(length + WIDTH)), np.float32)


@compiled_part
def _turn(x: Floats, turned: Floats) -> None:
    """Write (n, D) as (D, n), sixteen rows at a time."""
    whole = len(x) - len(x) % 16
    for first in range(0, whole, 16):
        for column in range(x.shape[1]):
            for place in range(16):
                turned[column, first + place] = x[first + place, column]
    for place in range(whole, len(x)):
        for column in range(x.shape[1]):
            turned[column, place] = x[place, column]


@compiled_part
def _multiply(a: Floats, b: Floats, c: Floats, columns: int, low: int, high: int, adds: int) -> None:
    """c = a b, or with `adds` c += a b, where a row of c needs the columns from low − row to high + row.

    Args:
        a, b, c: (rows, D), (D, columns or more), (rows, columns or more). Other elements of c may be written too.
    """
    for column in range(0, columns, WIDTH):
        row = 0
        while row < len(a):
            count = _count(row, len(a))
            last = row + count - 1
            if low - last < column + WIDTH and column <= high + last:
                at_a, at_b, at_c = _address(a, row, 0), _address(b, 0, column), _address(c, row, column)
                tiles(count, WIDTH, at_a, a.strides[0], 4, at_b, b.strides[0], at_c, c.strides[0], len(b), adds)
            row += count


@compiled_part
def _mix(weights: Floats, table: Floats, low: int, high: int, mix: Floats, adds: int) -> None:
    """mix = weights table, or with `adds` add it, where the weights of a row are those from low − row to high + row.

    Args:
        weights, table, mix: (rows, columns or more), (columns, D), (rows, D). The `ROWS` weights next to those of a row
            are 0, so that rows of the table that a tile reads beyond them must be finite.
    """
    row = 0
    while row < len(mix):
        count = _count(row, len(mix))
        last = row + count - 1
        first, stop = max(0, low - last), min(len(table), high + last + 1)
        a, b, c = _address(weights, row, first), _address(table, first, 0), _address(mix, row, 0)
        a_row, b_row, c_row = weights.strides[0], table.strides[0], mix.strides[0]
        tiles(count, mix.shape[1], a, a_row, 4, b, b_row, c, c_row, stop - first, adds)
        row += count


@compiled_part
def _collect(weights: Floats, rows: Floats, low: int, high: int, total: Floats) -> None:
    """total += weightsᵀ rows, with weights as in `_mix`.

    Args:
        weights, rows, total: (rows, columns or more), (rows, D), (columns, D).
    """
    column = 0
    while column < len(total):
        count = _count(column, len(total))
        first = max(0, low - column - count + 1, column - high)
        a, b, c = _address(weights, first, column), _address(rows, first, 0), _address(total, column, 0)
        a_row, b_row, c_row = weights.strides[0], rows.strides[0], total.strides[0]
        tiles(count, total.shape[1], a, 4, a_row, b, b_row, c, c_row, len(rows) - first, 1)
        column += count


@compiled_part
def _count(row: int, rows: int) -> int:
    """How many rows the tile at this row has."""
    return ROWS if row + ROWS <= rows else 1


@compiled_part
def _address(x: Floats, row: int, column: int) -> int:
    return x.ctypes.data + row * x.strides[0] + 4 * column
