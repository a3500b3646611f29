"""The pitch tracker, on tones whose pitch is known."""

import numpy as np
import pytest

from yardbird.audio.pitch_track import track_pitch
from yardbird.audio.synth import render
from yardbird.music.score import Score, Tempo, make_notes

RATE, HOP = 16_000, 320


def tone(hertz: float, seconds: float = 1.0, harmonics: int = 4) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * hertz * n * time + n) / n for n in range(1, harmonics + 1)).astype(np.float32) * 0.3


def cents(found: np.ndarray, wanted: float) -> np.ndarray:
    return 1200 * np.abs(np.log2(found / wanted))


@pytest.mark.parametrize("hertz", [41.2, 69.3, 138.6, 233.1, 440.0, 622.3, 1046.5, 1661.2])
def test_a_steady_tone_is_found_within_ten_cents(hertz: float) -> None:
    track = track_pitch(tone(hertz), RATE, hop=HOP)
    middle = slice(4, -4)
    assert track.voiced[middle].all()
    assert cents(track.hertz[middle], hertz).max() < 10


def test_a_tone_without_its_fundamental_keeps_its_pitch() -> None:
    track = track_pitch(tone(220.0) - tone(220.0, harmonics=1), RATE, hop=HOP)
    assert cents(track.hertz[4:-4], 220.0).max() < 5


def test_noise_and_silence_are_unvoiced() -> None:
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    assert track_pitch(noise, RATE, hop=HOP).voiced.mean() < 0.02
    assert not track_pitch(np.zeros(RATE, dtype=np.float32), RATE, hop=HOP).voiced.any()


def test_there_is_a_frame_for_every_whole_hop() -> None:
    assert [len(track_pitch(np.zeros(n, dtype=np.float32), RATE, hop=HOP).hertz) for n in (0, 319, 320, 6410)] == [
        0, 0, 1, 20,
    ]  # fmt: skip


@pytest.mark.parametrize("program", [65, 66, 0, 32])
def test_rendered_notes_are_found_at_their_keys(program: int) -> None:
    """Every key of two octaves, half a second each; the frames around a note's start belong to neither."""
    low = 33 if program == 32 else 49
    keys = np.arange(low, low + 24)
    notes = make_notes([(index * 480, 460, int(key), 90) for index, key in enumerate(keys)])
    score = Score(480, notes, 480 * len(keys), tempos=(Tempo(0, 120.0),), program=program)
    wave = render(score)
    track = track_pitch(wave.mono, wave.sample_rate, hop=882)
    seconds = np.arange(len(track.hertz)) * 0.02
    inside = (seconds % 0.5 > 0.1) & (seconds % 0.5 < 0.4) & (seconds < 0.5 * len(keys))
    wanted = 440 * 2 ** ((keys[(seconds[inside] // 0.5).astype(int)] - 69) / 12)
    voiced = track.voiced[inside]
    assert voiced.mean() > 0.8
    assert (cents(track.hertz[inside], wanted)[voiced] < 50).mean() > 0.97
