"""Quality of the codec: share of kept pitch, spectral distance, and a plot of spectrograms."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import librosa
import numpy as np
from numpy.typing import NDArray

from yardbird.audio.compile_lock import compiled_alone
from yardbird.nn import encodec
from yardbird.nn.encodec import HOP, SAMPLE_RATE
from yardbird.sound_codec.training_sounds import COMPING, Clip, Samples

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel

QUARTER_TONE = 2 ** (1 / 24)
_LOWEST_HZ, _HIGHEST_HZ = 40.0, 1800.0  # from the low E of a double bass to above a soprano saxophone
_PITCH_BINS = 0.2  # semitones; the default, 0.1, takes seven times as long
_BANDS, _WINDOW = 80, 1024
_FLOOR = 1e-3  # of the mel magnitudes, before the logarithm: about the noise of 16-bit rounding in a band


@compiled_alone
def pitch(samples: Samples) -> NDArray[np.float64]:
    """Pitch in Hz in every frame, NaN if unvoiced: (1 + n // HOP,). Probabilistic YIN, Mauch & Dixon 2014."""
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
    """Number of voiced frames of the original, and of those that `decoded` keeps within a quarter tone."""
    wanted, found = pitch(original), pitch(decoded)
    near = np.abs(np.log(found / wanted)) <= np.log(QUARTER_TONE)  # false where either is unvoiced
    return int(np.isfinite(wanted).sum()), int(near.sum())


@compiled_alone
def log_mel(samples: Samples) -> NDArray[np.float32]:
    """log10 magnitudes of 80 mel bands, in windows of 64 ms every 16 ms: (bands, frames)."""
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
    """Mean absolute difference of `log_mel`; 0.05 is one decibel."""
    return float(np.abs(log_mel(original) - log_mel(decoded)).mean())


def through(model: "EncodecModel", samples: Samples) -> Samples:
    """Encode and decode, cut to the original length."""
    return encodec.decode(model, encodec.encode(model, samples))[: len(samples)]


def measure(model: "EncodecModel", clips: Sequence[Clip]) -> dict[str, Any]:
    """Metrics over held-out clips: share of voiced frames with kept pitch, in total and by group, and mean distance.

    Clips with a rhythm section count only in the distance, because a mixture has no single pitch.
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


def draw(model: "EncodecModel", clips: Sequence[Clip], path: Path) -> None:
    """Draw spectrograms of clips (top row) and of their reconstructions (bottom row)."""

    import matplotlib as mpl
    from matplotlib.figure import Figure

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
