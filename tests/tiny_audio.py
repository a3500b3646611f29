"""Encoded clips of a few codes, as encode_audio writes them, and a tiny MusicGen with the file layout of the hub."""

import json
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from ruamel.yaml import YAML
from safetensors.torch import load_file
from table_rows import filled
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    EncodecConfig,
    EncodecFeatureExtractor,
    EncodecModel,
    GenerationConfig,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForCausalLM,
    MusicgenForConditionalGeneration,
    MusicgenMelodyConfig,
    MusicgenMelodyDecoderConfig,
    MusicgenMelodyFeatureExtractor,
    MusicgenMelodyForCausalLM,
    MusicgenMelodyForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

from yardbird.models.musicgen import MusicGenFamily
from yardbird.music.score_frames import COLUMNS, SIZES
from yardbird.tables.clip_tables import EncodedClipRow, write_clip_index

CODEBOOKS, CODES = 4, 16
LENGTHS = {"train": [30, 12, 44, 20, 7, 25], "validation": [40, 13], "test": [10]}
FORMS = [
    "Be-bop alto saxophone solo in {key}, 12-bar blues, {qpm} bpm, by Otto Cascade (synthetic)",
    "Be-bop jazz solo in {key}",
    "Otto Cascade (synthetic) jazz solo",
]


def write_encoded(
    folder: Path,
    codebook_size: int = CODES,
    sample_rate: int = 16_000,
    codebooks: int = CODEBOOKS,
    *,
    chroma: bool = False,
) -> Path:
    """Ascending codes, with another step in each codebook, so that a model can learn them."""
    folder.mkdir(parents=True)
    packed, rows, start = [], [], 0
    for split, lengths in LENGTHS.items():
        for number, length in enumerate(lengths):
            pace = np.arange(1, codebooks + 1)
            packed.append((number + np.arange(length)[:, None] * pace) % codebook_size)
            key, qpm = ("F", "Bb minor", "A")[number % 3], 160 + 20 * (number % 4)
            captions = [form.format(key=key, qpm=qpm) for form in FORMS]
            placed = {"start": start, "length": length, "captions": tuple(captions)}
            rows.append(filled(EncodedClipRow, clip=f"{split}{number}", split=split, **placed))
            start += length
    np.save(folder / "codes.npy", np.concatenate(packed).astype(np.int16))
    highest = [SIZES.get(column, 1 << 12) for column in range(len(COLUMNS))]
    frames = np.random.default_rng(0).integers(highest, size=(start, len(COLUMNS))).astype(np.uint16)
    if chroma:
        frames = np.column_stack([frames, 1 + np.arange(start, dtype=np.uint16) // 7 % 12])
    np.save(folder / "score_frames.npy", frames)
    write_clip_index(folder, rows)
    about = {"codebooks": codebooks, "codebook_size": codebook_size, "sample_rate": sample_rate, "frame_rate": 50}
    about |= {"chroma": True} if chroma else {}
    (folder / "codec.json").write_text(json.dumps({**about, "source": "test"}))
    return folder


PLAIN = MusicgenDecoderConfig, MusicgenForCausalLM, MusicgenConfig, MusicgenForConditionalGeneration
MELODY = (
    MusicgenMelodyDecoderConfig, MusicgenMelodyForCausalLM, MusicgenMelodyConfig,
    MusicgenMelodyForConditionalGeneration,
)  # fmt: skip
#: Sizes in the proportions of the published models: width, width of the feed-forward layers, layers, heads.
SHAPES = {"small": (16, 64, 2, 2), "medium": (24, 96, 4, 3), "large": (32, 128, 4, 4)}


def write_hub_checkpoint(folder: Path, size: str = "small", channels: int = 1, *, melody: bool = False) -> Path:
    """A checkpoint like facebook/musicgen-small on the hub, but smaller, with the same names of weights.

    As there, medium and large have several files of weights. Those of a stereo model are in half precision. With
    `melody`, it is like facebook/musicgen-melody.
    """
    decoder_config, causal, whole_config, whole = MELODY if melody else PLAIN
    torch.manual_seed(0)
    width, wider, layers, heads = SHAPES[size]
    tokenizer = _sentence_pieces()
    codec = EncodecModel(
        EncodecConfig(
            sampling_rate=32_000, target_bandwidths=[1.0], upsampling_ratios=[8, 5, 4, 4], codebook_size=32,
            num_filters=2, hidden_size=8, num_residual_layers=1, num_lstm_layers=1, norm_type="weight_norm",
        )
    )  # fmt: skip
    text = T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=20, d_kv=10, d_ff=32, num_layers=1, num_heads=2)
    )  # narrower than the decoder, so that the model has a projection
    decoder = causal(
        decoder_config(
            vocab_size=32, hidden_size=width, ffn_dim=wider, num_hidden_layers=layers, num_attention_heads=heads,
            pad_token_id=32, bos_token_id=32, num_codebooks=channels * CODEBOOKS, audio_channels=channels,
        )
    )  # fmt: skip
    config = whole_config(text_encoder=text.config, audio_encoder=codec.config, decoder=decoder.config)
    if melody:
        config.chroma_length = 9
    model = whole(config, text, codec, decoder)
    model.generation_config = GenerationConfig(
        pad_token_id=32, bos_token_id=32, decoder_start_token_id=32, do_sample=True, guidance_scale=3.0, max_length=1500
    )
    (model.half() if channels == 2 else model).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    about = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**about, "tokenizer_class": "T5Tokenizer"}))
    extractor = MusicgenMelodyFeatureExtractor(n_fft=4096) if melody else EncodecFeatureExtractor(channels, 32_000)
    extractor.save_pretrained(folder)
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    weights = {}
    for name, value in load_file(folder / "model.safetensors").items():
        for new, before in old.items():
            name = name.replace(new, before)
        weights[name] = value
    weights["decoder.model.decoder.embed_positions.weights"] = decoder.model.decoder.embed_positions.weights
    (folder / "model.safetensors").unlink()
    most = "1GB" if size == "small" else "20KB"
    save_torch_state_dict(weights, folder, max_shard_size=most, metadata={"format": "pt"})
    settings = json.loads((folder / "config.json").read_text())
    assert settings["decoder"].get("decoder_start_token_id") is None
    return folder


def create(
    checkpoint: str, encoded: Path, folder: Path, method: str = "lora", gradient_checkpointing: bool = False
) -> MusicGenFamily:
    """A model of a checkpoint, as the stage train opens it; `folder` gets its parameters."""
    settings = {
        "checkpoint": checkpoint,
        "gradient_checkpointing": gradient_checkpointing,
        "model": {"d_model": 4, "num_heads": 1, "num_layers": 1, "d_ff": 4, "dropout": 0.0, "text_layers": 1},
        "adaptation": {"method": method, "rank": 2, "alpha": 4.0, "dropout": 0.1},
        "clips": {
            "context_seconds": 0.5,
            "per_epoch": 4,
            "caption_dropout": 0.1,
            "notes_shown": 0.5,
            "key_shown": 0.9,
            "chords_shown": 0.5,
            "beats_shown": 0.9,
        },
    }
    with (folder / "params.yaml").open("w") as file:
        YAML().dump({"musicgen": settings}, file)
    torch.manual_seed(0)
    return MusicGenFamily.create(encoded, folder / "params.yaml")


def _sentence_pieces() -> PreTrainedTokenizerFast:
    """Like T5's: a unigram model over pieces, ▁ for spaces, </s> at the end of each text."""
    letters = [(letter, -4.0) for letter in "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-,()#"]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁jazz", -2.0), ("▁solo", -2.0), *letters]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
