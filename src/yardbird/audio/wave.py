"""Waveforms, and reading and writing of audio files; the only module that imports soundfile and PyAV."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from yardbird import files
from yardbird.errors import InputError

#: The formats that require PyAV.
MPEG4_SUFFIXES = (".m4a", ".m4b", ".mp4", ".aac", ".wma", ".webm", ".mka", ".ac3", ".amr")
_REMEDY = "give a wav, flac, mp3, ogg, opus or aiff file"
#: A byte of a file holds fewer samples, except in silence. The number of frames in a header may be wrong by any amount.
_MOST_SAMPLES_PER_BYTE = 64


@dataclass(frozen=True, eq=False)
class Waveform:
    """`samples` is float32 of shape (frames, channels), full scale at ±1; `sample_rate` is in frames per second."""

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
        """The largest absolute sample; 0 for an empty waveform."""
        return float(np.abs(self.samples).max(initial=0.0))

    @property
    def mono(self) -> NDArray[np.float32]:
        """The mean of the channels, shape (frames,)."""
        total = np.zeros(len(self.samples), dtype=np.float32)
        for channel in self.samples.T:  # several times faster than the mean over an axis of one or two
            total += channel
        return total / np.float32(self.samples.shape[1])


def write_wave(waveform: Waveform, path: Path) -> None:
    """Write 16-bit PCM atomically; equal waveforms give equal bytes (float formats contain a time stamp).

    The format is FLAC (lossless, half the size) if the name ends in `.flac`, otherwise WAV.
    """
    buffer = io.BytesIO()
    kind = "FLAC" if path.suffix == ".flac" else "WAV"
    pcm = np.round(np.clip(waveform.samples, -1, 1) * 32767).astype(np.int16)
    soundfile.write(buffer, pcm, waveform.sample_rate, format=kind, subtype="PCM_16")
    files.write_bytes(path, buffer.getvalue())


def encode_mp3(waveform: Waveform) -> bytes:
    """Encode as MP3 of about 40 kbit/s, which every browser plays; equal waveforms give equal bytes.

    Ogg is not used because its streams contain a random number.
    """
    buffer = io.BytesIO()
    quality = {"bitrate_mode": "VARIABLE", "compression_level": 0.7}
    soundfile.write(buffer, waveform.samples, waveform.sample_rate, format="MP3", **quality)
    return buffer.getvalue()


def read_wave(path: Path) -> Waveform:
    """Read an audio file of any rate and number of channels: the formats of libsndfile, and m4a and aac with PyAV.

    Samples of floating-point and compressed files may exceed ±1; they are not clipped.

    Raises:
        InputError: the file is missing, not audio or without a header, or PyAV is required and not installed.
    """
    try:
        with soundfile.SoundFile(path) as file:
            samples, sample_rate = _read_all(file, path.stat().st_size), file.samplerate
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no such file"
            raise InputError(path, expected="a sound file", found=found, remedy=_REMEDY) from None
        if isinstance(error, TypeError):  # soundfile requires rate and format if the name ends in .raw
            found = "samples without a header, so that their rate is unknown"
            raise InputError(path, expected="a sound file", found=found, remedy=_REMEDY) from None
        if path.suffix.lower() in MPEG4_SUFFIXES:
            return _read_with_av(path)
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or "no sound in it"
        raise InputError(
            path, expected="a sound file", found=f"an unreadable file ({reason})", remedy=_REMEDY
        ) from None
    return Waveform(samples, sample_rate)


def _read_all(file: soundfile.SoundFile, size: int) -> NDArray[np.float32]:
    """All samples of a file of `size` bytes, at once if that is plausible: MP3 in blocks differs in the last digit."""
    if file.seekable():
        file.seek(0)  # as `soundfile.read` does; without it MP3 differs in the last digit
    block = max(1, _MOST_SAMPLES_PER_BYTE * size // file.channels)
    blocks = [file.read(block, dtype="float32", always_2d=True)]
    while len(blocks[-1]):
        blocks.append(file.read(block, dtype="float32", always_2d=True))
    return blocks[0] if len(blocks) <= 2 else np.concatenate(blocks)


def _read_with_av(path: Path) -> Waveform:
    try:
        import av
    except ModuleNotFoundError:
        found = f"a {path.suffix.lower()} file, which needs PyAV"
        remedy = "install it (pip install -e '.[m4a]'), or convert the file to wav"
        raise InputError(path, expected="a sound file", found=found, remedy=remedy) from None
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")  # to floats, one row per channel; rate and channels stay
            decoded = [*container.decode(stream), None]  # None flushes the resampler
            blocks = [block.to_ndarray() for frame in decoded for block in resampler.resample(frame)]
            sample_rate = stream.rate
        samples = np.concatenate(blocks, axis=1).T.astype(np.float32)
    except (av.FFmpegError, IndexError, ValueError) as error:
        found = f"an unreadable file ({getattr(error, 'strerror', None) or 'no sound in it'})"
        raise InputError(path, expected="a sound file", found=found, remedy=_REMEDY) from None
    return Waveform(np.ascontiguousarray(samples), sample_rate)
