"""A MusicGen of a few thousand random weights, with its own vocabulary and codec: a frame takes milliseconds."""

import torch

from yardbird.models.musicgen import MusicGenFamily
from yardbird.models.musicgen.code_windows import ClipsConfig
from yardbird.models.musicgen.musicgen_family import Origin
from yardbird.models.musicgen.score_condition import condition_of
from yardbird.models.musicgen.scratch_model import ModelConfig, build
from yardbird.models.musicgen.tokenizer import word_tokenizer
from yardbird.nn import encodec

#: Its vocabulary.
CAPTIONS = ("Charlie Parker jazz solo", "Be-bop alto saxophone solo in F, 12-bar blues, 220 bpm")
_SIZES = ModelConfig(d_model=16, num_heads=2, num_layers=2, d_ff=32, dropout=0.1, text_layers=1)
_CODEC = encodec.NetworkConfig(
    num_filters=2, upsampling_ratios=(8, 8, 5), residual_layers=1, kernel_size=3, latent_dim=4, codebooks=4,
    codebook_size=16,
)  # fmt: skip


def tiny_musicgen(context_seconds: float = 0.2) -> MusicGenFamily:
    """50 frames a second, of four codebooks of 16 codes.

    Its weights are so large that the scores differ widely from code to code and from caption to caption.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        codec, words = encodec.build(_CODEC).eval(), word_tokenizer(CAPTIONS)
        model = build(_SIZES, words, codec, seed=0)
        for book in encodec.codebooks(codec):  # made of zeros
            book.embed.normal_()
        with torch.no_grad():
            for weight in model.decoder.parameters():
                weight.normal_(std=0.4)
            for column in condition_of(model).columns.values():
                column.weight[0] = 0.0  # unknown
    clips = ClipsConfig(
        context_seconds, per_epoch=None, caption_dropout=0.1, notes_shown=0.5, key_shown=0.9, chords_shown=0.5,
        beats_shown=0.9,
    )  # fmt: skip
    return MusicGenFamily(model.eval(), words, clips, Origin("scratch", _SIZES, seed=0))
