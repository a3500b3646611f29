"""The delay pattern of Copet et al. 2023 (arXiv 2306.05284, §2.2): codebook k is delayed by k steps.

Each step predicts one code of every codebook, but each code is predicted after the codes that it refines. Example with
four codebooks and five frames (a0 is frame 0 of the first codebook, · the pad, whose id is the size of a codebook):

    a0 a1 a2 a3 a4               a0 a1 a2 a3 a4 ·  ·  ·
    b0 b1 b2 b3 b4    delayed    ·  b0 b1 b2 b3 b4 ·  ·
    c0 c1 c2 c3 c4   ────────>   ·  ·  c0 c1 c2 c3 c4 ·
    d0 d1 d2 d3 d4               ·  ·  ·  d0 d1 d2 d3 d4

The codebooks of several channels alternate: those of a frame and a refinement have the same delay.
"""

import torch
from torch import Tensor


def delayed(codes: Tensor, pad_id: int, channels: int = 1) -> Tensor:
    """(…, codebooks, frames) → (…, codebooks, frames + codebooks / channels − 1)."""
    *_, codebooks, frames = codes.shape
    ids = codes.new_full((*codes.shape[:-1], frames + codebooks // channels - 1), pad_id)
    for book in range(codebooks):
        delay = book // channels
        ids[..., book, delay : delay + frames] = codes[..., book, :]
    return ids


def undelayed(ids: Tensor, channels: int = 1) -> Tensor:
    """The inverse of `delayed`. Also works on other values, such as nats."""
    *_, codebooks, steps = ids.shape
    frames = steps - codebooks // channels + 1
    delays = [book // channels for book in range(codebooks)]
    return torch.stack([ids[..., book, d : d + frames] for book, d in enumerate(delays)], dim=-2)
