"""Scores made audible through the SoundFont that pretty_midi carries; no system package is needed."""

import functools
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from yardbird.audio.comping import accompaniment
from yardbird.audio.soundfont import mended, soundfont_path
from yardbird.audio.wave import Waveform
from yardbird.music import midi
from yardbird.music.score import Score

SAMPLE_RATE = 44_100
_TAIL_SECONDS = 0.6  # rung out after the end of the score
_FRAME = 2048  # samples over which loudness is gauged, about 46 ms
_LOUDNESS = 10 ** (-18 / 20)  # root mean square of the sounding frames, −18 dB below full scale
_CEILING = 10 ** (-1 / 20)  # no sample above −1 dB
_LOWEST_HZ = 30
_COMPING = 10 ** (-9 / 20)  # piano and bass together against the solo


def render(score: Score, *, comping: bool = False, channels: Literal[1, 2] = 1) -> Waveform:
    """Render a score at 44.1 kHz, at an even loudness, without clipping; the same score gives the same samples.

    The waveform lasts as long as the score and its ring-out. A score without notes is silence.

    Args:
        score: any ticks a beat; its program chooses the instrument.
        comping: put quiet piano shells and a walking bass under the solo where the score has chords.
        channels: 1, or 2 for the SoundFont's own stereo picture.
    """
    mix = _levelled(_part(score))
    if comping and (band := accompaniment(score)):
        mix = mix + np.sum([_levelled(_part(part)) for part in band], axis=0) * np.float32(
            _COMPING / np.sqrt(len(band))
        )
    if channels == 1:
        mix = mix.mean(axis=1, keepdims=True, dtype=np.float32)
    return Waveform(_levelled(mix), SAMPLE_RATE)


@functools.cache
def _synthesizer() -> Any:  # symusic's, whose stubs are not read
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mended.sf2"
        path.write_bytes(mended(soundfont_path().read_bytes()))
        return midi.open_synthesizer(path, SAMPLE_RATE)


def _part(score: Score) -> NDArray[np.float32]:
    """One instrument, without the offset from zero that the SoundFont's sax brings with every note."""
    samples = midi.render_score(score, _synthesizer(), SAMPLE_RATE, _TAIL_SECONDS)
    if not samples.any():
        return samples
    high_pass = signal.butter(2, _LOWEST_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    filtered: NDArray[np.float32] = signal.sosfilt(high_pass, samples, axis=0).astype(np.float32)
    return filtered


def _levelled(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled to `_LOUDNESS` over the frames that sound, less where a peak would pass the ceiling."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        return samples
    whole = samples[: len(samples) // _FRAME * _FRAME] if len(samples) >= _FRAME else samples
    power = (whole.reshape(-1, min(_FRAME, len(whole)) * whole.shape[1]).astype(np.float64) ** 2).mean(axis=1)
    sounding = power[power > power.max() / 1000]
    gain = min(_LOUDNESS / np.sqrt(sounding.mean()), _CEILING / peak)
    return samples * np.float32(gain)
