"""Pages with the sound and image of a solo for MLflow's artifact view, which shows html, wav and png but not MIDI."""

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.wave import Waveform, write_wave
from yardbird.music.midi import write_score
from yardbird.music.score import Score


def write_solo(folder: Path, stem: str, sample: Any, waveform: Waveform, image: NDArray[np.uint8]) -> None:
    """Write `stem` as .wav, .png and .html, and as .mid if the sample is a score."""
    import matplotlib.image

    if isinstance(sample, Score):
        write_score(sample, folder / f"{stem}.mid")
    write_wave(waveform, folder / f"{stem}.wav")
    picture = io.BytesIO()
    matplotlib.image.imsave(picture, image, format="png")
    files.write_bytes(folder / f"{stem}.png", picture.getvalue())
    files.write_text(folder / f"{stem}.html", solo_page(stem, folder / f"{stem}.wav", folder / f"{stem}.png"))


def solo_page(title: str, wave: Path, picture: Path) -> str:
    """A self-contained page with an audio player and an image."""
    sound, image = (base64.b64encode(path.read_bytes()).decode() for path in (wave, picture))
    return (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<body style='font-family:sans-serif;margin:1em'><h3>{html.escape(title)}</h3>"
        f"<audio controls src='data:audio/wav;base64,{sound}'></audio>"
        f"<p><img style='max-width:100%' alt='piano roll' src='data:image/png;base64,{image}'>"
    )
