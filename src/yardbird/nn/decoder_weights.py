"""The weights of a `Transformer` as the arrays that the compiled decoder reads.

Shapes: model width d, heads H, head width D, layers N, vocabulary V, context C.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Matrix(NamedTuple):
    """A linear layer of every decoder layer: y = scale · (weight @ x) + bias, each row of the weight with its scale."""

    weight: NDArray[Any]  # (N, out, in), or transposed, (N, in, out); float32 or int8
    scale: Floats  # (N, out)
    bias: Floats  # (N, out)


class Terms(NamedTuple):
    """Token values that are added to embeddings and logits, as look-ups (see `yardbird.nn.relations`).

    Relations of different sizes are padded to the largest.
    """

    held: Ints  # (G, V) row of `added` that each token of a held group puts in force, else 0
    targets: Ints  # (R, V) 1 + index among the targets, else 0
    references: Ints  # (R, V) 1 + index among the references, else 0
    classes: Ints  # (R, 1 + references, targets)
    own: Ints  # (R,) row of `added` for the class `NOTHING` of the latest target, before the others; -1: no such term
    present: Ints  # (R,) the same for the class relative to the reference in force now
    outputs: Ints  # (R,) row of the head with the output of the first class; -1: no output
    tokens: Ints  # (R, targets) the token of each target, else -1
    added: Floats  # (all rows, d) the embeddings of held tokens and of classes


class Weights(NamedTuple):
    """All weights of a model. The affine part of a LayerNorm and the scale of queries are part of the next matrix."""

    embedding: Floats  # (V, d)
    positions: Floats  # (C, d), or empty
    terms: Terms
    projection: Matrix  # d → 3 d
    distances: Floats  # (N, H, K, D), from the furthest to 0; zeros without relative attention
    turns: Floats  # (C, D) cosines, then sines, of rotary positions, or empty
    output: Matrix  # d → d
    widen: Matrix  # d → d_ff
    narrow: Matrix  # d_ff → d
    narrow_transposed: bool  # only for one row; see `decoder_kernel`
    head: Matrix  # d → V + outputs of relations; N is 1
