"""Rendering of scores with the SoundFont that pretty_midi includes; no system package is needed."""

import functools
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.comping import accompaniment, count_in, drums
from yardbird.audio.loudness import levelled
from yardbird.audio.soundfont import repaired, soundfont_path
from yardbird.audio.wave import Waveform
from yardbird.music import midi
from yardbird.music.score import Score

SAMPLE_RATE = 44_100
_TAIL_SECONDS = 0.6  # after the end of the score, so that the last note rings out
_LOUDNESS = -17.0  # LUFS
_LOWEST_HZ = 30
_COMPING = 10 ** (-12 / 20)  # piano and bass together against the solo
_DRUMS = 10 ** (-15 / 20)  # the drums against the solo, also in the count-in


def render(
    score: Score,
    *,
    comping: bool = False,
    with_drums: bool = False,
    counted_in: bool = False,
    channels: Literal[1, 2] = 1,
) -> Waveform:
    """Render a score at 44.1 kHz, at a fixed loudness, without clipping; equal scores give equal samples.

    The waveform contains the count-in, the score and the ring-out of the last note. A score without notes is silence.

    Args:
        score: any resolution; its program selects the instrument.
        comping: add quiet piano shells and a walking bass where the score has chords.
        with_drums: add a ride pattern.
        counted_in: start with the bar of `comping.count_in`; the samples after it do not change.
        channels: 1, or 2 for the stereo image of the SoundFont, each then 3 dB quieter.
    """
    mix = _part(score, channels)
    band = accompaniment(score) if comping else ()
    if band:
        mix = mix + np.sum([_part(part, channels) for part in band], axis=0) * np.float32(_COMPING / np.sqrt(len(band)))
    if with_drums:
        mix = mix + _part(drums(score), channels) * np.float32(_DRUMS)
    if band or with_drums:
        mix = levelled(mix, SAMPLE_RATE, _LOUDNESS)
    if counted_in:
        lead = count_in(score)
        beats = _part(lead, channels)[: round(lead.seconds * SAMPLE_RATE)] * np.float32(_DRUMS)
        mix = np.concatenate([beats, mix])
    return Waveform(mix, SAMPLE_RATE)


@functools.cache
def _synthesizer() -> Any:  # mypy does not read the stubs of symusic
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repaired.sf2"
        files.write_bytes(path, repaired(soundfont_path().read_bytes()))
        return midi.open_synthesizer(path, SAMPLE_RATE)


def synthesised(score: Score) -> NDArray[np.float32]:
    """The samples as the synthesizer gives them, (samples, 2): at no fixed loudness, and without an import of SciPy."""
    return midi.render_score(score, _synthesizer(), SAMPLE_RATE, _TAIL_SECONDS)


def _part(score: Score, channels: int) -> NDArray[np.float32]:
    """One instrument at the target loudness, without the DC offset that the SoundFont's sax adds to every note."""

    from scipy import signal

    samples = synthesised(score)
    if channels == 1:
        samples = Waveform(samples, SAMPLE_RATE).mono[:, None]
    if not samples.any():
        return samples
    high_pass = signal.butter(2, _LOWEST_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    filtered: NDArray[np.float32] = signal.sosfilt(high_pass, samples, axis=0).astype(np.float32)
    return levelled(filtered, SAMPLE_RATE, _LOUDNESS)
