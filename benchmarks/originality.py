"""Searching known solos for shared runs of intervals: our suffix array, compared with Python sets of n-grams.

Both return the shares of n-grams of 4, 6, 8 and 10 intervals. Ours also returns the longest run and its source, for
which the peer would need a set for every length. The solos are built-in etudes with their bars in random order. The
environment variable YARDBIRD_SOLOS sets their number (default 10 000).
"""

import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, main, measure

from yardbird.data.etudes.compose import etudes
from yardbird.metrics.shared_runs import LENGTHS, KnownSolo, OriginalityIndex
from yardbird.music.score import Score, make_notes

QUERIES = 20


def make_solos(count: int) -> list[KnownSolo]:
    """Etudes with their bars in random order. They share long runs with each other, which is the slower case."""
    random = np.random.default_rng(0)
    scores = [etude.score for etude in etudes(0, 100)]
    solos = []
    for number in range(count):
        score = scores[number % len(scores)]
        bars = np.split(score.pitches, np.searchsorted(score.onsets, score.bar_ticks[1:]))
        pitches = np.concatenate([bars[bar] for bar in random.permutation(len(bars))]).tolist()
        line = Score(2, make_notes([(place, 1, pitch, 80) for place, pitch in enumerate(pitches)]), len(pitches))
        solos.append(KnownSolo(f"{number}", f"{number}", line))
    return solos


def grams(score: Score, length: int) -> list[bytes]:
    intervals = np.diff(score.pitches).astype(np.int8).tobytes()
    return [intervals[place : place + length] for place in range(len(intervals) - length + 1)]


def make_sets(solos: list[KnownSolo]) -> dict[int, set[bytes]]:
    return {length: {gram for solo in solos for gram in grams(solo.score, length)} for length in LENGTHS}


def look_up(known: dict[int, set[bytes]], score: Score) -> dict[int, float]:
    return {n: sum(gram in known[n] for gram in own) / len(own) for n in LENGTHS if (own := grams(score, n))}


def mebibytes(make: Callable[[], object]) -> float:
    """The peak memory of a call."""
    tracemalloc.start()
    make()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def benchmark(rounds: int) -> Iterator[list[Row]]:
    solos = make_solos(int(os.environ.get("YARDBIRD_SOLOS", "10000")) + QUERIES)
    known, queries = solos[QUERIES:], [solo.score for solo in solos[:QUERIES]]
    index, sets = OriginalityIndex(known), make_sets(known)
    for query in queries:
        assert index.compare(query).coverage == look_up(sets, query), "the two disagree"
    notes = sum(len(solo.score.notes) for solo in known)
    build: dict[str, Callable[[], object]] = {
        "Python sets": lambda: make_sets(known),
        "ours": lambda: OriginalityIndex(known),
    }
    size = ", ".join(f"{name} {mebibytes(make):.0f} MiB" for name, make in build.items())
    print(f"peak memory: {size}", file=sys.stderr)
    yield measure(f"index of {len(known)} solos, {notes} notes", build, rounds)
    lookups: dict[str, Callable[[], object]] = {
        "Python sets": lambda: [look_up(sets, query) for query in queries],
        "ours": lambda: [index.compare(query) for query in queries],
    }
    yield measure(f"{QUERIES} solos looked up", lookups, rounds)
    yield measure("each known solo with all others", {"ours": index.compare_known}, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=3)
