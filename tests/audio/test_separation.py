"""The stem of a separator is used; without the package, one line names the extra."""

import sys
from pathlib import Path

import numpy as np
import pytest

from yardbird.audio.separation import check_stem, open_separator, separated
from yardbird.audio.wave import Waveform
from yardbird.errors import InputError

FAKE = """
from types import SimpleNamespace

import torch

class LoadModelError(Exception):
    pass

class Separator:
    samplerate = 8000

    def __init__(self, model, shifts):
        assert shifts == 0
        if model != "halves":
            raise LoadModelError(f"no model {model}")
        self.model = SimpleNamespace(sources=["other", "drums"])

    def separate_tensor(self, wave, sample_rate):
        assert wave.dtype == torch.float32
        assert wave.shape[0] == 2
        assert sample_rate == 16000
        return wave, {"other": wave[:, ::2] / 2, "drums": torch.zeros(2, 4)}
"""


@pytest.fixture
def fake_demucs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package `demucs` whose stem `other` is every second sample at half the level."""
    (tmp_path / "demucs").mkdir()
    (tmp_path / "demucs/__init__.py").write_text("")
    (tmp_path / "demucs/api.py").write_text(FAKE)
    for name in ("demucs", "demucs.api"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    open_separator.cache_clear()


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.usefixtures("fake_demucs")
def test_the_stem_is_returned_at_the_rate_of_the_model(channels: int) -> None:
    samples = np.random.default_rng(0).normal(size=(100, channels)).astype(np.float32)
    stem = separated(Waveform(samples, 16_000), "halves", "other")
    expected = samples if channels == 2 else np.stack([samples.mean(axis=1)] * 2, axis=1)
    assert stem.sample_rate == 8000
    assert np.allclose(stem.samples, expected[::2] / 2, atol=1e-6)


@pytest.mark.usefixtures("fake_demucs")
def test_an_unknown_model_or_stem_is_an_error_of_one_line() -> None:
    check_stem("halves", "other")
    with pytest.raises(InputError, match=r"audio.separator.stem: expected one of other, drums, found sax; correct"):
        check_stem("halves", "sax")
    with pytest.raises(InputError, match=r"audio.separator.model: expected a model of Demucs, found no model thirds"):
        check_stem("thirds", "other")


def test_without_the_package_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "demucs", None)
    open_separator.cache_clear()
    with pytest.raises(
        InputError, match=r"expected the package demucs, found none; install it .*\[separation\]"
    ) as error:
        open_separator("htdemucs_6s")
    assert "\n" not in str(error.value)
