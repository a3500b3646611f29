"""The quality of the data: rejected files, duplicates, losses by quantisation, tempo and range."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from yardbird import files
from yardbird.config import BACKGROUND, SPLITS
from yardbird.data.manifest import MANIFEST, REJECTED, SYNTHETIC, Rejected, SetAside, SoloRow
from yardbird.data.source_sounds import Reject
from yardbird.music.midi import read_score
from yardbird.report.charts import Chart, histogram
from yardbird.tables.copies_table import CopyRow
from yardbird.tables.typed_table import Columns, read_table

Row = TypeVar("Row", bound=Columns)
_REMEDY = "correct the file, or the limits of section validate"
_BIN_QPM, _BIN_SEMITONES = 10, 1


@dataclass(frozen=True)
class Source:
    """A folder of `sources`: solos by split, and the number of copies in other keys and tempos."""

    name: str
    artists: Sequence[str]
    solos: dict[str, int]
    copies: int
    background: bool


@dataclass(frozen=True)
class Quality:
    sources: Sequence[Source]
    solos: int
    synthetic: int  # number of solos by invented players
    rejected: Sequence[tuple[str, str, str, str]]  # where, file, reason, remedy
    alike: Sequence[tuple[str, str]]  # what is equal, which solos
    health: Mapping[str, Any]  # written by stage validate; empty if it has not run
    losses: dict[str, dict[str, float]]  # codec → content of its metric file
    charts: Sequence[Chart]


def read_quality(data: Path, reports: Path, sources: Sequence[str]) -> Quality:
    folders = [data / "ingested" / source for source in sorted(sources)]
    manifests = {folder.name: rows for folder in folders if (rows := _read(folder / MANIFEST, SoloRow))}
    solos = [row for rows in manifests.values() for row in rows]
    copies = _read(data / "augmented" / MANIFEST, CopyRow)
    return Quality(
        sources=[_source(name, rows, copies) for name, rows in manifests.items()],
        solos=len(solos),
        synthetic=sum(SYNTHETIC in row.artist for row in solos),
        rejected=[
            *(
                (folder.relative_to(data).as_posix(), row.file, row.reason, row.remedy)
                for folder in folders
                for row in _read(folder / REJECTED, Rejected)
            ),
            *(("clips", row.file, row.reason, "") for row in _read(data / "clips" / REJECTED, Reject)),
            *(("validate", row.solo, row.reason, _REMEDY) for row in _read(data / "set_aside.csv", SetAside)),
        ],
        health=files.read_json(health) if (health := reports / "data_health.json").is_file() else {},
        alike=_alike(solos),
        losses={path.stem: files.read_json(path)[path.stem] for path in sorted((reports / "encode").glob("*.json"))},
        charts=_charts(data, solos, copies),
    )


def _read(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a table; empty if its stage has not run."""
    return read_table(path, kind) if path.is_file() else []


def _source(name: str, rows: Sequence[SoloRow], copies: Sequence[CopyRow]) -> Source:
    own = [copy for copy in copies if copy.solo.partition("/")[0] == name]
    splits = {copy.solo: copy.split for copy in own}
    artists = [f"{artist} ({count})" for artist, count in sorted(Counter(row.artist for row in rows).items())]
    counted = Counter(splits.values())
    return Source(
        name,
        artists,
        solos={split: counted[split] for split in SPLITS if counted[split]},
        copies=len(own) - len(splits),
        background=any(copy.role == BACKGROUND for copy in own),
    )


def _alike(solos: Sequence[SoloRow]) -> list[tuple[str, str]]:
    """Solos with the same hash: copies, then copies in another key; groups equal in both are listed once."""
    found: dict[str, str] = {}
    for column, what in (("content_hash", "all notes"), ("interval_hash", "all intervals")):
        groups: dict[str, list[str]] = {}
        for row in solos:
            groups.setdefault(getattr(row, column), []).append(row.solo)
        for group in groups.values():
            if len(group) > 1:
                found.setdefault(", ".join(group), what)
    return [(what, group) for group, what in found.items()]


def _charts(data: Path, solos: Sequence[SoloRow], copies: Sequence[CopyRow]) -> list[Chart]:
    tempos = {row.solo: row.qpm for row in solos}
    played = [tempos[copy.solo] * copy.tempo_factor for copy in copies if copy.solo in tempos]
    pitches: list[float] = []
    for row in solos:
        pitches += read_score(files.within(data / "ingested", row.path)).pitches.tolist()
    if not solos:
        return []
    tempo = {"solos": list(tempos.values())} | ({"with their copies": played} if played else {})
    return [
        histogram("tempo", "Tempo", tempo, width=_BIN_QPM, unit="quarter notes a minute"),
        histogram("range", "Range", {"notes": pitches}, width=_BIN_SEMITONES, unit="MIDI pitch (60 is middle C)"),
    ]
