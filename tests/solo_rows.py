"""Random solos on disk, as the ingest stage writes them, for tests of later stages."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from yardbird.data.manifest import MANIFEST, SoloRow
from yardbird.music.chords import Chord
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score, Tempo, make_notes
from yardbird.tables.typed_table import write_table


def row(solo: str, tune_group: str = "", *, artist: str = "Ada Line", interval_hash: str = "") -> SoloRow:
    """A row of the manifest. Its tune group and interval hash are unique unless they are given."""
    source, _, stem = solo.partition("/")
    return SoloRow(
        solo=solo,
        path=f"{source}/scores/{stem}.mid",
        source=source,
        file=f"{stem}.mid",
        artist=artist,
        title=stem,
        tune_group=tune_group or stem,
        key="F major",
        form="",
        licence="",
        notes=40,
        bars=10,
        seconds=20.0,
        qpm=120.0,
        chord_coverage=1.0,
        content_hash=solo,
        interval_hash=interval_hash or f"intervals of {solo}",
        program=65,
        trimmed_overlaps=0,
        reduced_notes=0,
        unended_notes=0,
        part="",
        parts_left="",
        notes_left=0,
        flags="",
    )


def solo(seed: int, *, notes: int = 40, lowest: int = 55, highest: int = 75, qpm: float = 200.0) -> Score:
    """A line of random eighths over two chords."""
    rng = np.random.default_rng(seed)
    rows = [(240 * i, 200, int(rng.integers(lowest, highest + 1)), int(rng.integers(60, 110))) for i in range(notes)]
    chords = (ChordChange(0, Chord.parse("F7")), ChordChange(960, Chord.parse("Bbm7/Eb")))
    end = 240 * notes
    return Score(480, make_notes(rows), end, (Tempo(0, qpm),), chords=chords, key=Key.parse("F"))


def write_ingested(folder: Path, scores: dict[str, Score], rows: list[SoloRow]) -> list[SoloRow]:
    """Write the scores and one manifest per source; return the rows with notes, bars and tempo filled in."""
    filled = [
        replace(
            entry,
            notes=len(scores[entry.solo].notes),
            bars=scores[entry.solo].bar_count,
            qpm=scores[entry.solo].mean_qpm,
            program=scores[entry.solo].program,
        )
        for entry in rows
    ]
    for entry in filled:
        write_score(scores[entry.solo], folder / entry.path)
    for source in {entry.source for entry in filled}:
        write_table(folder / source / MANIFEST, SoloRow, [entry for entry in filled if entry.source == source])
    return filled
