"""Scores made audible through the SoundFont that pretty_midi carries; no system package is needed."""

import functools
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from yardbird.audio.comping import accompaniment, count_in, drums
from yardbird.audio.loudness import levelled
from yardbird.audio.soundfont import mended, soundfont_path
from yardbird.audio.wave import Waveform
from yardbird.music import midi
from yardbird.music.score import Score

SAMPLE_RATE = 44_100
_TAIL_SECONDS = 0.6  # rung out after the end of the score
_LOUDNESS = -18.0  # dB below full scale
_LOWEST_HZ = 30
_COMPING = 10 ** (-9 / 20)  # piano and bass together against the solo
_DRUMS = 10 ** (-15 / 20)  # the drums against the solo, in the count-in too


def render(
    score: Score,
    *,
    comping: bool = False,
    with_drums: bool = False,
    counted_in: bool = False,
    channels: Literal[1, 2] = 1,
) -> Waveform:
    """Render a score at 44.1 kHz, at an even loudness, without clipping; the same score gives the same samples.

    The waveform lasts as long as the count-in, the score and its ring-out. A score without notes is silence.

    Args:
        score: any ticks a beat; its program chooses the instrument.
        comping: put quiet piano shells and a walking bass under the solo where the score has chords.
        with_drums: put a ride pattern under the solo.
        counted_in: begin with the bar of `comping.count_in`; behind it, the samples are those without it.
        channels: 1, or 2 for the SoundFont's own stereo picture.
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
def _synthesizer() -> Any:  # symusic's, whose stubs are not read
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mended.sf2"
        path.write_bytes(mended(soundfont_path().read_bytes()))
        return midi.open_synthesizer(path, SAMPLE_RATE)


def _part(score: Score, channels: int) -> NDArray[np.float32]:
    """One instrument, levelled, without the offset from zero that the SoundFont's sax brings with every note."""
    samples = midi.render_score(score, _synthesizer(), SAMPLE_RATE, _TAIL_SECONDS)
    if channels == 1:
        samples = Waveform(samples, SAMPLE_RATE).mono[:, None]
    if not samples.any():
        return samples
    high_pass = signal.butter(2, _LOWEST_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    filtered: NDArray[np.float32] = signal.sosfilt(high_pass, samples, axis=0).astype(np.float32)
    return levelled(filtered, SAMPLE_RATE, _LOUDNESS)
