from pathlib import Path

import numpy as np
import pytest

from yardbird import files
from yardbird.audio.wave import Waveform
from yardbird.pictures.spectrogram import _levels, draw

RATE = 16_000


def tone(pitch_hz: float, seconds: float, amplitude: float = 0.5) -> Waveform:
    times = np.arange(round(seconds * RATE)) / RATE
    return Waveform((amplitude * np.sin(2 * np.pi * pitch_hz * times)).astype(np.float32)[:, None], RATE)


@pytest.mark.parametrize("pitch_hz", [110.0, 440.0, 3000.0])
def test_a_tone_is_loudest_at_its_pitch_throughout(pitch_hz: float) -> None:
    pitches, times, level = _levels(tone(pitch_hz, 1.0))
    assert np.all(np.abs(pitches[level[:, 2:-2].argmax(0)] - pitch_hz) <= 1 / 0.064)
    assert times[0] == 0
    assert times[-1] == pytest.approx(1.0, abs=0.02)
    middle = level.max(0)[len(times) // 2]
    assert middle == pytest.approx(10 * np.log10(0.5**2 / 2), abs=1.5)  # decibels of its power


def test_the_same_sound_gives_the_same_bytes_for_any_user_settings(tmp_path: Path) -> None:
    import matplotlib as mpl

    draw(tone(440, 0.5), tmp_path / "a.png", title="Pennies for $5")
    with mpl.rc_context({"figure.dpi": 33, "axes.grid": True}):
        picture = draw(tone(440, 0.5), tmp_path / "b.png", title="Pennies for $5")
    assert files.sha256(tmp_path / "a.png") == files.sha256(tmp_path / "b.png")
    assert picture.shape == (450, 1600, 3)


def test_the_end_of_a_given_melody_is_marked() -> None:
    plain, marked = draw(tone(440, 2.0)), draw(tone(440, 2.0), primed_seconds=1.0)
    changed = (plain != marked).any(axis=(0, 2)).nonzero()[0] / plain.shape[1]
    assert 0.4 < changed.min() < changed.max() < 0.65


@pytest.mark.parametrize("waveform", [tone(440, 0.01), tone(440, 1.0, 0.0)], ids=["short", "silent"])
def test_very_short_and_silent_sounds_are_drawn(waveform: Waveform) -> None:
    assert draw(waveform, title="A title of so many words that it cannot be written in one line of text " * 3).any()
