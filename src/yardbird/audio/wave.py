"""Sound as samples, and sound files in and out: the only module that imports soundfile."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from yardbird import files
from yardbird.errors import InputError


@dataclass(frozen=True, eq=False)
class Waveform:
    """`samples` is float32 of shape (frames, channels), full scale at ±1; `sample_rate` is frames a second."""

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        assert self.samples.ndim == 2, "samples are (frames, channels)"
        assert self.samples.dtype == np.float32

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def peak(self) -> float:
        """The largest absolute sample, 0 where there is none."""
        return float(np.abs(self.samples).max(initial=0.0))

    @property
    def mono(self) -> NDArray[np.float32]:
        """The mean of the channels, shape (frames,)."""
        total = np.zeros(len(self.samples), dtype=np.float32)
        for channel in self.samples.T:  # several times as fast as the mean over an axis of one or two
            total += channel
        return total / np.float32(self.samples.shape[1])


def write_wave(waveform: Waveform, path: Path) -> None:
    """Write 16-bit PCM, atomically and the same bytes every time (the float formats would carry a time stamp).

    FLAC, half as large and without loss, where the name ends in `.flac`, else WAV.
    """
    buffer = io.BytesIO()
    kind = "FLAC" if path.suffix == ".flac" else "WAV"
    pcm = np.round(np.clip(waveform.samples, -1, 1) * 32767).astype(np.int16)
    soundfile.write(buffer, pcm, waveform.sample_rate, format=kind, subtype="PCM_16")
    files.write_bytes(path, buffer.getvalue())


def encode_mp3(waveform: Waveform) -> bytes:
    """An MP3 file of some 40 kbit/s, which every browser plays; the same bytes every time.

    Not Ogg: its streams carry a random number, so that no two files are the same.
    """
    buffer = io.BytesIO()
    quality = {"bitrate_mode": "VARIABLE", "compression_level": 0.7}
    soundfile.write(buffer, waveform.samples, waveform.sample_rate, format="MP3", **quality)
    return buffer.getvalue()


def read_wave(path: Path) -> Waveform:
    """Read wav, flac, mp3 or ogg of any rate and number of channels.

    Raises:
        InputError: the file is missing or no sound file.
    """
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        found = "no such file" if not path.exists() else f"an unreadable file ({error})"
        raise InputError(
            path, expected="a sound file", found=found, remedy="give a wav, flac, mp3 or ogg file"
        ) from None
    return Waveform(samples, sample_rate)
