"""The rhythm section follows the swing ratio and the meter of the solo."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yardbird.audio.comping import accompaniment, count_in, drums, off_beat_ticks
from yardbird.audio.synth import SAMPLE_RATE, render
from yardbird.generation.leadsheet import LeadSheet
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import DRUM_KIT, Meter, Score, Tempo, make_notes

RIDE, PEDAL, STICK = 51, 44, 37


def eighths(off_beat: int, bars: int = 4, beats: int = 4) -> Score:
    """Pairs of eighths over F7, of which the second comes `off_beat` twelfths into the beat."""
    count = bars * beats
    rows = [(12 * beat + place, 4, 60 + beat % 7, 90) for beat in range(count) for place in (0, off_beat)]
    changes = LeadSheet.parse(f"meter: {beats}/4\nF7").chord_changes(12, bars)
    return Score(12, make_notes(rows), 12 * count, meters=(Meter(0, beats, 4),), chords=changes)


def in_beats(part: Score, pitch: int) -> list[float]:
    return (part.onsets[part.pitches == pitch] / 12).tolist()


@pytest.mark.parametrize(("off_beat", "place"), [(6, 6), (7, 7), (8, 8), (9, 9), (10, 9)])
def test_the_band_swings_like_the_solo(off_beat: int, place: int) -> None:
    """Regression: the piano swung 2:1 under even eighths. The limit is 3:1, a sixteenth."""
    score = eighths(off_beat)
    piano, _ = accompaniment(score)
    assert off_beat_ticks(score) == place
    within = set((piano.onsets % 48).tolist())
    assert within == {0, 12 + place}
    kit = drums(score)
    assert kit.onsets[kit.pitches == RIDE][:6].tolist() == [0, 12, 12 + place, 24, 36, 36 + place]


def test_the_band_plays_even_eighths_if_the_solo_has_no_swing_ratio() -> None:
    assert off_beat_ticks(eighths(8, bars=2)) == 6
    assert off_beat_ticks(replace(eighths(8), notes=make_notes([]))) == 6


def test_the_drums_keep_the_beat_of_any_meter_to_the_end() -> None:
    kit = drums(eighths(6, bars=2, beats=3))
    assert kit.program == DRUM_KIT
    assert in_beats(kit, RIDE) == [0, 1, 1.5, 2, 3, 4, 4.5, 5]
    assert in_beats(kit, PEDAL) == [1, 4]
    cut_off = drums(replace(eighths(6, bars=1), end_tick=42, meters=(Meter(0, 7, 8),)))
    assert cut_off.offsets.max() <= 42
    assert in_beats(cut_off, RIDE) == [0, 1, 1.5, 2, 3]


@pytest.mark.parametrize(
    ("meters", "beats"),
    [
        ((Meter(0, 4, 4),), [0, 1, 2, 3]),
        ((Meter(0, 3, 4),), [0, 1, 2]),
        ((Meter(0, 6, 8),), [0, 0.5, 1, 1.5, 2, 2.5]),
        ((Meter(0, 1, 4), Meter(12, 4, 4)), [0, 1, 2, 3, 4, 5, 6]),  # a pickup of a beat is the second bar's fourth
        ((Meter(0, 4, 4), Meter(48, 3, 4)), [0, 1, 2, 3]),
    ],
)
def test_the_count_in_is_a_bar_of_beats_at_the_tempo_of_the_solo(meters: tuple[Meter, ...], beats: list[float]) -> None:
    score = replace(eighths(6), meters=meters, tempos=(Tempo(0, 200.0), Tempo(96, 100.0)))
    lead = count_in(score)
    assert in_beats(lead, STICK) == beats
    step = beats[1]
    assert lead.seconds == pytest.approx(len(beats) * step * 60 / 200)


def test_a_count_in_comes_before_the_solo_and_changes_nothing_in_it() -> None:
    score = replace(eighths(6), tempos=(Tempo(0, 150.0),))
    plain = render(score, comping=True, with_drums=True)
    counted = render(score, comping=True, with_drums=True, counted_in=True)
    lead = round(count_in(score).seconds * SAMPLE_RATE)
    assert lead == round(1.6 * SAMPLE_RATE)
    assert np.array_equal(counted.samples[lead:], plain.samples)
    for beat in range(4):
        start = lead * beat // 4
        assert np.abs(counted.samples[start : start + 2000]).max() > 0.02
    assert np.abs(counted.samples[lead - 2000 : lead]).max() < 0.02


def test_drums_sound_without_chords_and_are_quieter_than_the_solo() -> None:
    solo = replace(eighths(6), chords=(), notes=make_notes([(0, 12, 69, 90)]), end_tick=48)
    alone, with_drums = render(solo).mono, render(solo, with_drums=True).mono
    rest = slice(round(0.8 * SAMPLE_RATE), round(1.9 * SAMPLE_RATE))
    assert np.abs(with_drums[rest]).max() > 10 * np.abs(alone[rest]).max()
    assert np.abs(with_drums[rest]).max() < np.abs(with_drums[: SAMPLE_RATE // 2]).max()
    assert np.abs(with_drums).max() <= 10 ** (-1 / 20) + 1e-6


def test_the_drum_kit_is_read_back_as_a_drum_kit(tmp_path: Path) -> None:
    kit = drums(eighths(6))
    write_score(kit, tmp_path / "kit.mid")
    assert read_score(tmp_path / "kit.mid").program == DRUM_KIT
