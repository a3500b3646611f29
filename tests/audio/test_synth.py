from dataclasses import replace

import numpy as np
import pytest

from yardbird.audio.comping import accompaniment
from yardbird.audio.loudness import integrated_loudness
from yardbird.audio.synth import SAMPLE_RATE, render
from yardbird.audio.wave import Waveform
from yardbird.generation.leadsheet import LeadSheet
from yardbird.music.score import Score, Tempo, make_notes

CHANGES = LeadSheet.parse("F7 | Bb7 | F7 | Cm7 F7").chord_changes(12, 4)


def solo(pitch: int = 69, velocity: int = 100) -> Score:
    """Four bars at 120: a long note, a rest, eighths that climb."""
    rows = [(0, 24, pitch, velocity)] + [(48 + 6 * i, 6, 60 + i % 12, velocity) for i in range(20)]
    return Score(12, make_notes(rows), end_tick=192, chords=CHANGES)


def frequency(waveform: Waveform, start: float, stop: float) -> float:
    """The strongest partial of a stretch, in Hz."""
    stretch = waveform.mono[round(start * waveform.sample_rate) : round(stop * waveform.sample_rate)]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)), 8 * len(stretch)))
    return float(np.argmax(spectrum)) * waveform.sample_rate / (8 * len(stretch))


@pytest.mark.parametrize("pitch", [55, 64, 69, 81])
def test_the_first_note_sounds_at_its_pitch(pitch: int) -> None:
    """The strongest partial may be a multiple of the pitch. Tolerance: a quarter tone."""
    waveform = render(solo(pitch))
    ratio = frequency(waveform, 0.2, 0.9) / (440 * 2 ** ((pitch - 69) / 12))
    assert round(ratio) in (1, 2, 3)
    assert abs(12 * np.log2(ratio / round(ratio))) < 0.25


def test_every_note_of_the_alto_sounds() -> None:
    """Regression: E above middle C has no sample in the SoundFont and was silent."""
    for pitch in range(40, 97):
        score = Score(12, make_notes([(0, 12, pitch, 80)]), end_tick=12)
        assert render(score).peak > 0.05, pitch


@pytest.mark.parametrize("velocity", [30, 127])
@pytest.mark.parametrize("comping", [False, True])
def test_every_rendering_has_one_loudness_and_never_clips(velocity: int, comping: bool) -> None:
    waveform = render(solo(velocity=velocity), comping=comping)
    assert waveform.peak <= 10 ** (-1 / 20) + 1e-6
    assert integrated_loudness(waveform.samples, SAMPLE_RATE) == pytest.approx(-17, abs=0.01)


def test_piano_and_bass_are_12_lu_below_the_solo() -> None:
    """Regression: with one loudness for every part they came 3 LU nearer."""
    alone, together = render(solo()).samples, render(solo(), comping=True).samples
    scale = (alone * together).sum() / np.square(alone).sum()
    band = together - scale * alone
    below = integrated_loudness(scale * alone, SAMPLE_RATE) - integrated_loudness(band, SAMPLE_RATE)
    assert below == pytest.approx(12, abs=1)


@pytest.mark.parametrize("program", [0, 26, 32, 56, 66, 71, 73])
@pytest.mark.parametrize("channels", [1, 2])
def test_all_instruments_are_equally_loud(program: int, channels: int) -> None:
    """With the level of the sounding frames, they differed by 2 LU."""
    waveform = render(replace(solo(), program=program), channels=channels)
    assert integrated_loudness(waveform.samples, SAMPLE_RATE) == pytest.approx(-17, abs=0.01)


def test_a_rest_is_silent_and_a_note_is_not() -> None:
    samples = np.abs(render(solo()).mono)
    assert samples[round(1.5 * SAMPLE_RATE) : round(1.95 * SAMPLE_RATE)].max() < 0.01
    assert samples[round(2.0 * SAMPLE_RATE) : round(2.2 * SAMPLE_RATE)].max() > 0.05


def test_the_sound_lasts_as_long_as_the_score_under_its_tempo_map_and_rings_out() -> None:
    score = replace(solo(), tempos=(Tempo(0, 120.0), Tempo(96, 240.0)))
    assert score.seconds == pytest.approx(6.0)
    assert render(score).seconds == pytest.approx(6.6, abs=1e-4)


def test_the_last_note_rings_out() -> None:
    score = Score(12, make_notes([(0, 12, 69, 100)]), end_tick=12, tempos=(Tempo(0, 60.0),))
    assert np.abs(render(score).mono[SAMPLE_RATE + 1 : SAMPLE_RATE + 200]).max() > 1e-3


def test_the_wave_has_no_dc_offset() -> None:
    """The SoundFont's sax has a DC offset of half its loudness."""
    note = render(solo()).mono[round(0.2 * SAMPLE_RATE) : round(0.9 * SAMPLE_RATE)]
    assert abs(note.mean()) < 0.01 * note.std()


def test_the_same_score_gives_the_same_samples() -> None:
    first, second = render(solo(), comping=True, channels=2), render(solo(), comping=True, channels=2)
    assert first.samples.tobytes() == second.samples.tobytes()


def test_stereo_has_two_channels_and_mono_one() -> None:
    assert render(solo(), channels=2).samples.shape[1] == 2
    assert render(solo(), channels=1).samples.shape[1] == 1


def test_a_score_without_notes_is_silence_of_its_length() -> None:
    silence = render(Score(12, make_notes([]), end_tick=48))
    assert silence.peak == 0
    assert silence.seconds == pytest.approx(2.6, abs=1e-4)


def test_comping_sounds_in_the_rests_of_the_solo_and_is_quieter() -> None:
    alone, with_band = render(solo()).mono, render(solo(), comping=True).mono
    rest = slice(round(1.3 * SAMPLE_RATE), round(1.9 * SAMPLE_RATE))
    playing = slice(round(2.1 * SAMPLE_RATE), round(6 * SAMPLE_RATE))

    def level(samples: np.ndarray, stretch: slice) -> float:
        return float(np.sqrt(np.mean(samples[stretch].astype(np.float64) ** 2)))

    assert level(with_band, rest) > 10 * level(alone, rest)
    assert level(with_band, rest) < 0.7 * level(with_band, playing)


def test_the_band_plays_the_changes() -> None:
    piano, bass = accompaniment(solo())
    for onset, _, pitch, _ in piano.notes.tolist():
        chord = CHANGES[int(piano.chord_index_of(np.array([onset]))[0])].chord
        assert chord is not None
        assert pitch % 12 in chord.pitch_classes
    roots = {change.tick: change.chord.root for change in CHANGES if change.chord}
    played = dict(zip(bass.onsets.tolist(), bass.pitches.tolist(), strict=True))
    assert all(played[tick] % 12 == root for tick, root in roots.items())
    assert bass.is_monophonic


def test_without_chords_there_is_no_band() -> None:
    assert accompaniment(replace(solo(), chords=())) == ()
