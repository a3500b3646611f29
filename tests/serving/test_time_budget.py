"""A request whose time is over stops between rows, tokens or frames."""

import math
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from endpoint_rows import SOUND_SETTINGS as SOUND
from endpoint_rows import VAE_SETTINGS as VAE
from endpoint_rows import solo
from tiny_musicgen import tiny_musicgen
from tiny_transformer import write_model
from tiny_vae import tiny_vae

from yardbird.errors import InputError
from yardbird.serving import music_transformer_endpoint, music_vae_endpoint, musicgen_endpoint
from yardbird.time_budget import time_budget
from yardbird.tracking.endpoint import Answer

A, POINT = solo(4), "[[0,0,0,0,0,0,0,0]]"
NOTES = VAE | {"artist": None, "free_chorus": None, "key": None}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Answer]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("models"))
        write_model(0)
        tiny_vae().save(Path("models/music_vae"))
        tiny_musicgen().save(Path("models/musicgen"))
        modules: dict[str, Callable[[Path], Answer]] = {
            "music_transformer": music_transformer_endpoint.open_model,
            "music_vae": music_vae_endpoint.open_model,
            "musicgen": musicgen_endpoint.open_model,
        }
        yield {name: open_model(Path("models") / name) for name, open_model in modules.items()}
    torch.set_flush_denormal(False)


@pytest.mark.parametrize(
    ("family", "row", "settings", "checks"),
    [
        ("music_transformer", {"chart": "F7"}, NOTES, 4),
        ("music_vae", {"chart": ""}, VAE, 1),
        ("music_vae", {"midi": A}, VAE | {"task": "encode"}, 3),
        ("music_vae", {"z": POINT}, VAE | {"task": "decode"}, 1),
        ("music_vae", {"midi": A, "midi_b": A}, VAE | {"task": "interpolate"}, 6),
        ("musicgen", {"prompt": "jazz solo"}, SOUND, 4),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_whose_time_is_over_stops_in_one_line(
    answers: dict[str, Answer],
    family: str,
    row: dict[str, str],
    settings: dict[str, Any],
    checks: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, looks = [row] * 2, count()
    with monkeypatch.context() as patch, time_budget(60.0, "request less"):  # over after some checks
        patch.setattr("yardbird.time_budget.monotonic", lambda: 0.0 if next(looks) < checks else math.inf)
        with pytest.raises(InputError, match=r"^request: expected at most 60 s of work, found more") as error:
            answers[family](rows, settings)
    assert "\n" not in str(error.value)
    with time_budget(300.0, "request less"):
        assert len(answers[family](rows, settings)) >= 2
    assert len(answers[family](rows, settings)) >= 2, "a refused request leaves nothing behind"
