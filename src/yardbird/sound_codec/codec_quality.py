"""How well sounds survive the codec: is the pitch kept, how far is the spectrum, and a picture of both."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import librosa
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from transformers import EncodecModel

from yardbird.nn import encodec
from yardbird.nn.encodec import HOP, SAMPLE_RATE
from yardbird.sound_codec.training_sounds import COMPING, Clip, Samples

QUARTER_TONE = 2 ** (1 / 24)
_LOWEST_HZ, _HIGHEST_HZ = 40.0, 1800.0  # a double bass's E; above a soprano saxophone
_PITCH_BINS = 0.2  # semitones: a tenth, the default, takes seven times as long
_BANDS, _WINDOW = 80, 1024
_FLOOR = 1e-3  # of the mel magnitudes, before the logarithm: about what the rounding to 16 bits leaves in a band


def pitch(samples: Samples) -> NDArray[np.float64]:
    """Hz in every frame, NaN where unvoiced: (1 + n // HOP,). Probabilistic YIN, Mauch & Dixon 2014."""
    hertz: NDArray[np.float64] = librosa.pyin(
        samples,
        sr=SAMPLE_RATE,
        fmin=_LOWEST_HZ,
        fmax=_HIGHEST_HZ,
        frame_length=_WINDOW,
        hop_length=HOP,
        resolution=_PITCH_BINS,
    )[0]
    return hertz


def pitch_kept(original: Samples, decoded: Samples) -> tuple[int, int]:
    """Frames of the original that are voiced, and those of them voiced in `decoded` within a quarter tone of it."""
    wanted, found = pitch(original), pitch(decoded)
    near = np.abs(np.log(found / wanted)) <= np.log(QUARTER_TONE)  # false where either is unvoiced
    return int(np.isfinite(wanted).sum()), int(near.sum())


def log_mel(samples: Samples) -> NDArray[np.float32]:
    """log10 of the magnitudes of 80 mel bands, windows of 64 ms every 16 ms: (bands, frames)."""
    bands = librosa.feature.melspectrogram(
        y=samples,
        sr=SAMPLE_RATE,
        n_fft=_WINDOW,
        hop_length=_WINDOW // 4,
        n_mels=_BANDS,
        power=1.0,
        htk=True,
        norm=None,
    )
    logarithm: NDArray[np.float32] = np.log10(np.maximum(bands, _FLOOR))
    return logarithm


def log_mel_distance(original: Samples, decoded: Samples) -> float:
    """Mean absolute difference of `log_mel`, 0 where both are the same; 0.05 is a decibel."""
    return float(np.abs(log_mel(original) - log_mel(decoded)).mean())


def through(model: EncodecModel, samples: Samples) -> Samples:
    """Encoded and decoded, cut to the length it had."""
    return encodec.decode(model, encodec.encode(model, samples))[: len(samples)]


def measure(model: EncodecModel, clips: Sequence[Clip]) -> dict[str, Any]:
    """Over held-out clips: `pitch_kept` as a share of all voiced frames, in all and by group, and the mean distance.

    Clips with a rhythm section count in the distance alone: a mixture has no one pitch.
    """
    voiced: dict[str, int] = defaultdict(int)
    kept: dict[str, int] = defaultdict(int)
    distances = []
    for clip in clips:
        decoded = through(model, clip.samples)
        distances.append(log_mel_distance(clip.samples, decoded))
        if clip.group != COMPING:
            frames, near = pitch_kept(clip.samples, decoded)
            voiced[clip.group] += frames
            kept[clip.group] += near
    by_group = {group: kept[group] / frames for group, frames in sorted(voiced.items()) if frames}
    return {
        "pitch_share": sum(kept.values()) / max(1, sum(voiced.values())),
        "log_mel_distance": float(np.mean(distances)),
        "voiced_frames": sum(voiced.values()),
        "pitch_share_by_instrument": by_group,
    }


def draw(model: EncodecModel, clips: Sequence[Clip], path: Path) -> None:
    """Spectrograms of clips, above, and of what comes out of the codec, below."""
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(4.5 * len(clips), 6), layout="constrained")
        axes = figure.subplots(2, len(clips), squeeze=False, sharex=True, sharey=True)
        for column, clip in enumerate(clips):
            for row, samples in enumerate((clip.samples, through(model, clip.samples))):
                level = 20 * log_mel(samples)
                extent = (0.0, len(samples) / SAMPLE_RATE, 0.0, float(_BANDS))
                axes[row, column].imshow(level, origin="lower", aspect="auto", extent=extent, vmin=-60, vmax=30)
            axes[0, column].set_title(clip.group)
            axes[1, column].set_xlabel("seconds")
        axes[0, 0].set_ylabel("original, mel band")
        axes[1, 0].set_ylabel("through the codec, mel band")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=80, metadata={"Software": None})
