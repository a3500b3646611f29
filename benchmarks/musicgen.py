"""Training speed of MusicGen from cached codes, compared with EnCodec encoding in every step, and speed of drawing.

All variants have equal weights, sound and codes (asserted). The cached variant uses codes as the encode_audio stage
writes them. The others start from waveforms: one only encodes them, clip by clip; the other calls the codec as
`MusicgenForConditionalGeneration` does with `input_values`, which also decodes the codes. At the size of
facebook/musicgen-small (its configuration quoted from memory, with random weights) adapters are trained, at our own
size the whole model. With adapters, a step has one clip of 5 s on a CPU, four clips of 10 s on a GPU. On a GPU,
everything except the codec is in bf16, as in presets/paper.yaml; in bf16 the codec would give other codes.

Drawing samples 2 s for each of 8 captions with guidance and top-k 250. The peer is `generate` of transformers, which
also decodes the codes to sound.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    EncodecConfig,
    EncodecModel,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    T5Config,
    T5EncoderModel,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, main, measure

from yardbird.config import read_section
from yardbird.models.musicgen import MusicGenFamily, score_condition
from yardbird.models.musicgen.code_windows import ClipsConfig
from yardbird.models.musicgen.hub_checkpoint import SCRATCH, quiet
from yardbird.models.musicgen.lora import Adaptation, with_adapters
from yardbird.models.musicgen.musicgen_family import Origin
from yardbird.models.musicgen.scratch_model import ModelConfig, build
from yardbird.models.musicgen.tokenizer import word_tokenizer
from yardbird.music.score_frames import COLUMNS
from yardbird.nn import encodec
from yardbird.nn.sampling import SoundSampling

ROOT = Path(__file__).resolve().parents[1]
ON_GPU = torch.cuda.is_available()
DEVICE = "cuda" if ON_GPU else "cpu"
CAPTION = "Be-bop alto saxophone solo in F, 12-bar blues, 220 bpm"
CLIPS = ClipsConfig(
    context_seconds=8.0,
    per_epoch=None,
    caption_dropout=0.0,
    notes_shown=0.0,
    key_shown=0.0,
    chords_shown=0.0,
    beats_shown=0.0,
)
PARAMS = ROOT / "params.yaml"


def small() -> MusicGenFamily:
    """A model of the size of facebook/musicgen-small: EnCodec at 32 kHz, T5-base, decoder with adapters of rank 16."""
    codec = EncodecModel(
        EncodecConfig(
            sampling_rate=32000, num_filters=64, upsampling_ratios=[8, 5, 4, 4], codebook_size=2048, codebook_dim=128,
            hidden_size=128, target_bandwidths=[2.2], use_causal_conv=False, use_conv_shortcut=False,
        )
    )  # fmt: skip
    text_encoder = T5EncoderModel(T5Config(d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12))
    decoder = MusicgenForCausalLM(
        MusicgenDecoderConfig(
            vocab_size=2048, num_codebooks=4, hidden_size=1024, num_attention_heads=16, num_hidden_layers=24,
            ffn_dim=4096, pad_token_id=2048, bos_token_id=2048,
        )
    )  # fmt: skip
    config = MusicgenConfig(text_encoder=text_encoder.config, audio_encoder=codec.config, decoder=decoder.config)
    model = MusicgenForConditionalGeneration(config, text_encoder, codec, decoder)
    for part in (model.text_encoder, model.decoder):
        part.set_attn_implementation("sdpa")
    codec.eval()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    unused = read_section("musicgen.model", ModelConfig, PARAMS)
    family = MusicGenFamily(model, word_tokenizer([CAPTION]), CLIPS, Origin("random", unused, 0))
    with_adapters(model, Adaptation("lora", rank=16, alpha=16, dropout=0.0))
    score_condition.attach(model, deviation=0.0)
    return family


def ours() -> MusicGenFamily:
    """The default model of params.yaml, with the codec of the repository."""
    sizes, words = read_section("musicgen.model", ModelConfig, PARAMS), word_tokenizer([CAPTION])
    model = build(sizes, words, encodec.load(ROOT / "codec"), seed=0)
    return MusicGenFamily(model, words, CLIPS, Origin(SCRATCH, sizes, 0))


def rows_of(setting: str, make: Callable[[], MusicGenFamily], clips: int, seconds: float, rounds: int) -> list[Row]:
    with quiet():
        family = make()
    model = family.model.to(DEVICE)  # type: ignore[arg-type]  # transformers wraps it so that its types are lost
    model.audio_encoder.eval()
    model.decoder.train()
    random = np.random.default_rng(0)
    sounds = random.normal(0, 0.1, (clips, round(seconds * family.sample_rate))).astype(np.float32)
    text, mask = (tensor.to(DEVICE) for tensor in family.text_ids([CAPTION] * clips))
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)

    def encoded() -> torch.Tensor:
        return torch.from_numpy(np.stack([family.encode_sound(sound) for sound in sounds]).astype(np.int64)).to(DEVICE)

    def through_forward() -> torch.Tensor:
        waves = torch.from_numpy(sounds)[:, None].to(DEVICE)
        codes: torch.Tensor = model.audio_encoder(input_values=waves).audio_codes[0]
        return codes

    def loss(codes: torch.Tensor) -> torch.Tensor:
        unknown = codes.new_zeros(len(codes), codes.shape[2], len(COLUMNS))
        batch: dict[str, Any] = {"codes": codes, "text": text, "mask": mask, "score": unknown}
        with torch.autocast(DEVICE, torch.bfloat16, enabled=ON_GPU):
            return family.loss(batch, 0).total

    def step(codes: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(codes).backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        optimizer.step()

    cached = encoded()
    assert (cached == through_forward()).float().mean() > 0.99, (
        "more than rounding differs between a batch and single clips"
    )
    variants = {
        "ours, from cached codes": lambda: step(cached),
        "encoding in the loop": lambda: step(encoded()),
        "the codec's forward in the loop": lambda: step(through_forward()),
    }
    size = sum(weight.numel() for weight in model.parameters()) / 1e6
    share = sum(weight.numel() for weight in trained) / 1e6
    clip = f"{clips} clip{'s' if clips > 1 else ''} of {seconds:g} s"
    return measure(f"{setting}, {share:.1f} of {size:.1f} M parameters, {clip}", variants, rounds)


def drawing_rows(rounds: int) -> list[Row]:
    with quiet():
        family = ours()
    model = family.model.to(DEVICE).eval()  # type: ignore[arg-type]  # as above
    captions, frames = [CAPTION] * 8, 2 * family.frame_rate
    text, mask = (tensor.to(DEVICE) for tensor in family.text_ids(captions))

    def theirs() -> None:
        steps = frames + family.codebooks - 1
        model.generate(
            input_ids=text, attention_mask=mask, do_sample=True, top_k=250, guidance_scale=3.0, max_new_tokens=steps
        )

    variants = {
        "ours": lambda: family.generate(captions, frames, SoundSampling(3.0, 1.0, 250), seed=0),
        "transformers generate": theirs,
    }
    return measure("drawing, scratch, 8 captions, 2 s", variants, rounds)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    yield rows_of("whole, scratch", ours, 8, 8.0, rounds)
    yield drawing_rows(rounds)
    yield rows_of("adapters, musicgen-small", small, *((4, 10.0) if ON_GPU else (1, 5.0)), rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=5)
