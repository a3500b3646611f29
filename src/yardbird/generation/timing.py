"""Measures how fast a model draws. Like the cost of training, this differs between runs of the same commit."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from yardbird import files
from yardbird.devices import device_in_words

T = TypeVar("T")


def timed(draw: Callable[[], T]) -> tuple[T, float]:
    """The result of `draw`, and the seconds it took, including pending work on a GPU."""
    start = time.perf_counter()
    drawn = draw()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return drawn, time.perf_counter() - start


def write_speed(family: str, music_seconds: float, drawing_seconds: float, reports: Path = Path("reports")) -> None:
    """Write the metric file `timing/<family>_generation.json`.

    Args:
        music_seconds: total duration of the drawn music, without primes.
        drawing_seconds: time for drawing it, from `timed`; excludes loading the model and writing files.
    """
    figures = {
        "music_seconds": round(music_seconds, 2),
        "drawing_seconds": round(drawing_seconds, 2),
        "music_seconds_per_second": float(f"{music_seconds / drawing_seconds:.3g}"),
        "drawn_on": device_in_words(),
    }
    files.write_json(reports / "timing" / f"{family}_generation.json", {family: figures})
