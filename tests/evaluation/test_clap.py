import json
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
    ClapTextConfig,
    PreTrainedTokenizerFast,
)

from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform
from yardbird.errors import InputError
from yardbird.evaluation.clap import clap_score, embed_with_clap, open_clap

WORDS = ["<pad>", "<unk>", "<s>", "</s>", "a", "low", "high", "tone"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLAP with random weights, in the layout of the hub."""
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    text = ClapTextConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        projection_dim=8, pad_token_id=0,
    )  # fmt: skip
    audio = ClapAudioConfig(
        spec_size=64, num_mel_bins=16, window_size=2, patch_embeds_hidden_size=8, depths=[1, 1], hidden_size=16,
        num_attention_heads=[2, 2], projection_dim=8, num_classes=2, enable_fusion=False,
    )  # fmt: skip
    ClapModel(ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=8)).save_pretrained(
        folder
    )
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ClapProcessor(
        ClapFeatureExtractor(feature_size=16, max_length_s=1, truncation="rand_trunc"),
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"),
    ).save_pretrained(folder)
    return folder


def tone(hertz: float, seconds: float = 0.5) -> Waveform:
    time = np.arange(round(16_000 * seconds)) / 16_000
    return Waveform(np.sin(2 * np.pi * hertz * time).astype(np.float32)[:, None], 16_000)


def test_the_score_is_the_mean_cosine_over_pairs(checkpoint: Path) -> None:
    clap = open_clap(str(checkpoint))
    captions = ["a low tone", "a high tone", "a tone"]
    embedded = embed_with_clap(clap, [tone(100), tone(4000, 0.8), tone(900)] * 4, "tones")
    alone = [clap_score(clap, [sound], [caption]) for sound, caption in zip(embedded[:3], captions, strict=True)]
    assert len(set(alone)) == 3
    assert clap_score(clap, embedded, captions * 4) == pytest.approx(np.mean(alone), abs=1e-4)


def test_sounds_and_captions_are_compared_as_the_model_compares_them(checkpoint: Path) -> None:
    clap, sound = open_clap(str(checkpoint)), tone(900)
    samples = to_mono(sound, clap.processor.feature_extractor.sampling_rate)
    inputs = clap.processor(
        text=["a tone"], audio=[samples], sampling_rate=clap.processor.feature_extractor.sampling_rate,
        return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode():
        slow = clap.model(**inputs)
    ours = clap_score(clap, embed_with_clap(clap, [sound], "a tone"), ["a tone"])
    assert ours == pytest.approx(torch.cosine_similarity(slow.audio_embeds, slow.text_embeds).item(), abs=1e-5)


def test_a_longer_sound_than_the_model_hears_has_a_vector_for_each_window(checkpoint: Path) -> None:
    """The processor would cut it at random. The tiny model hears one second."""
    clap = open_clap(str(checkpoint))
    long, low, high = embed_with_clap(
        clap,
        [
            Waveform(np.concatenate([tone(100, 1.0).samples, tone(4000, 1.0).samples]), 16_000),
            tone(100, 1.0),
            tone(4000, 1.0),
        ],
        "tones",
    )
    assert long.shape == (2, 8)
    assert np.allclose(long, np.concatenate([low, high]), atol=0.02)
    assert np.allclose(np.linalg.norm(long, axis=1), 1)


def test_a_missing_checkpoint_gives_a_one_line_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    for name in ("laion/clap-htsat-unfused", "no/such/folder", str(tmp_path)):
        with pytest.raises(
            InputError, match=r"expected a CLAP checkpoint, found .*set evaluate_audio\.clap to null"
        ) as error:
            open_clap(name)
        assert "\n" not in str(error.value)


def test_a_folder_of_another_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    for path in checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "encodec"}))
    with pytest.raises(InputError, match="expected a CLAP checkpoint"):
        open_clap(str(tmp_path))


def test_a_checkpoint_that_hears_whole_sounds_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    for path in checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((checkpoint / "config.json").read_text())
    settings["audio_config"]["enable_fusion"] = True
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match="found one with fusion of windows"):
        open_clap(str(tmp_path))
