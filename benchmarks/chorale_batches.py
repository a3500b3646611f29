"""The chorales as tensors: what is known before each token, what the n-grams predict, and batches of pieces.

Shapes: pieces B, tokens of each voice T or N, voices V = 4, eighths S, n-grams 4, classes C.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from chorale_recall import (
    ECHOED,
    LEAST,
    Signatures,
    echoes,
    harmony_contexts,
    line_contexts,
    predictions,
    tune_contexts,
)
from chorale_states import CLASSES, LEAP, Piece, Voices, key_profiles, read_piece
from chorales import VOICES, Integers
from numpy.typing import NDArray
from torch import Tensor

#: Contexts of the n-grams. The last one is counted in the same piece, too.
RECALLS: tuple[Callable[[Voices], list[Signatures]], ...] = (line_contexts, tune_contexts, harmony_contexts)
N_GRAMS = len(RECALLS) + 1


@dataclass(frozen=True)
class Recalled:
    """What each n-gram predicts for the tokens of one piece."""

    logarithms: Tensor  # (V, T, 4, C)
    orders: Tensor  # (V, T, 4) whose contexts were seen


@dataclass(frozen=True)
class Chorales:
    """The pieces of one split as tensors."""

    pieces: list[Piece]
    recalled: list[Recalled]
    known: int  # rows of the table of embeddings of the tokens
    eighths: int  # rows of that of the eighths


def prepare(training: list[Integers], held_out: list[Integers]) -> tuple[Chorales, Chorales]:
    """Tensors of both splits. Keys and n-grams are those of the training pieces."""
    profiles = key_profiles(training)
    splits = (training, held_out)
    prepared = []
    for split, recalled in zip(
        splits, recall(*([Voices(pitches) for pitches in split] for split in splits)), strict=True
    ):
        pieces, known, eighths = zip(*(read_piece(pitches, profiles) for pitches in split), strict=True)
        prepared.append(Chorales(list(pieces), recalled, known[0], eighths[0]))
    return prepared[0], prepared[1]


def recall(training: list[Voices], held_out: list[Voices]) -> tuple[list[Recalled], list[Recalled]]:
    """What every n-gram predicts for the pieces of both splits."""
    splits = (training, held_out)
    followed = [[found.classes.T.ravel() for found in split] for split in splits]
    classes = np.concatenate(followed[0])
    piece = np.repeat(np.arange(len(training)), [len(each) for each in followed[0]])
    ends = [np.cumsum([len(each) for each in split])[:-1] for split in followed]
    recalled = []  # by n-gram, split and piece: probabilities and orders
    for contexts in RECALLS:
        by_piece = [[contexts(found) for found in split] for split in splits]
        trained, new = ([np.concatenate(order) for order in zip(*split, strict=True)] for split in by_piece)
        both = predictions(trained, classes, piece), predictions(trained, classes, piece, new)
        recalled.append(
            [
                list(zip(np.split(probability, end), np.split(seen, end), strict=True))
                for (probability, seen), end in zip(both, ends, strict=True)
            ]
        )
    recalled.append(
        [
            [echoes(orders[ECHOED:], after, base) for orders, after, (base, _) in zip(*each, strict=True)]
            for each in zip(by_piece, followed, recalled[-1], strict=True)
        ]
    )
    one, other = ([of_piece(each) for each in zip(*split, strict=True)] for split in zip(*recalled, strict=True))
    return one, other


def of_piece(n_grams: Sequence[tuple[NDArray[np.float32], Integers]]) -> Recalled:
    """Probabilities (V · T, C) and orders (V · T,) of each n-gram for one piece."""
    probabilities = np.stack([probability for probability, _ in n_grams], axis=1)
    logarithms = torch.from_numpy(probabilities).clamp(min=LEAST).log()
    orders = torch.from_numpy(np.stack([seen for _, seen in n_grams], axis=1))
    return Recalled(logarithms.view(VOICES, -1, N_GRAMS, CLASSES), orders.view(VOICES, -1, N_GRAMS))


@dataclass(frozen=True)
class Batch:
    """Tokens of several pieces."""

    eighths: Tensor  # (B, S, E)
    eighth: Tensor  # (N,) row of each token in the eighths of all pieces
    weight: Tensor  # (N,)
    known: Tensor  # (V, N, K), and so on, as in `Piece` and `Recalled`
    classes: Tensor
    histograms: Tensor
    heights: Tensor
    apart: Tensor
    degrees: Tensor
    height: Tensor
    logarithms: Tensor
    orders: Tensor


def batch_of(chorales: Chorales, rows: Sequence[int], held_share: float = 1.0) -> Batch:
    """The tokens of these pieces: all, or only a random share of the odd sixteenths in which no voice moves."""
    pieces = [chorales.pieces[row] for row in rows]
    longest = max(len(piece.eighths) for piece in pieces)
    eighths = torch.stack([F.pad(piece.eighths, (0, 0, 0, longest - len(piece.eighths))) for piece in pieces])
    chosen, weights = [], []
    for piece in pieces:
        step = torch.arange(len(piece))
        dull = (step % 2 == 1) & (piece.classes == LEAP).all(0)
        kept = step[~dull | (torch.rand(len(piece)) < held_share)]
        chosen.append(kept)
        weights.append(torch.where(dull[kept], 1 / held_share, 1.0))
    recalled = [chorales.recalled[row] for row in rows]

    def joined(name: str, parts: Sequence[Piece] | Sequence[Recalled]) -> Tensor:
        return torch.cat([getattr(part, name)[:, kept] for part, kept in zip(parts, chosen, strict=True)], dim=1)

    return Batch(
        eighths=eighths,
        eighth=torch.cat([longest * row + kept // 2 for row, kept in enumerate(chosen)]),
        weight=torch.cat(weights),
        logarithms=joined("logarithms", recalled),
        orders=joined("orders", recalled),
        **{
            name: joined(name, pieces)
            for name in ("known", "classes", "histograms", "heights", "apart", "degrees", "height")
        },
    )
