"""Has a family copied? Its solos against those that it was trained on, beside how much these quote each other.

Training solos are heard as the models hear them, from their event tokens: a grid that merges two notes would hide a
copy of the others. Copies in other keys need no indexing. The yardstick is self-quotation: each training solo against
those of other tune groups. A set is held to what as many training solos would have, drawn by lot: their mean lies
between `…_low` and `…_high` in 95 % of the draws.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.evaluation.baseline import NGRAM
from yardbird.evaluation.held_out import read_solos
from yardbird.metrics.originality import FIGURES, KnownSolo, Originality, OriginalityIndex
from yardbird.metrics.rows import REAL, SELF, Row
from yardbird.music.midi import read_score
from yardbird.music.score import Floats, Score
from yardbird.seeds import generator

#: What the gate reads: both have to stay below the yardstick's `_high`.
JUDGED = ("coverage_8", "longest_run")
_DRAWS = 1000
_BOUNDS = (0.025, 0.975)


@dataclass(frozen=True)
class Piece:
    """A solo to be compared; what comes before `start_tick` is a prime, which it was given."""

    solo: str
    score: Score
    start_tick: int = 0


@dataclass(frozen=True)
class Compared:
    """A solo of some row, and what it shares with the training solos."""

    row: str
    solo: str
    notes: int
    found: Originality


def training_index(data: Path) -> OriginalityIndex:
    """The originals of the training split, under their titles.

    Raises:
        InputError: there are none.
    """
    with (data / "augmented/manifest.csv").open(newline="", encoding="utf-8") as file:
        titles = {row["solo"]: row["title"] for row in csv.DictReader(file)}
    codec = EventCodec.load(data / "encoded/events/codec.json")
    solos = read_solos(data / "encoded/events", "train")
    return OriginalityIndex(
        [KnownSolo(titles[solo.solo], solo.tune_group, codec.decode(solo.tokens)) for solo in solos]
    )


def measure_originality(name: str, data: Path) -> list[Compared]:
    """The yardstick, the family's solos, the n-gram's and the held-out ones, in this order."""
    index = training_index(data)
    sets = {
        name: read_pieces(data / "generated" / name),
        NGRAM: read_pieces(data / "baseline/solos"),
        REAL: held_out_pieces(data),
    }
    return [*compare_training(index), *(c for row, pieces in sets.items() for c in compare_pieces(row, pieces, index))]


def read_pieces(folder: Path) -> list[Piece]:
    """The generated solos that a manifest lists."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row, read_score(files.within(folder, row["path"]))) for row in csv.DictReader(file)]
    return [Piece(row["solo"], score, _bar_tick(score, int(row.get("primed_bars") or 0))) for row, score in rows]


def held_out_pieces(data: Path) -> list[Piece]:
    """The solos of the test split, whole, heard as the training solos are."""
    codec = EventCodec.load(data / "encoded/events/codec.json")
    return [Piece(solo.solo, codec.decode(solo.tokens)) for solo in read_solos(data / "encoded/events", "test")]


def compare_pieces(row: str, pieces: Iterable[Piece], index: OriginalityIndex) -> list[Compared]:
    """Each piece against the training solos."""
    return [Compared(row, p.solo, len(p.score.notes), index.compare(p.score, p.start_tick)) for p in pieces]


def compare_training(index: OriginalityIndex) -> list[Compared]:
    """The yardstick: each training solo against those of other tune groups."""
    found = zip(index.solos, index.compare_known(), strict=True)
    return [Compared(SELF, solo.title, len(solo.score.notes), own) for solo, own in found]


def originality_rows(compared: Sequence[Compared], generated: int, seed: int) -> list[Row]:
    """Mean, deviation and number of solos of every figure, by row.

    The yardstick also has `…_low` and `…_high`; every other row
    `original`, which is 1 where both figures of `JUDGED` stay below.

    Args:
        generated: how many solos a generated set has.
        seed: of the training solos that are drawn.
    """
    rows = [
        Row(name, figure, float(np.mean(own)), float(np.std(own, ddof=1)) if len(own) > 1 else None, len(own), None)
        for name in dict.fromkeys(solo.row for solo in compared)
        for figure in FIGURES
        if len(own := _values(compared, name, figure))
    ]
    most = {}
    for figure in FIGURES:
        if len(values := _values(compared, SELF, figure)):
            means = generator(seed, SELF, figure).choice(values, (_DRAWS, generated)).mean(axis=1)
            low, most[figure] = np.quantile(means, _BOUNDS).tolist()
            rows.append(Row(SELF, f"{figure}_low", low, None, generated, None))
            rows.append(Row(SELF, f"{figure}_high", most[figure], None, generated, None))
    judged = {(row.row, row.metric): row for row in rows if row.metric in JUDGED and row.row != SELF}
    for name in dict.fromkeys(name for name, _ in judged):
        figures = [judged[name, figure] for figure in JUDGED if figure in most and (name, figure) in judged]
        if len(figures) == len(JUDGED):
            original = all(row.mean is not None and row.mean <= most[row.metric] for row in figures)
            rows.append(Row(name, "original", float(original), None, figures[0].n, None))
    return rows


def _values(compared: Iterable[Compared], row: str, figure: str) -> Floats:
    own = (solo.found.figures[figure] for solo in compared if solo.row == row)
    return np.array([value for value in own if value is not None])


def originality_csv(compared: Iterable[Compared]) -> str:
    """A line a solo: row, solo, notes, coverage_4 …, longest_run, source of the longest run in words."""
    table = [
        {"row": c.row, "solo": c.solo, "notes": c.notes, **c.found.figures, "source": str(c.found.origin or "")}
        for c in compared
    ]
    return str(pd.DataFrame(table).to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _bar_tick(score: Score, bar: int) -> int:
    return int(score.bar_ticks[bar]) if bar < score.bar_count else score.end_tick
