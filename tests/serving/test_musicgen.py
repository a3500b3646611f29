"""MusicGen's endpoint, called as the registry calls it, with a tiny model."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from endpoint_rows import SOUND_SETTINGS as SETTINGS
from tiny_audio import create, write_encoded, write_hub_checkpoint
from tiny_musicgen import tiny_musicgen

from yardbird import files
from yardbird.audio.wave import read_wave
from yardbird.config import read_section
from yardbird.errors import YardbirdError
from yardbird.generation.prompted_sound import open_singer, sing
from yardbird.generation.sound_orders import SingConfig
from yardbird.serving.musicgen_endpoint import ENDPOINT, MOST_SECONDS, open_model
from yardbird.tracking.endpoint import Answer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "musicgen"
    tiny_musicgen().save(path)
    return path


@pytest.fixture(scope="module")
def answer(folder: Path) -> Iterator[Answer]:
    yield open_model(folder)
    torch.set_flush_denormal(False)


def test_a_prompt_gives_the_sound_of_the_sing_stage(answer: Answer, folder: Path, tmp_path: Path) -> None:
    prompts = ["jazz solo in F", "Mingus solo"]
    answers = answer([{"prompt": prompt} for prompt in prompts], SETTINGS)
    config = read_section("sing", SingConfig, ROOT / "params.yaml")
    family, _ = open_singer(folder)
    for row, sound in zip(answers, sing(family, prompts, replace(config, seconds=0.3, top_k=9), 0), strict=True):
        files.write_bytes(tmp_path / "answer.wav", base64.b64decode(row["wav"]))
        heard = read_wave(tmp_path / "answer.wav")
        assert np.abs(heard.mono - np.clip(sound.waveform.mono, -1, 1)).max() < 1 / 32000
        assert (row["seconds"], row["sample_rate"]) == (0.3, 16_000)
    assert [row["unknown_words"] for row in answers] == ["", "Mingus"]


def test_a_model_of_a_stereo_melody_checkpoint_answers_in_two_channels(tmp_path: Path) -> None:
    hub = write_hub_checkpoint(tmp_path / "hub", channels=2, melody=True)
    encoded = write_encoded(tmp_path / "audio", 32, 32_000, codebooks=8, chroma=True)
    create(str(hub), encoded, tmp_path).save(tmp_path / "model")
    (row,) = open_model(tmp_path / "model")([{"prompt": "jazz solo in F"}], SETTINGS)
    torch.set_flush_denormal(False)
    files.write_bytes(tmp_path / "answer.wav", base64.b64decode(row["wav"]))
    assert read_wave(tmp_path / "answer.wav").samples.shape == (round(0.3 * 32_000), 2)


@pytest.mark.parametrize(
    ("prompts", "params", "message"),
    [
        ([" "], {}, "^prompt 1: expected words, found none; describe the sound"),
        (["solo", "x" * 501], {}, "^prompt 2: expected at most 500 letters, found 501; shorten it$"),
        (["solo"], {"seconds": 0.0}, "^seconds: expected above 0"),
        (["solo"], {"seconds": float("nan")}, "^seconds: expected a finite number"),
        (
            ["solo"],
            {"seconds": MOST_SECONDS + 1.0},
            "^seconds: expected at most 30, found 31; request a shorter sound$",
        ),
        (["solo"] * 3, {"seconds": 30.0}, "expected at most 60 seconds in total, found 90 in 3 sounds; split it into"),
        (["solo"], {"guidance": -1.0}, "^guidance: expected 0 or more"),
        (["solo"], {"temperature": -1.0}, "^temperature: expected 0 or more"),
        (["solo"], {"top_k": 0}, "^top_k: expected 1 to 1000000"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_invalid_request_is_a_one_line_error(
    answer: Answer, prompts: list[str], params: dict[str, Any], message: str
) -> None:
    with pytest.raises(YardbirdError, match=message):
        answer([{"prompt": prompt} for prompt in prompts], {**SETTINGS, **params})


def test_every_param_of_the_endpoint_has_a_default_in_params() -> None:
    assert set(ENDPOINT.params) - {"seed"} <= set(SingConfig.__dataclass_fields__)
