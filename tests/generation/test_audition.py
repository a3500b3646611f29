from pathlib import Path

import numpy as np
import pytest

from yardbird.audio.wave import Waveform
from yardbird.generation.audition import sound_and_picture
from yardbird.music.score import Score, make_notes
from yardbird.pictures import spectrogram

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0) -> Waveform:
    samples = np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return Waveform((0.5 * samples).astype(np.float32)[:, None], RATE)


def brightest_row(picture: np.ndarray) -> int:
    """The brightest row inside the frame, without the dark ticks and labels outside it."""
    middle = picture[20:-60, 300:900].astype(int)
    return int(middle.sum((1, 2)).argmax())


def test_a_waveform_is_returned_unchanged_with_its_spectrogram(tmp_path: Path) -> None:
    low, high = tone(200.0), tone(2000.0)
    waveform, picture = sound_and_picture(low)
    assert waveform is low
    assert brightest_row(picture) > brightest_row(sound_and_picture(high)[1]) + 50, "higher tones are drawn higher"
    for name in ("one", "two"):
        assert np.array_equal(spectrogram.draw(low, tmp_path / f"{name}.png"), picture)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_silence_and_the_shortest_sound_have_a_picture(seconds: float) -> None:
    picture = spectrogram.draw(Waveform(np.zeros((round(seconds * RATE), 1), np.float32), RATE))
    assert picture.ndim == 3


def test_a_score_is_rendered_and_drawn_as_a_piano_roll() -> None:
    score = Score(12, make_notes([(0, 12, 60, 90), (12, 12, 64, 90)]), 48)
    waveform, picture = sound_and_picture(score)
    assert waveform.peak > 0.1
    assert picture.shape[2] == 3
