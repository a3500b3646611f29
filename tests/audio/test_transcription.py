import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from yardbird.audio.synth import render
from yardbird.audio.transcription import (
    DEFAULT_QPM,
    HeardNotes,
    detect_notes,
    estimate_tempo,
    to_score,
    transcribe,
)
from yardbird.audio.wave import Waveform
from yardbird.data.ingest import ingest
from yardbird.data.reading import IngestConfig
from yardbird.metrics.transcription_accuracy import found_notes
from yardbird.music.excerpts import excerpts
from yardbird.music.midi import read_score
from yardbird.music.score import Score, Tempo, make_notes

RATE = 16_000


def sound(samples: NDArray[np.float64], rate: int = RATE) -> Waveform:
    return Waveform(samples.astype(np.float32)[:, None], rate)


def tone(pitch: float | NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    """Six partials with an attack of 10 ms and a release of 30 ms."""
    count = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(440 * 2 ** ((np.asarray(pitch) - 69) / 12), count)) / RATE
    time = np.arange(count) / RATE
    swell = np.minimum(1, np.minimum(time / 0.01, (seconds - time) / 0.03))
    return swell * sum(0.2 / partial * np.sin(partial * phase) for partial in range(1, 7))


def line(pitches: Sequence[int], seconds: float) -> NDArray[np.float64]:
    """Notes one after the other; 0 is a rest."""
    return np.concatenate([tone(p, seconds) if p else np.zeros(round(seconds * RATE)) for p in pitches])


def f1(score: Score, detected: HeardNotes) -> float:
    found = found_notes(score.seconds_at(score.onsets), score.pitches, detected.onsets, detected.pitches)
    return 2 * found / (len(score.notes) + len(detected.onsets))


def bebop(qpm: float) -> Score:
    """Swung eighths over two octaves with repeated notes, triplets and rests."""
    steps = np.cumsum([0] + [8, 4, 8, 4, 4, 4, 4, 8, 4, 12, 8, 4, 8, 4, 8, 4] * 4)
    pitches = 50 + np.abs(np.cumsum(np.random.default_rng(5).integers(-4, 5, len(steps) - 1))) % 30
    pitches[7::9] = pitches[6::9][: len(pitches[7::9])]
    rows = [
        (int(start), int(stop - start), int(pitch), 90)
        for start, stop, pitch in zip(steps[:-1], steps[1:], pitches, strict=True)
        if start % 96 < 84
    ]
    return Score(12, make_notes(rows), int(steps[-1]), tempos=(Tempo(0, qpm),))


def test_tones_are_detected_at_their_times() -> None:
    pitches = [57, 59, 60, 0, 64, 72, 62, 81, 50, 0]
    detected = detect_notes(sound(line(pitches, 0.2)))
    assert detected.pitches.tolist() == [pitch for pitch in pitches if pitch]
    places = [place for place, pitch in enumerate(pitches) if pitch]
    assert detected.onsets == pytest.approx(0.2 * np.array(places), abs=0.02)
    assert detected.offsets == pytest.approx(0.2 * np.array(places) + 0.2, abs=0.04)
    assert (detected.seconds, detected.voiced_seconds) == (2.0, pytest.approx(1.6, abs=0.15))


@given(st.lists(st.integers(50, 85), min_size=1, max_size=8))
def test_any_line_of_tones_is_transcribed_with_its_repeated_notes(pitches: list[int]) -> None:
    assert detect_notes(sound(line(pitches, 0.15))).pitches.tolist() == pitches


def test_a_held_note_with_vibrato_is_one_note() -> None:
    vibrato = 70 + 0.35 * np.sin(2 * np.pi * 5.5 * np.arange(2 * RATE) / RATE)
    assert detect_notes(sound(tone(vibrato, 2.0))).pitches.tolist() == [70]


def test_a_crackle_in_a_note_does_not_cut_it() -> None:
    samples = tone(65, 1.0)
    samples[8000:8160] = np.random.default_rng(0).normal(0, 0.2, 160)
    assert detect_notes(sound(samples)).pitches.tolist() == [65]


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(100),
        np.zeros(RATE),
        np.full(RATE, 0.5),
        np.random.default_rng(0).normal(0, 0.1, 3 * RATE),
        np.cumsum(np.random.default_rng(1).normal(0, 0.001, 3 * RATE)),
        1e-5 * tone(60, 1.0),
    ],
    ids=["empty", "too short", "silence", "offset", "noise", "rumble", "too quiet"],
)
def test_silence_and_noise_have_no_notes(samples: NDArray[np.float64]) -> None:
    detected = detect_notes(sound(samples))
    assert len(detected.onsets) == len(detected.pitches) == 0
    assert detected.voiced_seconds == 0
    score = transcribe(sound(samples))
    assert len(score.notes) == 0
    assert score.bar_count >= 1


@pytest.mark.parametrize("qpm", [120, 200, 300])
def test_rendered_solos_are_transcribed(qpm: float) -> None:
    score = bebop(qpm)
    detected = detect_notes(render(score))
    assert f1(score, detected) > 0.97
    assert (detected.onsets[1:] >= detected.offsets[:-1]).all()


def test_the_rate_and_the_channels_do_not_matter() -> None:
    score = bebop(200)
    assert detect_notes(render(score, channels=2)).pitches.tolist() == detect_notes(render(score)).pitches.tolist()


def test_quiet_hiss_changes_little() -> None:
    score = bebop(180)
    clean = render(score)
    hiss = np.random.default_rng(3).normal(0, 0.01, clean.samples.shape).astype(np.float32)
    assert f1(score, detect_notes(Waveform(clean.samples + hiss, clean.sample_rate))) > 0.95


def test_a_real_solo_is_transcribed(shared: Path, ingest_config: IngestConfig, tmp_path: Path) -> None:
    shutil.copy(shared / "parker/omnibook__Anthropology.mid", tmp_path)
    ingest(tmp_path, "parker", ingest_config, tmp_path / "ingested")
    (path,) = (tmp_path / "ingested").rglob("*.mid")
    excerpt = excerpts(read_score(path), 64)[0]
    assert f1(excerpt, detect_notes(render(excerpt))) > 0.95


def test_a_transcription_is_on_the_grid_at_its_tempo() -> None:
    score = bebop(200)
    detected = transcribe(render(score), 200)
    assert (detected.ticks_per_beat, detected.mean_qpm, detected.end_tick % 48) == (12, pytest.approx(200), 0)
    ours = set(zip(score.onsets.tolist(), score.pitches.tolist(), strict=True))
    theirs = set(zip(detected.onsets.tolist(), detected.pitches.tolist(), strict=True))
    assert len(ours & theirs) > 0.85 * len(ours)  # a step is 25 ms
    assert detected.is_monophonic


def test_notes_that_end_with_the_sound_stay_in_the_score() -> None:
    detected = HeardNotes(np.array([0.0, 0.99]), np.array([0.5, 1.0]), np.array([60, 62]), 1.0, 1.0)
    assert to_score(detected, 120).pitches.tolist() == [60, 62]
    assert to_score(detected, 120).bar_count == 1


@pytest.mark.parametrize("qpm", [150, 200, 240])
def test_a_tempo_is_estimated(qpm: float) -> None:
    assert estimate_tempo(render(bebop(qpm))) == pytest.approx(qpm, rel=0.04)


def test_without_notes_the_tempo_is_the_default() -> None:
    assert transcribe(sound(np.zeros(RATE))).mean_qpm == DEFAULT_QPM
    assert estimate_tempo(sound(np.zeros(0))) == DEFAULT_QPM
    assert estimate_tempo(sound(tone(60, 0.1))) > 0


def test_the_same_sound_gives_the_same_notes() -> None:
    first, second = (detect_notes(render(bebop(200))) for _ in range(2))
    assert np.array_equal(first.onsets, second.onsets)
    assert np.array_equal(first.pitches, second.pitches)
