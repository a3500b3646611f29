"""Encodes sound, scores and pictures as compact data URIs for a page."""

import base64
import io
import tempfile
from pathlib import Path

from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform, encode_mp3, read_wave
from yardbird.music.midi import write_score
from yardbird.music.score import Score

_SAMPLE_RATE = 22_050


def sound_uri(path: Path) -> str:
    """A sound file as mono MP3 at 22 050 Hz, a twentieth of the size of its WAV."""
    mono = Waveform(to_mono(read_wave(path), _SAMPLE_RATE)[:, None], _SAMPLE_RATE)
    return data_uri("audio/mpeg", encode_mp3(mono))


def picture_uri(path: Path) -> str:
    """A PNG at half its width and height."""
    import matplotlib.image

    pixels = matplotlib.image.imread(path)
    height, width = (size // 2 for size in pixels.shape[:2])
    halved = pixels[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).mean(axis=(1, 3))
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, halved, format="png", metadata={"Software": ""})
    return data_uri("image/png", buffer.getvalue())


def midi_uri(score: Score) -> str:
    """A score as a MIDI file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solo.mid"
        write_score(score, path)
        return data_uri("audio/midi", path.read_bytes())


def data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
