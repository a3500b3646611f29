"""A MusicGen that is small enough to learn on a CPU, around the codec of the repository, with words of its own."""

from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import (
    EncodecModel,
    GenerationConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
    T5Config,
    T5EncoderModel,
)

from yardbird.config import PositiveInt, Settings, ShareBelowOne
from yardbird.models.musicgen.checkpoint import complete, quiet

# Standard deviations. Of the usual size, embeddings would drown in the positions' sines, and learning begin late.
_EMBEDDING, _HEAD = 0.6, 0.02

# Of the states of the text encoder. What the decoder hears of a caption tells little of a frame: at full size it is
# noise at first, which is unlearnt for good. It starts from nothing, and grows in small steps.
_TEXT = 0.2


@dataclass(frozen=True)
class ModelConfig(Settings, section="musicgen.model"):
    """Section `musicgen.model`: the decoder's sizes; the text encoder is as wide, so that nothing lies between."""

    d_model: PositiveInt
    num_heads: PositiveInt
    num_layers: PositiveInt
    d_ff: PositiveInt
    dropout: ShareBelowOne
    text_layers: PositiveInt

    def __post_init__(self) -> None:
        super().__post_init__()
        twice = 2 * self.num_heads  # halves: sines and cosines of the positions
        self.require(self.d_model % twice == 0, "d_model", f"a multiple of twice num_heads ({twice})")


def build(
    sizes: ModelConfig, tokenizer: PreTrainedTokenizerBase, codec: EncodecModel, seed: int
) -> MusicgenForConditionalGeneration:
    """Weights drawn from `seed` around a codec that stays as it is; torch's own stream is left where it was.

    The text encoder is meant to stay as it is drawn. Trained along, it soon answers every caption alike; its random
    states tell words and their places apart, and the decoder's attention to them is all that must be learnt.
    """
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
    for part in (model.text_encoder, model.decoder):  # without this neither fast nor, until it has been loaded, causal
        part.set_attn_implementation("sdpa")
    model.generation_config = cast(Any, GenerationConfig)(  # it carries no types
        pad_token_id=pad, bos_token_id=pad, decoder_start_token_id=pad, do_sample=True, guidance_scale=3.0
    )
    complete(model)
    return model
