"""Which bars of a solo are drawn again: the file of the solo, and ranges of bars as users write them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird.data.reading import read_untouched
from yardbird.errors import InputError
from yardbird.music.score import Ints, Score


@dataclass(frozen=True)
class Filling:
    """A solo and the bars to draw again.

    Attributes:
        score: the solo as in the file, in its ticks.
        line: the same solo reduced to one note at a time, the form that models read.
        gaps: ranges of bars, counted from 0; ascending, never adjacent.
    """

    file: Path
    score: Score
    line: Score
    gaps: tuple[range, ...]

    def holds(self, ticks: Ints) -> NDArray[np.bool_]:
        """True for each tick inside a gap: (ticks,)."""
        bars = np.zeros(self.line.bar_count, dtype=np.bool_)
        for gap in self.gaps:
            bars[gap.start : gap.stop] = True
        return bars[self.line.bar_of(ticks)]


def read_filling(path: Path, ranges: Sequence[str], part: str = "") -> Filling:
    """Read a file with a solo, and bars as users write them: `9-12`, `9-12,21-24`, `5`; the first bar is 1.

    Bars are counted from the start of the file, including empty ones; a pickup counts as one.

    Args:
        part: the part with the solo, as in `load_midi`.

    Raises:
        InputError: the file has no solo or no such part, or a range is malformed or outside its bars.
    """
    score, line = read_untouched(path, part)
    bars = np.zeros(score.bar_count + 1, dtype=np.bool_)
    for text in ",".join(ranges).split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", text)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= score.bar_count:
            expected = f"bars such as 9-12, or 9-12,21-24, within 1-{score.bar_count} of {path.name}"
            raise InputError("--fill", expected=expected, found=repr(text), remedy="correct the range")
        bars[first - 1 : last] = True
    edges = np.flatnonzero(np.diff(bars, prepend=False))
    return Filling(path, score, line, tuple(range(start, stop) for start, stop in edges.reshape(-1, 2).tolist()))
