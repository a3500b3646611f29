"""A file that ingest uses passes every later stage, even if it is unusual."""

import csv
import re
import runpy
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import mido
import numpy as np
import pytest

from yardbird.data.findings import KINDS, kind_of
from yardbird.data.ingest import ingest
from yardbird.data.manifest import Rejected, read_solos
from yardbird.tables.typed_table import read_table

Rows = list[tuple[float, float, int]]


def meta(kind: str, beat: float = 0, **values: object) -> tuple[float, mido.MetaMessage]:
    return beat, mido.MetaMessage(kind, **values)


def meter(numerator: int, denominator: int, beat: float = 0) -> tuple[float, mido.MetaMessage]:
    return meta("time_signature", beat, numerator=numerator, denominator=denominator)


def tempo(microseconds: int, beat: float = 0) -> tuple[float, mido.MetaMessage]:
    return meta("set_tempo", beat, tempo=microseconds)


#: Name → the oddity, as events added to a line of 64 eighths.
ODD: dict[str, list[tuple[float, mido.MetaMessage]]] = {
    "plain": [tempo(300_000), meter(4, 4)],
    **{f"qpm {qpm}": [tempo(round(60e6 / qpm))] for qpm in (19, 20, 38, 420, 600, 700)},
    "tempo of a microsecond": [tempo(1)],
    "tempo of nothing": [tempo(0)],
    "slowest tempo that MIDI has": [tempo(16_777_215)],
    "slowest moment that MIDI has": [tempo(300_000), tempo(16_777_215, 8), tempo(300_000, 9)],
    "slow moment": [tempo(300_000), tempo(10_000_000, 8), tempo(300_000, 9)],
    "fast moment": [tempo(300_000), tempo(26_000, 8), tempo(300_000, 9)],
    "broken moment": [tempo(300_000), tempo(3, 8), tempo(310_000, 9)],
    "tempo after the first note": [tempo(300_000, 4)],
    **{
        f"meter {n} of {d}": [meter(n, d)]
        for n, d in [
            (1, 1), (2, 1), (3, 1), (1, 2), (1, 16), (3, 16), (4, 32), (3, 32), (5, 32), (6, 64), (9, 4), (11, 4),
            (13, 4), (17, 8), (31, 16), (200, 4), (255, 1), (255, 16), (0, 4), (7, 8), (12, 8), (5, 4),
        ]
    },
    "pickup": [meter(1, 4), meter(4, 4, 1)],
    "meter inside a bar": [meter(4, 4), meter(3, 4, 6.5)],
    "meter inside a bar of nine": [meter(9, 4), meter(3, 4, 6.5)],
    "meter inside a bar of eleven": [meter(11, 4), meter(13, 8, 15.3)],
    "meter of five thirty-seconds first": [meter(5, 32), meter(4, 4, 0.625)],
    "many meters": [meter(n, d, 3 * place) for place, (n, d) in enumerate([(4, 4), (1, 1), (3, 32), (9, 4), (5, 8)])],
    "sections": [meta("text", 4, text=text) for text in ("FORM A1", "SECTION END", "SECTION PHRASE", "SOLO é")],
    "marks": [meta("marker", 4 * place, text=text) for place, text in enumerate(["PHRASE", "C7", "N.C.", "Bbm7/Eb"])],
    "marks like ours": [meta("marker", 8, text="END"), meta("marker", 12, text="SECTION x"), meta("marker", text="F7")],
    "chords late": [meta("marker", 8, text="F7"), meta("marker", 8, text="Bb7"), meta("marker", 40, text="C7")],
    "key": [meta("key_signature", key="C#m")],
}  # fmt: skip


def line(seed: int) -> Rows:
    pitches = np.random.default_rng(seed).integers(55, 76, 64).tolist()
    return [(place / 2, 0.5, pitch) for place, pitch in enumerate(pitches)]


#: Name → the odd notes, made from such a line.
LINES: dict[str, Callable[[Rows], Rows]] = {
    "polyphonic": lambda rows: [*rows, *((onset, length, pitch - 12) for onset, length, pitch in rows[::4])],
    "legato": lambda rows: [(onset, 2.0, pitch) for onset, _, pitch in rows],
    "no lengths": lambda rows: [(onset, 0.0, pitch) for onset, _, pitch in rows],
    "thirty bars in one": lambda rows: [(onset / 2, 0.1, pitch) for onset, _, pitch in rows],
    "lowest and highest": lambda rows: [*rows, (40.0, 1.0, 0), (41.0, 1.0, 127)],
    "late": lambda rows: [(onset + 4000, length, pitch) for onset, length, pitch in rows],
    "gap": lambda rows: [*rows[:32], *((onset + 9000, length, pitch) for onset, length, pitch in rows[32:])],
    "___/without a name": lambda rows: rows,
}


def write_odd(folder: Path, write_midi: Callable[..., Path]) -> None:
    seeds = count()
    for name, metas in ODD.items():
        write_midi(folder / f"{name}.mid", line(next(seeds)), metas)
    for name, change in LINES.items():
        write_midi(folder / f"{name}.mid", change(line(next(seeds))))
    for ticks in (2, 5, 24, 32767):
        write_midi(folder / f"{ticks} ticks a beat.mid", line(next(seeds)), ticks_per_beat=ticks)
    for program in (0, 33, 66, 81, 127):
        write_midi(folder / f"program {program}.mid", line(next(seeds)), program=program)


@pytest.fixture
def run_stage(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    parameters = re.sub(r"(?m)^  target_size: \d+", "  target_size: 100", (root / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(parameters)

    def run(name: str, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(root / f"stages/{name}.py"), run_name="__main__")

    return run


def test_no_later_stage_refuses_a_file_that_ingest_uses(tmp_path, write_midi, ingest_config, run_stage):
    """Regression: ingest used two solos in 9/4 and one below 40 qpm, and validate and encode stopped the pipeline."""
    write_odd(tmp_path / "odd", write_midi)
    ingest(tmp_path / "odd", "etudes", ingest_config, tmp_path / "data/ingested/etudes")
    rejected = read_table(tmp_path / "data/ingested/etudes/rejected.csv", Rejected)
    refused = {file.file: file.reason for file in rejected}
    assert set(refused) == {"qpm 19.mid", "qpm 700.mid"}, refused
    assert refused["qpm 700.mid"] == "expected a mean tempo of 20 … 600 qpm, found 700"
    run_stage("validate")
    assert (tmp_path / "data/set_aside.csv").read_text() == "solo,reason\n"
    run_stage("split")
    run_stage("augment")
    rows = read_solos(tmp_path / "data/ingested", ["etudes"])
    used = {row.solo for row in rows}
    for codec in ("events", "melody"):
        run_stage("encode", codec)
        with (tmp_path / f"data/encoded/{codec}/index.csv").open(newline="", encoding="utf-8") as file:
            assert {row["solo"] for row in csv.DictReader(file)} == used
    unexplained = {kind_of(flag) for row in rows for flag in row.flags.split("|")} - {"", *KINDS}
    assert unexplained == set()


@pytest.mark.parametrize(("name", "flag"), [("meter_1_1", "meter_repaired"), ("tempo_1us", "tempo_repaired:1")])
def test_a_collected_odd_file_is_flagged_by_ingest_and_passes_validate(
    shared, ingest_config, tmp_path, run_stage, name, flag
):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / f"{name}.mid").symlink_to(shared / "odd" / f"{name}.mid")
    ingest(tmp_path / "odd", "etudes", ingest_config, tmp_path / "data/ingested/etudes")
    (row,) = read_solos(tmp_path / "data/ingested", ["etudes"])
    assert flag in row.flags.split("|")
    run_stage("validate")
    assert (tmp_path / "data/set_aside.csv").read_text() == "solo,reason\n"
