"""MusicGen from a checkpoint. A folder and the hub use the same code; tests cannot reach the hub."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from peft import PeftModel
from tiny_audio import FORMS, create, write_encoded, write_hub_checkpoint
from torch.utils.data import DataLoader
from transformers import AutoModelForTextToWaveform, AutoProcessor, MusicgenForConditionalGeneration, T5Config

from yardbird.errors import InputError
from yardbird.models.musicgen import MusicGenFamily
from yardbird.models.musicgen.code_windows import read_codes, read_score_frames
from yardbird.models.musicgen.delay_pattern import delayed
from yardbird.models.musicgen.hub_checkpoint import locate, open_codec, open_model
from yardbird.nn.sampling import SoundSampling
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import fit
from yardbird.training.training_config import TrainingConfig

TRAINING = TrainingConfig(
    batch_size=3, accumulate=2, max_epochs=1, patience=1, learning_rate=0.01, min_learning_rate=0.01, warmup_steps=0,
    weight_decay=0.0, gradient_clip=1.0, precision="32-true", sample_every_epochs=None, threads=1,
    processes=1, devices=1, num_nodes=1, strategy="auto",
)  # fmt: skip
HUB = "facebook/musicgen-small"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hub_checkpoint(tmp_path_factory.mktemp("hub") / "tiny")


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoded(tmp_path_factory.mktemp("encoded") / "audio", codebook_size=32, sample_rate=32_000)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("method", [pytest.param("full", marks=pytest.mark.slow), "lora"])
def test_a_checkpoint_is_adapted_saved_loaded_and_scored(hub: Path, encoded: Path, tmp_path: Path, method: str) -> None:
    family = create(str(hub), encoded, tmp_path, method)
    before = {name: value.clone() for name, value in open_model(hub).state_dict().items()}
    given = read_codes(encoded)[:30].T, FORMS[0], read_score_frames(encoded)[:30]
    untouched = family.score_codes(*given)
    with CheckpointFolder(tmp_path, "musicgen", "key") as checkpoint:
        result = fit(family, encoded, TRAINING, seed=0, checkpoint=checkpoint)
    adapted = family.score_codes(*given)
    family.save(tmp_path / "saved")
    loaded = MusicGenFamily.load(tmp_path / "saved")
    after = MusicgenForConditionalGeneration.from_pretrained(tmp_path / "saved").state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert len(result.curve) == 1
    assert before.keys() == after.keys(), "a plain MusicGen, without adapters"
    assert {name.split(".")[0] for name in changed} <= {"decoder", "enc_to_dec_proj"}
    if method == "lora":
        parts = {name.split(".")[-2] for name in changed}
        assert parts == {"q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"}
    assert not np.allclose(adapted[0], untouched[0])
    np.testing.assert_allclose(loaded.score_codes(*given)[0], adapted[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loaded.untrained().score_codes(*given)[0], untouched[0], rtol=1e-5)
    assert np.array_equal(adapted[0], family.score_codes(*given)[0]), "saving merges a copy"
    assert loaded.unknown_words("jazz solo ж") != ()


#: Size, channels, and whether a melody is a condition, of the published models but musicgen-small.
PUBLISHED = [
    ("small", 2, False), ("medium", 2, True),
    *(pytest.param(*model, marks=pytest.mark.slow) for model in (
        ("medium", 1, False), ("medium", 1, True), ("medium", 2, False),
        ("large", 1, False), ("large", 1, True), ("large", 2, False), ("large", 2, True),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("size", "channels", "melody"), PUBLISHED)
def test_the_published_models_are_fine_tuned_saved_loaded_and_sing(
    tmp_path: Path, size: str, channels: int, melody: bool
) -> None:
    hub = write_hub_checkpoint(tmp_path / "hub", size, channels, melody=melody)
    assert (hub / "model.safetensors.index.json").exists() == (size != "small")
    encoded = write_encoded(tmp_path / "audio", 32, 32_000, codebooks=4 * channels, chroma=melody)
    family = create(str(hub), encoded, tmp_path)
    given = read_codes(encoded)[:30].T, FORMS[0], read_score_frames(encoded)[:30]
    untouched = family.score_codes(*given)[0]
    with CheckpointFolder(tmp_path, "musicgen", "key") as checkpoint:
        fit(family, encoded, TRAINING, seed=0, checkpoint=checkpoint)
    family.save(tmp_path / "saved")
    loaded = MusicGenFamily.load(tmp_path / "saved")
    adapted = family.score_codes(*given)[0]
    assert adapted.shape == (4 * channels, 30)
    assert not np.allclose(adapted, untouched)
    np.testing.assert_allclose(loaded.score_codes(*given)[0], adapted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loaded.untrained().score_codes(*given)[0], untouched, rtol=1e-5)
    (sung,) = loaded.generate([FORMS[0]], 12, SoundSampling(3.0, 1.0, None), seed=1)
    assert loaded.decode_channels(sung).shape == (12 * 640, channels)
    opened = AutoProcessor.from_pretrained(tmp_path / "saved")
    assert opened.feature_extractor.to_dict() == AutoProcessor.from_pretrained(hub).feature_extractor.to_dict()
    assert (
        AutoModelForTextToWaveform.from_pretrained(tmp_path / "saved").config.model_type
        == family.model.config.model_type
    )


def test_the_codes_of_a_stereo_model_are_those_of_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = write_encoded(tmp_path / "audio", codebook_size=32, sample_rate=32_000, codebooks=8)
    family = create(str(write_hub_checkpoint(tmp_path / "hub", channels=2)), encoded, tmp_path, "full")
    model, decoded = family.model.eval(), []
    decode: Any = model.audio_encoder.decode
    monkeypatch.setattr(
        model.audio_encoder, "decode", lambda codes, *_, **__: (decoded.append(codes[0]), decode(codes, [None]))[1]
    )
    ids, mask = family.text_ids(FORMS)
    batch = next(iter(DataLoader(family.datasets(encoded, 0).validation, batch_size=2)))
    with torch.inference_mode():
        sound = model.generate(
            input_ids=ids, attention_mask=mask, do_sample=False, guidance_scale=1.0, max_new_tokens=13
        )
        labels = delayed(batch["codes"], family.pad_id, 2).transpose(1, 2)
        theirs = model(input_ids=batch["text"], attention_mask=batch["mask"], labels=labels).loss
        nats, _ = family._score(
            batch["codes"], family.text_states(batch["text"], batch["mask"]), batch["mask"], batch["score"]
        )
    codes = torch.stack(decoded, dim=2).flatten(1, 2).numpy()
    ours = family.generate(FORMS, 10, SoundSampling(1.0, 0.0, None), seed=0)
    assert np.array_equal(ours, codes)
    for row, own in enumerate(ours):
        np.testing.assert_allclose(family.decode_channels(own), sound[row].T, atol=1e-6)
    frames = (batch["codes"][:, 0] != family.pad_id).sum()
    assert float(nats.sum() / frames) == pytest.approx(8 * float(theirs), rel=1e-5)


def test_only_the_adapters_get_gradients_and_only_they_are_in_a_checkpoint(
    hub: Path, encoded: Path, tmp_path: Path
) -> None:
    family = create(str(hub), encoded, tmp_path)
    batch = next(iter(DataLoader(family.datasets(encoded, 0).train, batch_size=4)))
    family.model.train()
    torch.autograd.backward(family.loss(batch, 0).total)
    graded = {name for name, weight in family.model.named_parameters() if weight.grad is not None}
    learnt = ("lora_", "score_condition")
    assert graded == {name for name, _ in family.model.named_parameters() if any(part in name for part in learnt)}
    assert all(name.startswith("decoder.") for name in graded)
    with CheckpointFolder(tmp_path, "musicgen", "key") as checkpoint:
        fit(family, encoded, TRAINING, seed=0, checkpoint=checkpoint)
        state = checkpoint.read()
    assert state is not None
    assert {name for name in state["weights"] if name.startswith("decoder.")} == graded
    assert not any(name.endswith("weight") for name in state["weights"] if name.startswith("text_encoder."))


def test_the_adapters_are_also_saved_in_the_layout_of_peft(hub: Path, encoded: Path, tmp_path: Path) -> None:
    family = create(str(hub), encoded, tmp_path)
    for name, weight in family.model.named_parameters():
        if "lora_B" in name:  # zero in new adapters
            torch.nn.init.normal_(weight, std=0.1)
    family.save(tmp_path / "saved")
    adapters = tmp_path / "saved/adapters"
    assert {path.name for path in adapters.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    about = json.loads((adapters / "adapter_config.json").read_text())
    assert (about["base_model_name_or_path"], about["peft_type"], about["r"]) == (str(hub), "LORA", 2)
    base, merged = (MusicgenForConditionalGeneration.from_pretrained(place) for place in (hub, tmp_path / "saved"))
    ids, mask = family.text_ids(FORMS)
    given = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": torch.arange(3 * 4 * 5).view(12, 5) % 32}
    with torch.inference_mode():
        before = base(**given).logits
        adapted = PeftModel.from_pretrained(base, adapters)(**given).logits
        expected = merged(**given).logits
    torch.testing.assert_close(adapted, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(before, expected, atol=1e-2)


@pytest.mark.parametrize("method", [pytest.param("full", marks=pytest.mark.slow), "lora"])
def test_gradient_checkpointing_changes_no_gradient(hub: Path, encoded: Path, tmp_path: Path, method: str) -> None:
    gradients, kept = [], []
    for saving in (False, True):
        family = create(str(hub), encoded, tmp_path, method, gradient_checkpointing=saving)
        batch = next(iter(DataLoader(family.datasets(encoded, 0).train, batch_size=4)))
        family.model.train()
        torch.manual_seed(1)  # dropout
        held: list[torch.Tensor] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda own, held=held: held.append(own) or own, lambda own: own):
            loss = family.loss(batch, 0).total
        kept.append(len(held))
        torch.autograd.backward(loss)
        gradients.append({name: w.grad for name, w in family.model.named_parameters() if w.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    assert all(torch.equal(gradients[0][name], gradients[1][name]) for name in gradients[0])
    assert kept[1] < 0.5 * kept[0], "fewer tensors are kept for the backward pass"


def test_the_frozen_text_encoder_has_no_dropout_and_reads_each_caption_once(
    hub: Path, encoded: Path, tmp_path: Path
) -> None:
    """The first reading has no gradients, as in evaluation. Training must be able to use its cached result."""
    family = create(str(hub), encoded, tmp_path)
    family.model.train()
    ids, mask = family.text_ids(FORMS)
    expected = family.model.text_encoder.eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    if hasattr(family.model, "enc_to_dec_proj"):
        expected = family.model.enc_to_dec_proj(expected)
    read: list[int] = []
    family.model.text_encoder.register_forward_hook(lambda *_: read.append(1))
    with torch.inference_mode():
        first = family.text_states(ids, mask).clone()
    again = family.text_states(ids.flip(0), mask.flip(0)).flip(0)
    torch.testing.assert_close(again, expected * mask[..., None])
    assert torch.equal(first, again)
    assert bool((again[mask == 0] == 0).all())
    assert len(read) == len(FORMS)
    (again * torch.ones(1, requires_grad=True)).sum().backward()


def test_the_codec_is_that_of_the_checkpoint(hub: Path) -> None:
    codec = open_codec(str(hub)).model
    theirs = open_model(hub).audio_encoder.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in codec.state_dict().items())
    assert not any(weight.requires_grad for weight in codec.parameters())
    assert not codec.training


@pytest.mark.usefixtures("offline")
def test_an_unreachable_hub_gives_a_one_line_error_that_names_the_setting() -> None:
    started = time.perf_counter()
    for checkpoint in (HUB, "./no/such/folder", "no such name"):
        with pytest.raises(InputError) as error:
            locate(checkpoint)
        line = str(error.value)
        assert line.startswith(f"{checkpoint}: expected a MusicGen checkpoint, found n")
        assert line.endswith(
            "; set musicgen.checkpoint to scratch, or to a folder with the layout of facebook/musicgen-small"
        )
        assert "\n" not in line
    assert time.perf_counter() - started < 5


@pytest.mark.usefixtures("offline")
def test_a_cached_download_is_used_if_the_hub_is_unreachable(hub: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cache/models--facebook--musicgen-small"
    shutil.copytree(hub, cached / "snapshots/abc")
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text("abc")
    assert open_model(locate(HUB)).config.decoder.num_codebooks == 4  # type: ignore[union-attr]  # a config


def damage(folder: Path, kind: str) -> None:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    if kind == "pickle":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    elif kind == "cut":
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    elif kind == "other":
        T5Config().save_pretrained(folder)
    elif kind == "deeper":
        config["decoder"]["num_hidden_layers"] = 3
        (folder / "config.json").write_text(json.dumps(config))
    elif kind == "stereo":
        config["decoder"]["audio_channels"] = 2
        (folder / "config.json").write_text(json.dumps(config))
    else:
        (folder / "config.json").unlink()


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("pickle", "no file named model.safetensors"),
        ("cut", "Error while deserializing header|incomplete"),
        ("other", "a model of type t5"),
        ("deeper", "no weights for decoder.model.decoder.layers.2"),
        ("stereo", "a decoder of 4 codebooks for 8 of its codec"),
        ("empty", "config.json|model_type"),
    ],
)
def test_a_folder_with_an_incomplete_musicgen_gives_a_one_line_error(
    hub: Path, tmp_path: Path, kind: str, found: str
) -> None:
    folder = tmp_path / kind
    shutil.copytree(hub, folder)
    damage(folder, kind)
    with pytest.raises(InputError, match=found) as error:
        open_model(folder)
    assert "\n" not in str(error.value)
