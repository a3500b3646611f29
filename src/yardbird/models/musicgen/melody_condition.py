"""The condition of a melody checkpoint: chroma, then the words, in front of the codes.

As in `MusicgenMelodyForConditionalGeneration`: a chroma shorter than that of training is repeated, and without a melody
every frame is that of the first pitch class.
"""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from yardbird.music.score_frames import CHROMA

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import MusicgenForConditionalGeneration


def prefix(model: "MusicgenForConditionalGeneration", score: Tensor, words: Tensor, hops: tuple[int, int]) -> Tensor:
    """What is in front of the codes, (B, chroma frames + words, width).

    Args:
        score: score frames (B, T, columns), with a column of chroma or without a melody.
        words: the states of a caption, (B, words, width).
        hops: the samples of a frame of codes and of a frame of chroma.
    """
    config: Any = model.config
    chroma = F.one_hot(pitch_classes(score, config.chroma_length, hops), config.num_chroma).to(words.dtype)
    projection: Any = getattr(
        model, "audio_enc_to_dec_proj", torch.nn.Identity()
    )  # none if the width is that of chroma
    chroma = projection(chroma)
    return torch.cat([chroma, words], dim=1)


def pitch_classes(score: Tensor, length: int, hops: tuple[int, int]) -> Tensor:
    """The pitch class, from 0, of each of `length` frames of chroma: (B, length)."""
    if score.shape[-1] <= CHROMA:
        return score.new_zeros(len(score), length)
    hop, chroma_hop = hops
    known = score[..., CHROMA]
    numbers = torch.arange(1, 1 + known.shape[1], device=known.device)
    frames = ((known > 0) * numbers).amax(1, keepdim=True).clamp(min=1)  # up to the last known one
    # A sound of n samples has 1 + n // chroma_hop frames of chroma, the first around its start.
    place = torch.arange(length, device=known.device) % (1 + frames * hop // chroma_hop)
    nearest = torch.minimum((2 * place * chroma_hop + hop) // (2 * hop), frames - 1)
    return (known.gather(1, nearest) - 1).clamp(min=0)
