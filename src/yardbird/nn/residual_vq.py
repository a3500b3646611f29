"""Residual vector quantisation (Zeghidour et al. 2021, arXiv 2107.03312) with moving-average codebooks.

Each codebook quantises the residual of the codebooks before it. Its vectors are not parameters: they are moving
averages of the vectors assigned to them (van den Oord et al. 2017, arXiv 1711.00937, appendix A.1). A code that is
rarely used is replaced by a vector of the batch (dead-code restart). The gradient passes straight through to the
encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from yardbird.config import Settings, Share, ShareBelowOne

if TYPE_CHECKING:

    class Codebook(Protocol):
        """A codebook of transformers' EnCodec: vectors (V, D), sums of their assigned vectors (V, D), counts (V,)."""

        embed: Tensor
        embed_avg: Tensor
        cluster_size: Tensor
else:
    Codebook = object  # tests check types at run time, and since Python 3.12 a protocol misses the buffers of a module


@dataclass(frozen=True)
class QuantiseConfig(Settings, section="codec.training.quantise"):
    """How codebooks learn."""

    decay: ShareBelowOne  # of the moving averages, a step
    dead_share: Share  # a code that gets less than this share of its even share of vectors is restarted
    dropout: Share  # share of the examples that are quantised with a random number of the first codebooks


@dataclass(frozen=True)
class Quantised:
    """Quantised `latents` for the decoder, their `codes`, and the commitment loss of the encoder."""

    latents: Float[Tensor, "B D T"]
    codes: Int[Tensor, "K B T"]
    commitment: Float[Tensor, ""]


def quantise(
    latents: Float[Tensor, "B D T"],
    codebooks: Sequence[Codebook],
    config: QuantiseConfig,
    rng: torch.Generator,
) -> Quantised:
    """Quantise a training batch and update the codebooks."""
    batch, width, length = latents.shape
    vectors = latents.transpose(1, 2).reshape(-1, width)
    used = _used(batch, len(codebooks), config.dropout, rng).to(latents.device).repeat_interleave(length)
    rest, total = vectors, torch.zeros_like(vectors)
    codes, commitment = [], vectors.new_zeros(())
    for number, codebook in enumerate(codebooks):
        here = used > number
        code = nearest(rest.detach(), codebook.embed)
        chosen = F.embedding(code, codebook.embed) * here[:, None]
        commitment = commitment + ((rest - chosen).square() * here[:, None]).mean()
        _follow(codebook, rest.detach()[here], code[here], config, rng)
        total, rest = total + chosen, rest - chosen
        codes.append(code.view(batch, length))
    through = vectors + (total - vectors).detach()
    return Quantised(through.view(batch, length, width).transpose(1, 2), torch.stack(codes), commitment)


def nearest(vectors: Float[Tensor, "N D"], embed: Float[Tensor, "V D"]) -> Int[Tensor, " N"]:
    """The index of the nearest codebook vector of each vector."""
    return torch.addmm(embed.square().sum(1), vectors, embed.T, alpha=-2).argmin(1)


@torch.no_grad()
def fit_codebooks(vectors: Float[Tensor, "N D"], codebooks: Sequence[Codebook], rng: torch.Generator) -> None:
    """Set every codebook to the k-means centres of the residuals of `vectors`, by ten rounds of Lloyd's algorithm."""
    for codebook in codebooks:
        size = len(codebook.embed)
        codebook.embed.copy_(_draw(vectors, size, rng))
        for _ in range(10):
            code = nearest(vectors, codebook.embed)
            won = torch.bincount(code, minlength=size).to(vectors)
            sums = torch.zeros_like(codebook.embed).index_add_(0, code, vectors)
            means = sums / won.clamp(min=1)[:, None]
            codebook.embed.copy_(torch.where(won[:, None] > 0, means, _draw(vectors, size, rng)))
        codebook.cluster_size.fill_(1.0)
        codebook.embed_avg.copy_(codebook.embed)
        vectors = vectors - F.embedding(nearest(vectors, codebook.embed), codebook.embed)


@torch.no_grad()
def _follow(codebook: Codebook, vectors: Tensor, code: Tensor, config: QuantiseConfig, rng: torch.Generator) -> None:
    if not len(vectors):
        return
    size = len(codebook.embed)
    fair = len(vectors) / size  # vectors of this batch for each code if all codes were used equally
    won = torch.bincount(code, minlength=size).to(vectors) / fair
    sums = torch.zeros_like(codebook.embed).index_add_(0, code, vectors) / fair
    codebook.cluster_size.lerp_(won, 1 - config.decay)
    codebook.embed_avg.lerp_(sums, 1 - config.decay)
    dead = codebook.cluster_size < config.dead_share
    if dead.any():
        codebook.embed_avg[dead] = _draw(vectors, int(dead.sum()), rng)
        codebook.cluster_size[dead] = 1.0
    codebook.embed.copy_(codebook.embed_avg / codebook.cluster_size[:, None])


def _used(batch: int, codebooks: int, dropout: float, rng: torch.Generator) -> Int[Tensor, " B"]:
    """The number of codebooks for each example."""
    few = torch.randint(1, codebooks + 1, (batch,), generator=rng)
    return torch.where(torch.rand(batch, generator=rng) < dropout, few, codebooks)


def _draw(vectors: Tensor, count: int, rng: torch.Generator) -> Tensor:
    return vectors[torch.randint(len(vectors), (count,), generator=rng).to(vectors.device)]
