"""Reads the interpolations between two solos in the latent space, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from yardbird.music.midi import read_score
from yardbird.music.score import Score
from yardbird.tables.copies_table import read_copies

PATH = "linear"  # the measured path that is shown


@dataclass(frozen=True, eq=False)
class Step:
    """`alpha` is 0 at the first solo, 1 at the second; distances are shares of the melody grid that differ."""

    alpha: float
    score: Score
    wave: Path
    to_first: float
    to_second: float
    new_bars: float  # share of the bars that are in neither solo


@dataclass(frozen=True, eq=False)
class Way:
    first: str
    second: str
    steps: Sequence[Step]


def read_ways(data: Path) -> list[Way]:
    """The pairs of solos with written steps, in order; empty if stage explore has not run."""
    folder = data / "explored/interpolation"
    if not (folder / "steps.csv").is_file():
        return []
    table = pd.read_csv(folder / "steps.csv")
    titles, ways = _titles(data), []
    for pair, own in table[table["path"] == PATH].groupby("pair", sort=False):
        first, second = _ends(str(pair), titles)
        stems = [folder / str(pair) / PATH / f"step_{int(step) + 1:02d}" for step in own["step"]]
        if all(stem.with_suffix(".wav").is_file() for stem in stems):
            steps = [
                Step(
                    alpha=row["alpha"],
                    score=read_score(stem.with_suffix(".mid")),
                    wave=stem.with_suffix(".wav"),
                    to_first=row["distance_to_a"],
                    to_second=row["distance_to_b"],
                    new_bars=row["new_bars"],
                )
                for stem, row in zip(stems, own.to_dict("records"), strict=True)
            ]
            ways.append(Way(titles.get(first, first), titles.get(second, second), steps))
    return ways


def _ends(pair: str, titles: Mapping[str, str]) -> tuple[str, str]:
    """The two names of a pair; a name may itself contain `_to_`, as in Easy to Love."""
    for first in titles:
        second = pair.removeprefix(f"{first}_to_")
        if second != pair and second in titles:
            return first, second
    first, _, second = pair.partition("_to_")
    return first, second


def _titles(data: Path) -> dict[str, str]:
    """Titles by the names used in pairs."""
    return {row.solo.replace("/", "_"): f"{row.title} by {row.artist}" for row in read_copies(data / "augmented")}
