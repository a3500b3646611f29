"""What is known of each solo beside its notes: the user's manifest.csv, or the folder's and the file's names."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import TypeVar

from yardbird.errors import InputError
from yardbird.tables.typed import read_table

MANIFEST = "manifest.csv"
REJECTED = "rejected.csv"  # beside a table of what is used
SYNTHETIC = "(synthetic)"  # stands in the names of the invented players of the built-in corpus


@dataclass(frozen=True)
class Entry:
    """A row of the user's manifest; what it leaves empty is found otherwise. `key` and `form` are as written there."""

    artist: str = ""
    title: str = ""
    tune_group: str = ""
    key: str = ""
    form: str = ""
    licence: str = ""
    part: str = ""  # that plays the solo, where the likeliest is not meant: its name, track or track/channel, from 1
    transpose: str = ""  # semitones that bring the notes to the pitch that sounds: -2 for a Bb trumpet's part


@dataclass(frozen=True)
class SoloRow:
    """A row of the manifest that ingestion writes."""

    solo: str  # the id: "<source>/<stem>"
    path: str  # of the canonical MIDI file, relative to data/ingested
    source: str
    file: str  # of the user, relative to the source's folder
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
    interval_hash: str  # the same for a transposed copy
    program: int
    trimmed_overlaps: int
    reduced_notes: int
    unended_notes: int
    part: str  # the part taken: its tracks and channels, counted from 1, and its name
    parts_left: str  # the others with their notes, "; "-joined
    notes_left: int  # in them, drums included
    flags: str  # "|"-joined


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used, why, and what to do about it."""

    file: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class SetAside:
    """An ingested solo that no stage after validate reads, and why."""

    solo: str
    reason: str


def read_solos(ingested: Path, sources: Iterable[str]) -> list[SoloRow]:
    """The solos of the sources named, under the folder of ingestion, sorted by id.

    Raises:
        InputError: a source has none.
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
    """File name (relative to the manifest, NFC) → its entry; columns that `kind` does not know are ignored.

    Raises:
        InputError: the table is not UTF-8 text, lacks the column `file`, names a file twice, or has a row too long.
    """
    columns = [field.name for field in fields(kind)]
    expected = f"a UTF-8 table with the columns file, {', '.join(columns)}"
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
            if None in row:  # where csv puts what is beyond the last column
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
    """One way to write an accented letter: macOS decomposes file names, manifests are composed."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Letters and digits alone, without accents and case: the form in which names are compared."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def unique_stems(paths: Sequence[PurePath]) -> dict[PurePath, str]:
    """A portable name for each file: its stem, with its folders where two share it, numbered where still needed."""

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
