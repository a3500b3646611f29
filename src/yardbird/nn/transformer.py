"""A decoder-only transformer over integer tokens, with a cache for decoding one position at a time.

Shapes: batch B, length L, model width d, heads H, head width D = d / H, vocabulary V.

We use pre-norm (Xiong et al. 2020, arXiv 2002.04745), not the post-norm of Vaswani et al. 2017 and Huang et al. 2018:
it trains without a long warm-up. The feed-forward layer uses ReLU as theirs. Matrices are initialised as in Glorot &
Bengio 2010, embeddings with standard deviation 1/√width: on a small budget this learns far faster than GPT-2's 0.02.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from yardbird.config import Layers, NonNegativeInt, PositiveInt, Settings, ShareBelowOne, Width
from yardbird.nn.dropout import Dropout
from yardbird.nn.feed_forward import feed_forward
from yardbird.nn.linear import Linear, linear
from yardbird.nn.relations import NOTHING, Relation, RelationTerms, carry
from yardbird.nn.relative_attention import distance_table, relative_attention

Attention = Literal["relative", "rotary", "absolute"]


@dataclass(frozen=True)
class TransformerConfig(Settings):
    """Sizes and variants of a `Transformer`.

    Attributes:
        attention: relative (Huang et al. 2018), rotary (Su et al. 2021) or absolute (learned positions, an ablation).
        max_distance: greater relative distances share one embedding. None: the context length.
        tie_embeddings: use the embedding as the output head.
    """

    d_model: Width
    num_heads: PositiveInt
    num_layers: Layers
    d_ff: Width
    dropout: ShareBelowOne
    attention: Attention
    max_distance: NonNegativeInt | None
    context_length: PositiveInt
    tie_embeddings: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        heads = self.num_heads
        self.require(self.d_model % heads == 0, "d_model", f"a multiple of {heads} heads")
        even = self.attention != "rotary" or self.d_model // heads % 2 == 0
        self.require(even, "d_model", f"an even width of each of {heads} heads for rotary attention")


class LayerCache:
    """Keys and values of the positions so far, (H, B, positions, D) each, allocated once."""

    def __init__(self, config: TransformerConfig, batch: int, like: Tensor) -> None:
        shape = (config.num_heads, batch, config.context_length, config.d_model // config.num_heads)
        self.keys, self.values = like.new_empty(shape), like.new_empty(shape)
        self.length = 0

    def append(self, key: Tensor, value: Tensor) -> bool:
        """Store new positions, (H, B, L, D) each. Return whether the cache was empty before."""
        start, self.length = self.length, self.length + key.shape[2]
        self.keys[:, :, start : self.length] = key
        self.values[:, :, start : self.length] = value
        return start == 0

    def keep(self, rows: Tensor) -> None:
        """Keep these rows of the batch only."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]


class SelfAttention(nn.Module):
    """Causal multi-head attention: relative (a learned E_r for each head), rotary, or plain.

    Rotary and plain attention use torch's `scaled_dot_product_attention` (flash attention on a GPU), except when
    training with dropout on a CPU.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width = config.d_model // config.num_heads
        self.heads, self.width, self.dropout = config.num_heads, width, config.dropout
        self.projection = Linear(config.d_model, 3 * config.d_model)
        self.output = Linear(config.d_model, config.d_model)
        distances = config.context_length if config.max_distance is None else config.max_distance + 1
        relative, self.rotary = config.attention == "relative", config.attention == "rotary"
        self.distances = nn.Parameter(torch.empty(self.heads, distances, width)) if relative else None

    def forward(self, x: Float[Tensor, "B L d"], cache: LayerCache | None = None) -> Float[Tensor, "B L d"]:
        batch, length, _ = x.shape
        split = self.projection(x).view(batch, length, 3, self.heads, self.width)
        query, key, value = split.permute(2, 3, 0, 1, 4).contiguous().unbind()  # (H, B, L, D) each
        if self.rotary:
            first = 0 if cache is None else cache.length
            query, key = rotated(query, first), rotated(key, first)  # the cache holds rotated keys
        if cache is None or cache.append(key, value):
            mixed = self._whole(query, key, value)
        else:
            mixed = self._newest(query, cache)
        output: Tensor = self.output(mixed.permute(1, 2, 0, 3).reshape(batch, length, -1))
        return output

    def _whole(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        if self.distances is not None:
            return relative_attention(query, key, value, self.distances, dropout)
        if query.is_cuda or not dropout:
            return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        # On a CPU torch fuses attention only without dropout. Our blocks take a third of the unfused time, and one
        # embedding of zeros for all distances adds nothing to the scores.
        return relative_attention(query, key, value, query.new_zeros(self.heads, 1, self.width), dropout)

    def _newest(self, query: Tensor, cache: LayerCache) -> Tensor:
        """Attention of one new position to all positions so far. Its row of S_rel is q E_rᵀ without skewing."""
        assert query.shape[2] == 1, "after the first call, a cache takes one position at a time"
        keys, values = cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]
        scores = query @ keys.transpose(2, 3)  # (H, B, 1, length)
        if self.distances is not None:
            table = distance_table(self.distances, keys.shape[2]).to(query.dtype)
            scores += (query[:, :, 0] @ table.transpose(1, 2)).unsqueeze(2)
        return torch.softmax(scores / math.sqrt(self.width), dim=-1) @ values


def rotated(x: Float[Tensor, "H B L D"], first: int = 0) -> Float[Tensor, "H B L D"]:
    """Rotate each pair of features by an angle that grows with the position (Su et al. 2021, arXiv 2104.09864, eq. 34).

    The product of a rotated query and a rotated key depends only on the distance of their positions. Pair i consists of
    the features i and i + D/2, as in GPT-NeoX, not 2i and 2i + 1 as in the paper. Only the order of features differs.

    Args:
        first: the position of x[:, :, 0].
    """
    cosine, sine = turns(torch.arange(first, first + x.shape[2], device=x.device), x.shape[-1])
    one, other = x.float().chunk(2, dim=-1)
    return torch.cat([one * cosine - other * sine, other * cosine + one * sine], dim=-1).to(x.dtype)


def turns(positions: Int[Tensor, " L"], width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle of each pair of features, (L, width / 2) each, in single precision."""
    half = width // 2
    angles = positions[:, None] * 10_000.0 ** (-torch.arange(half, device=positions.device) / half)
    return angles.cos(), angles.sin()


class Block(nn.Module):
    """Attention and feed-forward layer, each with pre-norm and a residual connection."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(config.d_model), nn.LayerNorm(config.d_model)
        self.attention = SelfAttention(config)
        self.widen, self.narrow = Linear(config.d_model, config.d_ff), Linear(config.d_ff, config.d_model)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B L d"], cache: LayerCache | None = None) -> Float[Tensor, "B L d"]:
        x = self.dropout.added(self.attention(self.attention_norm(x), cache), x)
        fed = feed_forward(self.feed_forward_norm(x), self.widen, self.narrow, self.dropout)
        return self.dropout.added(fed, x)


class Cache:
    """One `LayerCache` for each layer, with `length` positions, and the rows in force after the last position."""

    def __init__(self, config: TransformerConfig, carried: int, batch: int, like: Tensor) -> None:
        self.layers = [LayerCache(config, batch, like) for _ in range(config.num_layers)]
        self.in_force = torch.full((carried, batch), NOTHING, device=like.device)

    @property
    def length(self) -> int:
        return self.layers[0].length

    def clear(self) -> None:
        for layer in self.layers:
            layer.length = 0
        self.in_force.fill_(NOTHING)

    def keep(self, rows: Tensor) -> None:
        for layer in self.layers:
            layer.keep(rows)
        self.in_force = self.in_force[:, rows]


class Transformer(nn.Module):
    """Tokens (B, L) → logits (B, L, V) of the next token at each position.

    L may exceed `context_length` with relative attention (greater distances share the furthest embedding) and with
    rotary attention, but not with absolute positions.

    `held` has G groups of tokens. The latest token of each group is in force, and its embedding is added to every
    position from there on: attention need not look for what lasts, such as a chord. Before the first token of a group
    nothing is added. `relations` add terms to the embeddings and to the logits (see `yardbird.nn.relations`).
    """

    rows: Tensor  # (G, V) row of `held_embedding` for each token of a group; `NOTHING` for all others

    def __init__(
        self,
        vocab_size: int,
        config: TransformerConfig,
        held: Sequence[Sequence[int]] = (),
        relations: Sequence[Relation] = (),
    ) -> None:
        super().__init__()
        self.config = config
        number = {token: row for row, token in enumerate(sorted(set().union(*held)), 1)}
        rows = torch.full((len(held), vocab_size), NOTHING)
        for group, tokens in zip(rows, held, strict=True):
            group[list(tokens)] = torch.tensor([number[token] for token in tokens])
        self.register_buffer("rows", rows, persistent=False)
        self.held_embedding = nn.Embedding(1 + len(number), config.d_model, padding_idx=NOTHING) if held else None
        self.relations = nn.ModuleList(RelationTerms(vocab_size, config.d_model, relation) for relation in relations)
        self.embedding = nn.Embedding(vocab_size, config.d_model)
        absolute = config.attention == "absolute"
        self.positions = nn.Parameter(torch.empty(config.context_length, config.d_model)) if absolute else None
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.d_model)
        self.head = None if config.tie_embeddings else nn.Linear(config.d_model, vocab_size, bias=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if name.endswith("bias") and "norm" not in name:
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2 and name.startswith("blocks"):
                nn.init.xavier_uniform_(parameter)
            elif parameter.ndim >= 2:  # embeddings of tokens, positions, distances; the head
                nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
        for module in self.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                nn.init.zeros_(module.weight[module.padding_idx])

    def forward(self, tokens: Int[Tensor, "B L"], cache: Cache | None = None) -> Float[Tensor, "B out V"]:
        """Logits of the next token. With a cache, `tokens` continue its positions: any number in the first call, then
        one per call. Only the logits of the last position are returned then: `out` is 1, else L."""
        start = 0 if cache is None else cache.length
        held, *related = self._follow(tokens, cache)
        x = self.embedding(tokens)
        if self.held_embedding is not None:
            x = x + self.held_embedding(held).sum(0)
        for terms, followed in zip(self.terms, related, strict=True):
            embedded = terms.embed(followed)
            x = x if embedded is None else x + embedded
        if self.positions is not None:
            assert start + tokens.shape[1] <= len(self.positions), "absolute positions end at the context length"
            x = x + self.positions[start : start + tokens.shape[1]]
        x = self.dropout(x)
        for index, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[index])
        x = self.norm(x if cache is None else x[:, -1:])
        logits = linear(x, self.embedding.weight if self.head is None else self.head.weight)
        for terms, followed in zip(self.terms, related, strict=True):
            logits = terms.add_to(logits, x, followed[0, :, -x.shape[1] :])
        return logits

    @property
    def terms(self) -> list[RelationTerms]:
        return [terms for terms in self.relations if isinstance(terms, RelationTerms)]

    def _follow(self, tokens: Int[Tensor, "B L"], cache: Cache | None) -> list[Int[Tensor, "G B L"]]:
        """The rows in force at each position, including its own token: of `held_embedding` for every group, then the
        rows of each relation."""
        counts = [len(self.rows)] + [RelationTerms.CARRIED] * len(self.relations)
        before = tokens.new_full((sum(counts), len(tokens)), NOTHING) if cache is None else cache.in_force
        held, *related = torch.split(before, counts)
        followed = [carry(self.rows[:, tokens], held)]
        followed += [terms.follow(tokens, part) for terms, part in zip(self.terms, related, strict=True)]
        if cache is not None:
            cache.in_force = torch.cat([part[..., -1] for part in followed])
        return followed

    def new_cache(self, batch: int) -> Cache:
        carried = len(self.rows) + RelationTerms.CARRIED * len(self.relations)
        return Cache(self.config, carried, batch, self.embedding.weight)
