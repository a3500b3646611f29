"""The best and the median solo of each family, to hear, to see and to read.

    distance of a solo   the mean over metrics of |value − mean of real solos| / standard deviation of real solos

The metrics are those of which both are known. A single solo lies further off than the mean of a set, for it differs by
chance as well: real held-out solos, cut to the same length, are measured likewise beside it.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from yardbird import files
from yardbird.audio.transcription import spoken_tempo, transcribe
from yardbird.audio.wave import read_wave
from yardbird.metrics.rows import REAL
from yardbird.metrics.table import describe
from yardbird.music.excerpts import excerpts, in_full_bars, length_beats
from yardbird.music.grid import quantise
from yardbird.music.midi import read_score
from yardbird.music.score import Score

_STEPS_PER_BEAT = 12  # of the grid that models write on; real solos are heard on it too
Figures = Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class Heard:
    """A generated solo: `title` is its chart's name and its own number, or its prompt."""

    title: str
    facts: str
    wave: Path
    score: Score
    transcribed: bool  # the notes are what a transcriber hears in the sound
    picture: Path | None  # of a sound, its spectrogram
    distance: float | None


@dataclass(frozen=True, eq=False)
class Family:
    """All solos of a family, the nearest to real ones first; `real` are the distances of real solos."""

    name: str
    solos: Sequence[Heard]
    real: Sequence[float] = field(default_factory=tuple)

    @property
    def chosen(self) -> dict[str, Heard]:
        """The best and the median; where they are one, it is named once."""
        ranked = [solo for solo in self.solos if solo.distance is not None] or list(self.solos)
        best, median = ranked[0], ranked[(len(ranked) - 1) // 2]
        return {"best": best} if best is median else {"best": best, "median": median}


def read_families(data: Path, reports: Path) -> list[Family]:
    """Every family with solos in data/generated; distances where it has been evaluated."""
    families = []
    for manifest in tqdm(sorted(data.glob("generated/*/manifest.csv")), "judging solos", unit="family", leave=False):
        name, solos = manifest.parent.name, list(_read_solos(manifest))
        yardstick = read_yardstick(reports / f"evaluate/{name}_rows.csv", name)
        measured = [(solo, distance(describe(solo.score), yardstick)) for solo in solos]
        ranked = sorted(measured, key=lambda pair: (pair[1] is None, pair[1] or 0.0))
        placed = [replace(solo, distance=value) for solo, value in ranked]
        real = [distance(describe(score), yardstick) for score in read_real(data, [solo.score for solo in solos])]
        if placed:
            families.append(Family(name, placed, [value for value in real if value is not None]))
    return families


def read_yardstick(path: Path, name: str) -> dict[str, tuple[float, float]]:
    """Metric → mean and standard deviation of real solos, of those in which the family has a distance."""
    if not path.is_file():
        return {}
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    known = set(table.loc[(table["row"] == name) & table["distance"].notna(), "metric"])
    real = table[(table["row"] == REAL) & table["metric"].isin(known)]
    return {metric: (mean, sd) for metric, mean, sd in zip(real["metric"], real["mean"], real["sd"], strict=True)}


def distance(figures: Figures, yardstick: Mapping[str, tuple[float, float]]) -> float | None:
    """In standard deviations of real solos, 0 and more; None where no metric has a value and a yardstick."""
    apart = [
        abs(value - mean) / sd
        for metric, (mean, sd) in yardstick.items()
        if sd > 0 and (value := figures.get(metric)) is not None
    ]
    return sum(apart) / len(apart) if apart else None


def read_real(data: Path, generated: Sequence[Score]) -> Iterator[Score]:
    """Stretches of the test split, as long as the generated solos and on the same grid."""
    with (data / "augmented/manifest.csv").open(newline="", encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file) if row["split"] == "test"]
    beats = length_beats(generated) if generated else 0.0
    for path in paths:
        solo = quantise(read_score(files.within(data / "augmented", path)), _STEPS_PER_BEAT).score
        yield from excerpts(in_full_bars(solo), beats)


def _read_solos(manifest: Path) -> Iterator[Heard]:
    folder = manifest.parent
    with manifest.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = files.within(folder, row["path"])
            if "prompt" in row:
                wave = read_wave(path)
                score = transcribe(wave, spoken_tempo(row["prompt"]))
                facts = f"{wave.seconds:.0f} s, {len(score.notes)} notes heard in it"
                if row["unknown_words"]:
                    facts += f"; words the model has never read: {row['unknown_words']}"
                yield Heard(row["prompt"], facts, path, score, True, path.with_suffix(".png"), None)
            else:
                score = read_score(path)
                tempo = f"{float(row['qpm']):.0f} quarter notes a minute"
                facts = f"{row['key']}, {tempo}, {row['bars']} bars, {row['notes']} notes"
                title = row["solo"].replace("_", " ").replace("/", ", ")
                yield Heard(title, facts, path.with_suffix(".wav"), score, False, None, None)
