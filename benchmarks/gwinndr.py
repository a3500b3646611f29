"""A peer: the operations of gwinndr/MusicTransformer-Pytorch, written from its description, with random weights.

One relative embedding a layer, shared by all heads. The skew masks, pads and reshapes a matrix of all pairs. Layers
normalise after the residual connection; positions are also sinusoidal. Decoding runs the model on the whole sequence
for every token. The widths are those of our model, so that both have nearly equal numbers of weights.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RelativeAttention(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float, context: int) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.projection, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.distances = nn.Parameter(torch.rand(context, width // heads))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(L, B, width) → (L, B, width), with an additive mask (L, L)."""
        length, batch, width = x.shape
        query, key, value = self.projection(x).chunk(3, dim=-1)
        shape = length, batch * self.heads, width // self.heads
        query, key, value = ((part.contiguous().view(shape).transpose(0, 1)) for part in (query, key, value))
        query = query * shape[2] ** -0.5
        by_distance = torch.einsum("hld,md->hlm", query, self.distances[-length:])
        scores = torch.bmm(query, key.transpose(1, 2)) + skewed(by_distance) + mask
        weights = F.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed: Tensor = self.output(torch.bmm(weights, value).transpose(0, 1).reshape(length, batch, width))
        return mixed


def skewed(by_distance: Tensor) -> Tensor:
    """Scores by distance (B·H, L, L) as scores by key: zero where the distance is invalid, pad, reshape."""
    rows, columns = by_distance.shape[-2:]
    valid = torch.ones(rows, columns, device=by_distance.device).triu(1).flip(1).logical_not()
    padded = F.pad(by_distance * valid, (1, 0))
    return padded.reshape(-1, columns + 1, rows)[:, 1:]


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float, context: int) -> None:
        super().__init__()
        self.attention = RelativeAttention(width, heads, dropout, context)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.norms[0](x + self.dropout(self.attention(x, mask)))
        hidden = self.narrow(self.dropout(F.relu(self.widen(x))))
        normed: Tensor = self.norms[1](x + self.dropout(hidden))
        return normed


class GwinndrTransformer(nn.Module):
    """Tokens (B, L) → logits (B, L, vocabulary)."""

    positions: Tensor

    def __init__(
        self, vocabulary: int, width: int, heads: int, layers: int, *, dropout: float = 0.1, context_length: int = 2048
    ) -> None:
        super().__init__()
        self.width = width
        self.embedding, self.head = nn.Embedding(vocabulary, width), nn.Linear(width, vocabulary)
        self.layers = nn.ModuleList([Layer(width, heads, dropout, context_length) for _ in range(layers)])
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        angles = torch.arange(context_length)[:, None] * torch.exp(
            torch.arange(0, width, 2) * (-math.log(10000.0) / width)
        )
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, None])

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        mask = torch.full((length, length), -math.inf, device=tokens.device).triu(1)
        x = self.dropout(self.embedding(tokens).transpose(0, 1) * self.width**0.5 + self.positions[:length])
        for layer in self.layers:
            x = layer(x, mask)
        logits: Tensor = self.head(self.norm(x)).transpose(0, 1)
        return logits

    @torch.inference_mode()
    def generate(self, tokens: Tensor, length: int) -> Tensor:
        """Greedy decoding without a cache."""
        while tokens.shape[1] < length:
            tokens = torch.cat([tokens, self(tokens)[:, -1:].softmax(-1).argmax(-1)], dim=1)
        return tokens
