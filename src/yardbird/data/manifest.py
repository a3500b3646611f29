"""The metadata of solos: the user's manifest.csv, and the tables that ingest and validate write."""

import csv
import io
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import TypeVar

from yardbird.errors import InputError
from yardbird.tables.typed_table import read_table

MANIFEST = "manifest.csv"
REJECTED = "rejected.csv"  # in the folder of a manifest
SYNTHETIC = "(synthetic)"  # part of the names of the invented players of the built-in corpus


@dataclass(frozen=True)
class Entry:
    """A row of the user's manifest; empty fields are derived from names. `key` and `form` are as written there."""

    artist: str = ""
    title: str = ""
    tune_group: str = ""
    key: str = ""
    form: str = ""
    licence: str = ""
    part: str = ""  # overrides the choice of the part: its name, track or track/channel, counted from 1
    transpose: str = ""  # semitones from the notes to sounding pitch: -2 for a Bb trumpet's part


@dataclass(frozen=True)
class SoloRow:
    """A row of the manifest that ingestion writes."""

    solo: str  # the id: "<source>/<stem>"
    path: str  # of the canonical MIDI file, relative to data/ingested
    source: str
    file: str  # the user's file, relative to the folder of the source
    artist: str
    title: str
    tune_group: str
    key: str
    form: str
    licence: str
    notes: int
    bars: int
    seconds: float
    qpm: float
    chord_coverage: float  # share of the notes under a chord
    content_hash: str
    interval_hash: str  # equal for transposed copies
    program: int
    trimmed_overlaps: int
    reduced_notes: int
    unended_notes: int
    part: str  # the chosen part: its tracks and channels, counted from 1, and its name
    parts_left: str  # the other parts with their numbers of notes, joined by "; "
    notes_left: int  # in the other parts, including drums
    flags: str  # joined by "|"


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used, the reason, and the remedy."""

    file: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class SetAside:
    """An ingested solo that the stages after validate ignore, and the reason."""

    solo: str
    reason: str


def read_solos(ingested: Path, sources: Iterable[str]) -> list[SoloRow]:
    """The ingested solos of the given sources, sorted by id.

    Raises:
        InputError: a source has no ingested solos.
    """
    rows: list[SoloRow] = []
    for source in sources:
        path = ingested / source / MANIFEST
        own = read_table(path, SoloRow) if path.is_file() else []
        if not own:
            what = ingested / source
            raise InputError(what, expected="ingested solos", found="none", remedy="run the ingest stage first")
        rows += own
    return sorted(rows, key=lambda row: row.solo)


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def read_manifest(path: Path, kind: type[AnyEntry]) -> dict[str, AnyEntry]:
    """File name (relative to the manifest, NFC) → its entry; empty if there is no such file.

    Columns that `kind` does not know are ignored.

    Raises:
        InputError: the path is a broken link or no file; or the table is not UTF-8 text, lacks the column `file`,
            repeats a file, or has a row that is too long.
    """
    if not os.path.lexists(path):
        return {}
    columns = [field.name for field in fields(kind)]
    expected = f"a UTF-8 table with the columns file, {', '.join(columns)}"
    if not path.is_file():  # reading a pipe or a device would never end
        found = "no regular file" if path.exists() else "a broken link"
        raise InputError(path, expected=expected, found=found, remedy="replace it by the file itself, or delete it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        found = "another encoding" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
        raise InputError(path, expected=expected, found=found, remedy="save it as CSV UTF-8") from None
    table = csv.DictReader(io.StringIO(text))
    entries: dict[str, AnyEntry] = {}
    try:
        if "file" not in (table.fieldnames or ()):
            raise InputError(path, expected=expected, found="no column `file`", remedy="add it, or delete the table")
        for row in table:
            if None in row:  # csv puts surplus fields there
                found = f"{len(row) - 1 + len(row[None])} in line {table.line_num}"
                remedy = "quote texts that hold a comma"
                raise InputError(
                    path, expected=f"as many fields as columns, {len(row) - 1}", found=found, remedy=remedy
                )
            name = nfc((row["file"] or "").strip().replace("\\", "/"))
            if name in entries:
                raise InputError(path, expected="one row a file", found=f"two of {name!r}", remedy="delete one of them")
            if name:
                entries[name] = kind(**{column: (row.get(column) or "").strip() for column in columns})
    except csv.Error as error:
        raise InputError(path, expected=expected, found=str(error), remedy="export it again as CSV") from None
    return entries


def nfc(text: str) -> str:
    """Normalise to NFC: macOS decomposes the accented letters of file names, manifests have composed ones."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Letters and digits only, without accents and case, for the comparison of names."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def unique_stems(paths: Sequence[PurePath]) -> dict[PurePath, str]:
    """A portable, unique name for each file: its stem, with the folders or a number added if needed."""

    def safe(text: str) -> str:
        return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in nfc(text)).strip("_") or "_"

    plain = Counter(safe(path.stem).casefold() for path in paths)
    stems: dict[PurePath, str] = {}
    taken: set[str] = set()
    for path in paths:
        stem = safe(path.stem)
        if plain[stem.casefold()] > 1:
            stem = "__".join(safe(part) for part in path.with_suffix("").parts)
        unique = stem
        for number in range(2, len(paths) + 2):
            if unique.casefold() not in taken:
                break
            unique = f"{stem}_{number}"
        taken.add(unique.casefold())
        stems[path] = unique
    return stems
