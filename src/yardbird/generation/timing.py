"""How fast a model draws: what two runs of the same commit may disagree on, as on the cost of training."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from yardbird import files
from yardbird.devices import device_in_words

T = TypeVar("T")


def timed(draw: Callable[[], T]) -> tuple[T, float]:
    """What `draw` gives, and the seconds that passed until a GPU, if there is one, had finished it too."""
    start = time.perf_counter()
    drawn = draw()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return drawn, time.perf_counter() - start


def write_speed(family: str, music_seconds: float, drawing_seconds: float, reports: Path = Path("reports")) -> None:
    """Write the metric file `timing/<family>_generation.json`.

    Args:
        music_seconds: of everything that was drawn, added up; what a prime gave left out.
        drawing_seconds: that drawing it took, as `timed` says: neither loading the model nor writing files.
    """
    figures = {
        "music_seconds": round(music_seconds, 2),
        "drawing_seconds": round(drawing_seconds, 2),
        "music_seconds_per_second": float(f"{music_seconds / drawing_seconds:.3g}"),
        "drawn_on": device_in_words(),
    }
    files.write_json(reports / "timing" / f"{family}_generation.json", {family: figures})
