"""Tests a family for copying: compares its solos with the training solos, and these with each other.

Training solos are decoded from event tokens, as the models see them: a grid that merges two notes would otherwise hide
a copy. Intervals are compared, so copies in other keys need no index. The yardstick is self-quotation: training solos
compared with those of other tune groups. For each set, excerpts of training solos with the same numbers of notes are
sampled (longer excerpts have longer runs by chance alone). The interval of the yardstick contains 95 % of the samples,
for the means and for the longest run of all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.baselines.ngram_solos import NGRAM
from yardbird.codecs.encoded_solos import read_solos
from yardbird.codecs.events import EventCodec
from yardbird.config import BACKGROUND
from yardbird.metrics.estimates import Estimate, Results, Shown, SoloMean
from yardbird.metrics.set_rows import REAL, SELF
from yardbird.metrics.shared_runs import FIGURES, MOST, KnownSolo, Originality, OriginalityIndex
from yardbird.music.midi import read_score
from yardbird.music.score import Floats, Score
from yardbird.seeds import Streams
from yardbird.tables.copies_table import read_copies
from yardbird.tables.generated_tables import read_generated_solos

#: The metrics that the gate checks: none may be above the upper end of the yardstick's interval.
JUDGED = ("coverage_8", "longest_run", MOST)
assert {*JUDGED} <= {*FIGURES, MOST}
ORIGINAL = "original"
#: Optional, because a set of short solos has no runs of 8, and a corpus of few tunes has no yardstick.
SHOWN = tuple(Shown((figure,), optional=True) for figure in JUDGED)
SHOWN_OF_SELF = tuple(Shown((figure,), ("high",), optional=True) for figure in JUDGED)
_DRAWS = 1000


@dataclass(frozen=True)
class Piece:
    """A solo to compare; the notes before `start_tick` are a given prime and do not count."""

    solo: str
    score: Score
    start_tick: int = 0


@dataclass(frozen=True)
class Compared:
    """A solo of a row, and its overlap with the training solos."""

    row: str
    solo: str
    notes: int  # compared notes, without those of a prime
    found: Originality


def training_index(data: Path) -> OriginalityIndex:
    """The originals of the training split, named by title, including background solos, which a model may also copy.

    Raises:
        InputError: there are no training solos.
    """
    titles = {row.solo: row.title for row in read_copies(data / "augmented")}
    codec = EventCodec.load(data / "encoded/events/codec.json")
    solos = read_solos(data / "encoded/events", "train", background=True)
    return OriginalityIndex(
        [
            KnownSolo(titles[solo.solo], solo.tune_group, codec.decode(solo.tokens), solo.role == BACKGROUND)
            for solo in solos
        ]
    )


def measure_originality(name: str, data: Path, index: OriginalityIndex) -> list[Compared]:
    """Compare the solos of the family, of the n-gram and of the test split, in this order."""
    sets = {
        name: read_pieces(data / "measured" / name),
        NGRAM: read_pieces(data / "baseline/measured"),
        REAL: held_out_pieces(data),
    }
    return [found for row, pieces in sets.items() for found in compare_pieces(row, pieces, index)]


def read_pieces(folder: Path) -> list[Piece]:
    """The generated solos that a manifest lists."""
    rows = [(row, read_score(files.within(folder, row.path))) for row in read_generated_solos(folder)]
    return [Piece(row.solo, score, _bar_tick(score, row.primed_bars)) for row, score in rows]


def held_out_pieces(data: Path) -> list[Piece]:
    """The whole solos of the test split, decoded as the training solos are."""
    codec = EventCodec.load(data / "encoded/events/codec.json")
    return [Piece(solo.solo, codec.decode(solo.tokens)) for solo in read_solos(data / "encoded/events", "test")]


def compare_pieces(row: str, pieces: Iterable[Piece], index: OriginalityIndex) -> list[Compared]:
    """Compare each piece with the training solos."""
    return [
        Compared(row, p.solo, int((p.score.onsets >= p.start_tick).sum()), index.compare(p.score, p.start_tick))
        for p in pieces
    ]


def originality_of(name: str, compared: Sequence[Compared], index: OriginalityIndex, streams: Streams) -> Results:
    """The mean of every metric over the solos, by row, and `MOST`, the longest run of any of its solos.

    `ORIGINAL` is 1 if none of `JUDGED` is above the yardstick for the row's lengths: the means detect a set that quotes
    too much, the longest run detects a single copied solo. The family's yardstick is the row `SELF`: the means over all
    samples, with the interval of the samples.

    Args:
        name: the family.
        streams: the random streams for sampling excerpts.
    """
    results: Results = {}
    for row in dict.fromkeys(solo.row for solo in compared):
        own = [solo for solo in compared if solo.row == row]
        drawn = index.draw_known([solo.notes for solo in own], _DRAWS, streams(SELF, row))
        yardstick = {figure: Estimate.drawn(float(np.mean(means)), means, len(own)) for figure, means in drawn.items()}
        found = {figure: values for figure in FIGURES if len(values := _values(own, figure))}
        results[row] = {figure: SoloMean.of(values) for figure, values in found.items()}
        results[row][MOST] = Estimate(float(max(solo.found.longest_run for solo in own)), n=len(own))
        if results[row].keys() & yardstick.keys() >= set(JUDGED):
            original = all(results[row][figure].value <= yardstick[figure].span[1] for figure in JUDGED)
            results[row][ORIGINAL] = Estimate(float(original), n=len(own))
        if row == name and yardstick:
            results[SELF] = yardstick
    return results


def _values(compared: Iterable[Compared], figure: str) -> Floats:
    values = (solo.found.figures[figure] for solo in compared)
    return np.array([value for value in values if value is not None])


def originality_csv(compared: Iterable[Compared]) -> str:
    """One line per solo: row, solo, notes, coverage_4 …, longest_run, and the source of the longest run in words."""

    import pandas as pd

    table = [
        {"row": c.row, "solo": c.solo, "notes": c.notes, **c.found.figures, "source": str(c.found.origin or "")}
        for c in compared
    ]
    columns = ["row", "solo", "notes", *FIGURES, "source"]
    return str(pd.DataFrame(table, columns=columns).to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _bar_tick(score: Score, bar: int) -> int:
    return int(score.bar_ticks[bar]) if bar < score.bar_count else score.end_tick
