"""A MusicGen trained from scratch: small enough for a CPU, with the repository's codec and its own vocabulary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

from yardbird.config import Layers, PositiveInt, Settings, ShareBelowOne, Width
from yardbird.models.musicgen import score_condition
from yardbird.models.musicgen.hub_checkpoint import complete, quiet

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel, MusicgenForConditionalGeneration, PreTrainedTokenizerBase

# Standard deviations. With the usual size, the sinusoidal positions dominate the embeddings and delay learning.
_EMBEDDING, _HEAD, _SCORE = 0.6, 0.02, 0.3

# Scale of the text encoder's states. A caption says little about a single frame. At full scale its states are noise at
# first, and the decoder learns to ignore them for good. So they start small.
_TEXT = 0.2


@dataclass(frozen=True)
class ModelConfig(Settings, section="musicgen.model"):
    """Section `musicgen.model`: the decoder's sizes. The text encoder has the same width: no projection is needed."""

    d_model: Width
    num_heads: PositiveInt
    num_layers: Layers
    d_ff: Width
    dropout: ShareBelowOne
    text_layers: Layers

    def __post_init__(self) -> None:
        super().__post_init__()
        twice = 2 * self.num_heads  # even: the positions are sines and cosines
        self.require(self.d_model % twice == 0, "d_model", f"a multiple of twice num_heads ({twice})")


def build(
    sizes: ModelConfig, tokenizer: "PreTrainedTokenizerBase", codec: "EncodecModel", seed: int
) -> "MusicgenForConditionalGeneration":
    """A MusicGen with random weights from `seed` and a given codec. torch's global random state is not changed.

    The text encoder keeps its random weights. If it is trained too, it soon returns the same states for every caption.
    Random states distinguish words and their places, and the decoder learns to attend to them.
    """

    from transformers import (
        GenerationConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForCausalLM,
        MusicgenForConditionalGeneration,
        T5Config,
        T5EncoderModel,
    )

    pad = int(codec.config.codebook_size)
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(seed)
        decoder = MusicgenForCausalLM(
            MusicgenDecoderConfig(
                vocab_size=pad,
                num_codebooks=codec.config.num_quantizers,
                hidden_size=sizes.d_model,
                num_attention_heads=sizes.num_heads,
                num_hidden_layers=sizes.num_layers,
                ffn_dim=sizes.d_ff,
                dropout=sizes.dropout,
                initializer_factor=sizes.d_model**-0.5,
                pad_token_id=pad,
                bos_token_id=pad,
            )
        )
        parts: Any = decoder
        for embedding, head in zip(parts.model.decoder.embed_tokens, parts.lm_heads, strict=True):
            torch.nn.init.normal_(embedding.weight, std=_EMBEDDING)
            torch.nn.init.normal_(head.weight, std=_HEAD)
        for layer in parts.model.decoder.layers:
            torch.nn.init.zeros_(layer.encoder_attn.out_proj.weight)
        text_encoder = T5EncoderModel(
            T5Config(
                vocab_size=len(tokenizer),
                d_model=sizes.d_model,
                d_kv=sizes.d_model // sizes.num_heads,
                d_ff=sizes.d_ff,
                num_layers=sizes.text_layers,
                num_heads=sizes.num_heads,
                dropout_rate=sizes.dropout,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        )
        torch.nn.init.constant_(cast(Any, text_encoder).encoder.final_layer_norm.weight, _TEXT)
        config = MusicgenConfig(text_encoder=text_encoder.config, audio_encoder=codec.config, decoder=decoder.config)
        model = MusicgenForConditionalGeneration(config, text_encoder, codec, decoder)
        score_condition.attach(model, _SCORE)
    # The default attention is slow, and in a model that was not loaded from a file, it is not causal.
    for part in (model.text_encoder, model.decoder):
        part.set_attn_implementation("sdpa")
    model.generation_config = cast(Any, GenerationConfig)(  # untyped
        pad_token_id=pad, bos_token_id=pad, decoder_start_token_id=pad, do_sample=True, guidance_scale=3.0
    )
    complete(model)
    return model
