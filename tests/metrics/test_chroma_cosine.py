import numpy as np
import pytest

from yardbird.audio.wave import Waveform
from yardbird.metrics.chroma_cosine import chroma_cosines

RATE = 16_000


def tones(*pitches: int, seconds: float = 0.5, rate: int = RATE) -> Waveform:
    time = np.arange(round(seconds * rate)) / rate
    parts = [np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) for pitch in pitches]
    return Waveform(0.3 * np.concatenate(parts).astype(np.float32)[:, None], rate)


def silence(seconds: float) -> Waveform:
    return Waveform(np.zeros((round(seconds * RATE), 1), dtype=np.float32), RATE)


def test_octaves_and_other_rates_agree_and_other_pitch_classes_do_not():
    melody = tones(72, 76, 79)
    assert chroma_cosines(melody, tones(60, 64, 67)).mean() > 0.95
    assert chroma_cosines(melody, tones(72, 76, 79, rate=44_100)).mean() > 0.95
    assert chroma_cosines(melody, tones(78, 70, 73)).mean() < 0.1


def test_a_late_melody_agrees_less():
    melody, late = tones(72, 76, 79, 83), tones(71, 72, 76, 79)
    assert chroma_cosines(melody, late).mean() < 0.5


def test_rests_of_the_reference_do_not_count_and_a_silent_sound_has_no_agreement():
    melody = tones(72, seconds=1.0)
    with_rest = Waveform(np.concatenate([melody.samples, silence(1.0).samples]), RATE)
    long = tones(72, seconds=2.0)
    assert len(chroma_cosines(with_rest, long)) < 0.65 * len(chroma_cosines(long, long))
    assert chroma_cosines(with_rest, long).mean() > 0.95
    assert chroma_cosines(melody, silence(1.0)).max() == pytest.approx(0)
    assert len(chroma_cosines(silence(1.0), melody)) == 0
