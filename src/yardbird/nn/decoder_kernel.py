"""One decoding step of a `Transformer` in one compiled call: a token of every row → the logits of the next token.

At one token a step, torch spends most of the time on launching hundreds of small operations. Numba compiles these
functions to vector instructions instead. For one row the limit is the memory: each weight is read at most once a step,
and products read it in order, because processors read one long stream faster than several. For the same reason, the
keys of a head are one after the other, and so are its values and its distances.

Shapes are those of `yardbird.nn.decoder_weights`, with rows B.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird.nn.decoder_weights import Floats, Ints, Matrix, Terms, Weights
from yardbird.nn.exponential_kernel import exponential
from yardbird.nn.machine_code import compiled, compiled_part, prefetch

_EPSILON = np.float32(1e-5)  # of LayerNorm, torch's default
_INPUTS = 512  # of a part of a product: those of 16 rows fill a first-level cache of 32 KiB


@compiled
def step(
    plain: tuple[Any, ...], keys: Floats, values: Floats, position: int, in_force: Ints, tokens: Ints, logits: Floats
) -> None:
    """Append one token to every row and write the logits of the next one.

    Args:
        plain: `Weights` as plain tuples. Numba takes 10 µs longer to receive named ones.
        keys, values: (N, H, B, C, D) of the positions before; the new ones are added.
        in_force: (G + 3 R, B) as in `Cache`; updated.
        tokens: (B,).
        logits: (B, V), written.
    """
    weights = _named(plain)
    rows, width = len(tokens), weights.embedding.shape[1]
    heads, head_width = keys.shape[1], keys.shape[4]
    x, normed = np.empty((rows, width), np.float32), np.empty((rows, width), np.float32)
    split = np.empty((rows, 3, heads, head_width), np.float32)
    mixed = np.empty((rows, heads, head_width), np.float32)
    flat_split, flat_mixed = split.reshape(rows, 3 * width), mixed.reshape(rows, width)
    hidden = np.empty((rows, weights.widen.bias.shape[1]), np.float32)
    extended = np.empty((rows, weights.head.bias.shape[1]), np.float32)
    scores = np.empty(position + 1, np.float32)
    for row in range(rows):
        _embed(weights, position, in_force[:, row], tokens[row], x[row])
    for layer in range(len(weights.projection.bias)):
        _normalise(x, normed)
        _linear(weights.projection, layer, normed, flat_split)
        for head in range(heads):
            distances = weights.distances[layer, head]
            for row in range(rows):
                past = keys[layer, head, row], values[layer, head, row]
                own = split[row, 0, head], split[row, 1, head], split[row, 2, head]
                _attend(distances, weights.turns, *past, *own, scores, mixed[row, head])
        _linear(weights.output, layer, flat_mixed, normed)
        x += normed
        _normalise(x, normed)
        _linear(weights.widen, layer, normed, hidden)
        np.maximum(hidden, np.float32(0), hidden)
        if weights.narrow_transposed:
            _linear_transposed(weights.narrow, layer, hidden[0], normed[0])
        else:
            _linear(weights.narrow, layer, hidden, normed)
        x += normed
    _normalise(x, normed)
    _linear(weights.head, 0, normed, extended)
    for row in range(rows):
        _relate(weights.terms, in_force[:, row], extended[row], logits[row])


@compiled_part
def _named(plain: tuple[Any, ...]) -> Weights:
    """The tuples with their names; a change of `Weights` requires one here."""
    embedding, positions, terms, projection, distances, turns, output, widen, narrow, transposed, head = plain
    into, out, wide, slim, last = Matrix(*projection), Matrix(*output), Matrix(*widen), Matrix(*narrow), Matrix(*head)
    return Weights(embedding, positions, Terms(*terms), into, distances, turns, out, wide, slim, transposed, last)


@compiled_part
def _embed(weights: Weights, position: int, in_force: Ints, token: int, x: Floats) -> None:
    """The embedding of a token with the terms in force, which it changes."""
    terms = weights.terms
    groups = len(terms.held)
    for place in range(len(x)):
        x[place] = weights.embedding[token, place]
    if len(weights.positions):
        _add_row(x, weights.positions, position)
    for group in range(groups):
        if terms.held[group, token]:
            in_force[group] = terms.held[group, token]
        _add_row(x, terms.added, in_force[group])
    for relation in range(len(terms.targets)):
        reference, latest, own = groups + 3 * relation, groups + 3 * relation + 1, groups + 3 * relation + 2
        target = terms.targets[relation, token]
        if target:
            in_force[latest] = target
            in_force[own] = 1 + terms.classes[relation, in_force[reference], target - 1]
        if terms.references[relation, token]:
            in_force[reference] = terms.references[relation, token]
        if terms.own[relation] >= 0:
            _add_row(x, terms.added, terms.own[relation] + in_force[own])
        if terms.present[relation] >= 0:
            related = 0
            if in_force[latest]:
                related = 1 + terms.classes[relation, in_force[reference], in_force[latest] - 1]
            _add_row(x, terms.added, terms.present[relation] + related)


@compiled_part
def _add_row(x: Floats, table: Floats, row: int) -> None:
    for place in range(len(x)):
        x[place] += table[row, place]


@compiled_part
def _relate(terms: Terms, in_force: Ints, extended: Floats, logits: Floats) -> None:
    """Add the outputs of the relations, which follow the logits in `extended`, to the logits of their targets."""
    for token in range(len(logits)):
        logits[token] = extended[token]
    for relation in range(len(terms.targets)):
        first, reference = terms.outputs[relation], in_force[len(terms.held) + 3 * relation]
        if first >= 0:
            for index in range(terms.tokens.shape[1]):
                token = terms.tokens[relation, index]
                if token >= 0:
                    logits[token] += extended[first + terms.classes[relation, reference, index]]


@compiled_part
def _normalise(x: Floats, normed: Floats) -> None:
    rows, width = x.shape
    for row in range(rows):
        total = square = np.float32(0)
        for place in range(width):
            total += x[row, place]
        mean = total / np.float32(width)
        for place in range(width):
            square += (x[row, place] - mean) * (x[row, place] - mean)
        factor = np.float32(1) / np.sqrt(square / np.float32(width) + _EPSILON)
        for place in range(width):
            normed[row, place] = (x[row, place] - mean) * factor


@compiled_part
def _linear(matrix: Matrix, layer: int, x: Floats, y: Floats) -> None:
    """y = scale · (x @ weightᵀ) + bias"""
    _multiply(matrix.weight[layer], x, y)
    for row in range(len(y)):
        _scale(matrix, layer, y[row])


@compiled_part
def _scale(matrix: Matrix, layer: int, y: Floats) -> None:
    scale, bias = matrix.scale[layer], matrix.bias[layer]
    for place in range(len(y)):
        y[place] = y[place] * scale[place] + bias[place]


@compiled_part
def _linear_transposed(matrix: Matrix, layer: int, x: Floats, y: Floats) -> None:
    """`_linear` of one row with a transposed weight. The weights of inputs that are 0 are not read.

    Half of the outputs of a ReLU are 0 in a new model, and most of them in a trained one.
    """
    used, count = np.empty(len(x), np.int64), 0
    for place in range(len(x)):  # without a branch, which the processor could not predict
        used[count] = place
        count += x[place] != 0
    _mix(matrix.weight[layer], used[:count], x, y)
    _scale(matrix, layer, y)


@compiled_part
def _mix(table: NDArray[Any], rows: Ints, shares: Floats, y: Floats) -> None:
    """y = the sum of these rows of the table, each times its share"""
    whole = len(rows) - len(rows) % 8
    y[:] = 0
    for first in range(0, whole, 8):  # the first values of eight rows arrive together: one wait, not eight
        h, i, j, k = rows[first], rows[first + 1], rows[first + 2], rows[first + 3]
        m, n, o, p = rows[first + 4], rows[first + 5], rows[first + 6], rows[first + 7]
        a, b, c, d, e, f, g, q = table[h], table[i], table[j], table[k], table[m], table[n], table[o], table[p]
        r, s, t, u, v, w, x, z = shares[h], shares[i], shares[j], shares[k], shares[m], shares[n], shares[o], shares[p]
        for place in range(len(y)):
            total = r * np.float32(a[place]) + s * np.float32(b[place])
            total += t * np.float32(c[place]) + u * np.float32(d[place])
            total += v * np.float32(e[place]) + w * np.float32(f[place])
            y[place] += total + (x * np.float32(g[place]) + z * np.float32(q[place]))
    for i in rows[whole:]:
        a, r = table[i], shares[i]
        for place in range(len(y)):
            y[place] += r * np.float32(a[place])


@compiled_part
def _dot(weight: NDArray[Any], x: Floats) -> np.float32:
    total = np.float32(0)
    for place in range(len(x)):
        total += np.float32(weight[place]) * x[place]
    return total


@compiled_part
def _multiply(weight: NDArray[Any], x: Floats, y: Floats) -> None:
    """y = x @ weightᵀ. With several rows, in parts of the inputs, so that a part of x stays in the cache."""
    rows, inputs = x.shape
    if rows == 1:  # memory is the limit, and one stream in order is read faster than four
        for out in range(y.shape[1]):
            y[0, out] = _dot(weight[out], x[0])
        return
    y[:] = 0
    for first in range(0, inputs, _INPUTS):
        _add_product(weight, x, y, first, min(first + _INPUTS, inputs))


@compiled_part
def _add_product(weight: NDArray[Any], x: Floats, y: Floats, first: int, last: int) -> None:
    """y += x[:, first:last] @ weight[:, first:last]ᵀ. Tiles of 2 rows and 4 outputs keep their sums in registers.

    Weights are read once, and requested two tiles before. An odd last row is computed twice: reading takes longer.
    """
    rows, outputs = y.shape
    pitch, size = weight.strides[0], (last - first) * weight.itemsize
    share = 64 * (-(-size // 64) // ((rows + 1) // 2) + 1)  # how much of the later weights each pair of rows requests
    for out in range(0, outputs - outputs % 4, 4):
        a, b = weight[out, first:last], weight[out + 1, first:last]
        c, d = weight[out + 2, first:last], weight[out + 3, first:last]
        later = weight.ctypes.data + (out + 8) * pitch + first * weight.itemsize
        for row in range(0, rows, 2):
            requested = (row // 2) * share if out + 8 < outputs else size
            for line in range(requested, min(requested + share, size), 64):
                for output in range(4):
                    prefetch(later + output * pitch + line)
            other = min(row + 1, rows - 1)
            one, two = x[row, first:last], x[other, first:last]
            a1, b1, c1, d1 = y[row, out], y[row, out + 1], y[row, out + 2], y[row, out + 3]
            a2, b2, c2, d2 = y[other, out], y[other, out + 1], y[other, out + 2], y[other, out + 3]
            for place in range(len(one)):
                a1 += np.float32(a[place]) * one[place]
                b1 += np.float32(b[place]) * one[place]
                c1 += np.float32(c[place]) * one[place]
                d1 += np.float32(d[place]) * one[place]
                a2 += np.float32(a[place]) * two[place]
                b2 += np.float32(b[place]) * two[place]
                c2 += np.float32(c[place]) * two[place]
                d2 += np.float32(d[place]) * two[place]
            y[row, out], y[row, out + 1], y[row, out + 2], y[row, out + 3] = a1, b1, c1, d1
            y[other, out], y[other, out + 1], y[other, out + 2], y[other, out + 3] = a2, b2, c2, d2
    for out in range(outputs - outputs % 4, outputs):
        for row in range(rows):
            y[row, out] += _dot(weight[out, first:last], x[row, first:last])


@compiled_part
def _attend(
    distances: Floats,
    turns: Floats,
    keys: Floats,
    values: Floats,
    query: Floats,
    key: Floats,
    value: Floats,
    scores: Floats,
    mixed: Floats,
) -> None:
    """Attention of the newest position of one row and head to itself and its past.

    Args:
        keys, values: (C, D) of the past; the new ones are added.
        query, key, value: (D,) of the newest position.
        scores: (position + 1,), for intermediate results.
        mixed: (D,), written.
    """
    position = len(scores) - 1
    if len(turns):
        _turn(query, turns[position])
        _turn(key, turns[position])
    for place in range(len(query)):
        keys[position, place] = key[place]
        values[position, place] = value[place]
    _score(query, keys, distances, scores)
    total = _exponentials(scores)
    _average(values, scores, mixed)
    for place in range(len(query)):
        mixed[place] /= total


@compiled_part
def _average(values: Floats, shares: Floats, mixed: Floats) -> None:
    """mixed = shares @ values. Four positions at a time: the memory is read slower if eight are read side by side."""
    whole = len(shares) - len(shares) % 4
    mixed[:] = 0
    for first in range(0, whole, 4):
        a, b, c, d = values[first], values[first + 1], values[first + 2], values[first + 3]
        r, s, t, u = shares[first], shares[first + 1], shares[first + 2], shares[first + 3]
        for place in range(len(mixed)):
            mixed[place] += r * a[place] + s * b[place] + t * c[place] + u * d[place]
    for last in range(whole, len(shares)):
        a, r = values[last], shares[last]
        for place in range(len(mixed)):
            mixed[place] += r * a[place]


@compiled_part
def _score(query: Floats, keys: Floats, distances: Floats, scores: Floats) -> None:
    """scores = query @ (keys + distances)ᵀ, where the last distance is that of the newest key."""
    first = len(distances) - len(scores)  # negative if some keys share the furthest distance
    for past in range(len(scores)):
        key, distance, total = keys[past], distances[max(0, first + past)], np.float32(0)
        for place in range(len(query)):
            total += query[place] * (key[place] + distance[place])
        scores[past] = total


@compiled_part
def _turn(x: Floats, turn: Floats) -> None:
    half = len(x) // 2
    for place in range(half):
        cosine, sine = turn[place], turn[half + place]
        one, other = x[place], x[half + place]
        x[place], x[half + place] = one * cosine - other * sine, other * cosine + one * sine


@compiled_part
def _exponentials(scores: Floats) -> np.float32:
    """Replace the scores by exp(score − highest) and return their sum."""
    highest, total = scores[0], np.float32(0)
    for place in range(len(scores)):
        highest = max(highest, scores[place])
    for place in range(len(scores)):
        scores[place] = exponential(scores[place] - highest)
        total += scores[place]
    return total
