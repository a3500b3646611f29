"""Runs a `Transformer` one token at a time with `yardbird.nn.decoder_kernel`, on the CPU in single precision."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from yardbird.nn import decoder_kernel
from yardbird.nn.decoder_weights import Floats, Ints, Matrix, Terms, Weights
from yardbird.nn.transformer import Block, Transformer, turns


class CompiledDecoder:
    """A packed copy of the weights of a model, and keys and values of the positions so far for each row.

    Args:
        length: the largest number of positions.
        int8: store the weights of the linear layers as 8-bit integers, with one scale for each output. This reads a
            quarter of the memory; logits change slightly.
    """

    def __init__(self, model: Transformer, rows: int, length: int, *, int8: bool) -> None:
        self._model = model
        self._weights = _plain(pack(model, rows, length, int8=int8))
        self._vocab_size = model.embedding.num_embeddings
        heads, layers = model.config.num_heads, model.config.num_layers
        width = model.config.d_model // heads
        self._keys = np.empty((layers, heads, rows, length, width), np.float32)
        self._values = np.empty_like(self._keys)
        self._in_force = np.zeros((0, rows), np.int64)
        self.length = 0

    def start(self, tokens: Ints) -> Floats:
        """Read the first tokens of every row, (B, L), in one pass of the model. Returns the next logits, (B, V)."""
        cache = self._model.new_cache(len(tokens))
        for layer, own in enumerate(cache.layers):  # the model writes where the kernel reads
            own.keys, own.values = torch.from_numpy(self._keys[layer]), torch.from_numpy(self._values[layer])
        logits: Tensor = self._model(torch.from_numpy(tokens), cache)
        self.length = tokens.shape[1]
        self._in_force = cache.in_force.numpy()
        return _array(logits[:, -1])

    def step(self, tokens: Ints) -> Floats:
        """Read the next token of every row, (B,). Returns the next logits, (B, V)."""
        logits = np.empty((len(tokens), self._vocab_size), np.float32)
        decoder_kernel.step(self._weights, self._keys, self._values, self.length, self._in_force, tokens, logits)
        self.length += 1
        return logits

    def keep(self, rows: Sequence[int]) -> None:
        """Keep these rows only."""
        kept = self._keys[:, :, rows], self._values[:, :, rows], self._in_force[:, rows]
        self._keys, self._values, self._in_force = map(np.ascontiguousarray, kept)  # for others, numba compiles again


def applies(model: Transformer) -> bool:
    """Whether the model is on the CPU in single precision."""
    weight = model.embedding.weight
    return weight.device.type == "cpu" and weight.dtype == torch.float32


@torch.no_grad()
def pack(model: Transformer, rows: int, length: int, *, int8: bool) -> Weights:
    """The weights of a model for at most `length` positions, in the layout of the kernel."""
    transposed = rows == 1
    config, blocks = model.config, [block for block in model.blocks if isinstance(block, Block)]
    attentions = [block.attention for block in blocks]
    heads, rotary = config.num_heads, config.attention == "rotary"
    width = config.d_model // heads
    of_queries = torch.ones(3 * config.d_model, 1)
    of_queries[: config.d_model] = 1 / math.sqrt(width)
    projection = _after([b.attention_norm for b in blocks], [a.projection for a in attentions], of_queries)
    widen = _after([b.feed_forward_norm for b in blocks], [b.widen for b in blocks], torch.ones(1, 1))
    output, narrow = [a.output for a in attentions], [b.narrow for b in blocks]
    distances = [
        torch.zeros(heads, 1, width) if attention.distances is None else attention.distances[:, -length:]
        for attention in attentions
    ]
    terms, outputs = _pack_terms(model)
    head = torch.cat([(model.embedding if model.head is None else model.head).weight, *outputs])
    positions = torch.zeros(0, config.d_model) if model.positions is None else model.positions
    return Weights(
        embedding=_array(model.embedding.weight),
        positions=_array(positions),
        terms=terms,
        projection=_matrix(*projection, int8),
        distances=_in_huge_pages(distances).numpy(),
        turns=_array(torch.cat(turns(torch.arange(length if rotary else 0), width), dim=1)),
        output=_matrix(_in_huge_pages([o.weight for o in output]), torch.stack([o.bias for o in output]), int8),
        widen=_matrix(*widen, int8),
        narrow=_matrix(
            _in_huge_pages([n.weight.mT if transposed else n.weight for n in narrow]),
            torch.stack([n.bias for n in narrow]),
            int8,
            transposed=transposed,
        ),
        narrow_transposed=transposed,
        head=_matrix(_in_huge_pages([head * model.norm.weight]), (head @ model.norm.bias)[None], int8),
    )


def _after(norms: Sequence[nn.LayerNorm], linears: Sequence[nn.Linear], scale: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and biases of linear layers that include the affine part of the LayerNorm before each, and a scale of
    the outputs, (out, 1). They are computed in place: temporary matrices take longer."""
    weights = _in_huge_pages([linear.weight for linear in linears])
    bias = []
    for own, norm, linear in zip(weights, norms, linears, strict=True):
        own *= scale
        bias.append(own @ norm.bias + linear.bias * scale[:, 0])
        own *= norm.weight
    return weights, torch.stack(bias)


def _matrix(weights: Tensor, bias: Tensor, int8: bool, *, transposed: bool = False) -> Matrix:
    """The layers with weights of (N, out, in), or transposed, (N, in, out), and biases of (N, out)."""
    scale = torch.ones_like(bias)
    if int8:
        over = 0 if transposed else 1
        scale = (torch.stack([own.abs().amax(over) for own in weights]) / 127).clamp(min=torch.finfo().tiny)
        rounded = [(own / by.unsqueeze(over)).round().to(torch.int8) for own, by in zip(weights, scale, strict=True)]
        weights = _in_huge_pages(rounded)
    return Matrix(weights.numpy(), _array(scale), _array(bias))


def _in_huge_pages(layers: Sequence[Tensor]) -> Tensor:
    """All layers in one array of NumPy. Unlike torch, NumPy requests huge pages, which are read faster."""
    stacked = torch.from_numpy(np.empty((len(layers), *layers[0].shape), layers[0].detach().numpy().dtype))
    for own, layer in zip(stacked, layers, strict=True):
        own.copy_(layer)
    return stacked


def _pack_terms(model: Transformer) -> tuple[Terms, list[Tensor]]:
    """The look-ups of held tokens and relations, and the matrices of the relations' outputs."""
    relations, vocab_size, width = model.terms, model.embedding.num_embeddings, model.config.d_model
    count, references, targets = (
        len(relations),
        *(max([1, *(terms.classes.shape[axis] for terms in relations)]) for axis in (0, 1)),
    )
    added = [torch.zeros(1, width) if model.held_embedding is None else model.held_embedding.weight]
    outputs: list[Tensor] = []
    own, present, output = (np.full(count, -1) for _ in range(3))
    classes = np.zeros((count, references, targets), np.int64)
    tokens = np.full((count, targets), -1)
    of_targets, of_references = np.zeros((2, count, vocab_size), np.int64)
    for index, terms in enumerate(relations):
        for offsets, embedding in ((own, terms.own), (present, terms.present)):
            if embedding is not None:
                offsets[index] = sum(map(len, added))
                added.append(embedding.weight)
        if terms.output is not None:
            output[index] = vocab_size + sum(map(len, outputs))
            outputs.append(terms.output.weight)
        of_targets[index], of_references[index] = terms.target_rows.numpy(), terms.reference_rows.numpy()
        rows, columns = terms.classes.shape
        classes[index, :rows, :columns] = terms.classes.numpy()
        tokens[index, :columns] = terms.targets.numpy()
    table = Terms(
        held=model.rows.numpy(),
        targets=of_targets,
        references=of_references,
        classes=classes,
        own=own,
        present=present,
        outputs=output,
        tokens=tokens,
        added=_array(torch.cat(added)),
    )
    return table, outputs


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().contiguous().numpy()
    return array


def _plain(named: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a named tuple, and of those inside it, as plain tuples."""
    return tuple(_plain(part) if isinstance(part, tuple) else part for part in named)
