"""Ingestion: a folder of music files → canonical scores, a manifest, and a table of rejected files."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePath

import numpy as np

from yardbird import files
from yardbird.data.manifest import (
    MANIFEST,
    REJECTED,
    Entry,
    Rejected,
    SoloRow,
    nfc,
    read_manifest,
    unique_stems,
)
from yardbird.data.readers import FOREIGN, KINDS, is_read, piece_numbers, read_piece, unread
from yardbird.data.reading import IngestConfig, read_solo
from yardbird.data.tunes.names import metadata
from yardbird.errors import InputError
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import Score
from yardbird.progress import progress
from yardbird.tables.typed_table import write_table

_SHADOW = ("._", "__MACOSX")  # beside every file that macOS has copied


@dataclass(frozen=True)
class Place:
    """The location of a solo: a file, relative to the folder of its source, and a number if the file has several."""

    path: PurePath
    number: str = ""

    @property
    def name(self) -> str:
        """The name in manifests and tables: `solo.mid`, `tunes.abc#3`."""
        return f"{self.path.as_posix()}#{self.number}" if self.number else self.path.as_posix()

    @property
    def file(self) -> PurePath:
        """A file name from which the id and the title are derived."""
        return self.path.with_name(f"{self.path.stem}#{self.number}{self.path.suffix}") if self.number else self.path


@dataclass(frozen=True)
class Solo:
    """One usable solo: its row of the manifest and its score."""

    row: SoloRow
    score: Score


@dataclass(frozen=True)
class Survey:
    """The solos of a folder that are used and the files that are rejected, both in the order of their names."""

    used: tuple[Solo, ...]
    rejected: tuple[Rejected, ...]


def ingest(folder: Path, source: str, config: IngestConfig, out: Path) -> Survey:
    """Survey `folder` and replace `out` (…/<source>) as a whole: scores/, manifest.csv, rejected.csv.

    Raises:
        InputError: no file in the folder can be used; `out` is not changed.
    """
    found = survey(folder, source, config)
    if not found.used:
        reason = f", the first because: {found.rejected[0].reason}" if found.rejected else ""
        raise InputError(
            folder,
            expected=f"at least one usable file: {KINDS}",
            found=f"{len(found.rejected)} unusable" + reason,
            remedy="yardbird ingest --dry-run lists the reason for each",
        )
    with files.replacing_folder(out) as draft:
        for solo in found.used:
            write_score(solo.score, draft / PurePath(solo.row.path).relative_to(source))
        write_table(draft / MANIFEST, SoloRow, [solo.row for solo in found.used])
        write_table(draft / REJECTED, Rejected, found.rejected)
    return found


def survey(folder: Path, source: str, config: IngestConfig, part: str = "") -> Survey:
    """Read every music file under `folder` without writing anything.

    Of files with the same notes, only the one with the highest chord coverage is used; of equals, the first.

    Args:
        part: the part that plays the solo in files whose manifest names none, as in `read_solo`.

    Raises:
        InputError: the folder is missing, or one of its manifests is unreadable.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        remedy = "correct `sources` in params.yaml"
        raise InputError(folder, expected="a folder of music files", found=found, remedy=remedy)
    rejected: list[Rejected] = []
    places = _places(folder, sorted(_music_files(folder, rejected), key=lambda path: path.as_posix()), rejected)
    entries, missing = _entries(folder, places, {row.file for row in rejected})
    rejected += missing
    stems = unique_stems([place.file for place in places])
    kept: dict[str, Solo] = {}  # by the hash of its notes
    for place in progress(places, doing=f"ingest {source}", unit="solo"):
        try:
            solo = _read(folder, place, entries.get(place), source, stems[place.file], config, part)
        except InputError as error:
            rejected.append(_rejected(place.name, error))
            continue
        duplicate = kept.get(solo.row.content_hash)
        if duplicate and solo.row.chord_coverage <= duplicate.row.chord_coverage:
            rejected.append(_copy(solo.row, duplicate.row))
            continue
        if duplicate:
            rejected.append(_copy(duplicate.row, solo.row))
            del kept[duplicate.row.content_hash]  # so that the solos stay in the order of their names
        kept[solo.row.content_hash] = solo
    return Survey(_join_transposed([*kept.values()]), tuple(sorted(rejected, key=lambda row: row.file)))


def _copy(row: SoloRow, kept: SoloRow) -> Rejected:
    reason = f"expected a different solo, found the same notes as {kept.file}"
    return Rejected(row.file, reason, "delete one of the two")


def _rejected(name: str, error: InputError) -> Rejected:
    return Rejected(name, f"expected {error.expected}, found {error.found}", error.remedy)


def _music_files(folder: Path, rejected: list[Rejected]) -> Iterator[PurePath]:
    """Paths of the files to read, relative to `folder`; unreadable folders and unsupported music files are added to
    `rejected`.

    Links are followed, but no folder is visited twice.
    """

    def reject(error: OSError) -> None:
        name = PurePath(os.path.relpath(error.filename, folder)).as_posix()
        reason = f"expected a readable folder, found {error.strerror}"
        rejected.append(Rejected(name, reason, "correct its permissions"))

    def refuse(path: PurePath, kind: str, remedy: str) -> None:
        rejected.append(Rejected(path.as_posix(), f"expected {KINDS}, found {kind}", remedy))

    seen = set()
    for top, inner, names in os.walk(folder, onerror=reject, followlinks=True):
        inner.sort()
        real = os.path.realpath(top)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = [name for name in inner if not name.startswith((".", *_SHADOW))]
        here = PurePath(os.path.relpath(top, folder))
        for name in [name for name in inner if PurePath(name).suffix.lower() in FOREIGN]:  # GarageBand: folders
            refuse(here / name, *FOREIGN[PurePath(name).suffix.lower()])
            inner.remove(name)
        for name in sorted(names):
            if name.startswith(_SHADOW):
                continue
            if is_read(folder / here / name):
                yield here / name
            elif found := unread(folder / here / name):
                refuse(here / name, *found)


def _places(folder: Path, paths: list[PurePath], rejected: list[Rejected]) -> list[Place]:
    """The solos of all files; a file whose solos cannot be listed is added to `rejected`."""
    places: list[Place] = []
    for path in paths:
        try:
            places += [Place(path, number) for number in piece_numbers(folder / path)]
        except InputError as error:
            rejected.append(_rejected(path.as_posix(), error))
    return places


def _entries(folder: Path, places: list[Place], unread: set[str]) -> tuple[dict[Place, Entry], list[Rejected]]:
    """The entry of each solo in the manifest of its folder or of a parent folder, and entries without a file.

    A row may name one solo of a file (`tunes.abc#3`) or the file; the second fills empty fields of the first.
    """
    entries: dict[Place, Entry] = {}
    missing: list[Rejected] = []
    by_name: dict[str, list[Place]] = {}
    for place in places:
        for name in {place.path.as_posix(), place.name}:
            by_name.setdefault(nfc(name), []).append(place)
    homes = {parent for place in places for parent in place.path.parents} | {PurePath()}
    for home in sorted(homes, key=lambda home: len(home.parts)):
        if not (folder / home / MANIFEST).exists():
            continue
        found: dict[Place, Entry] = {}
        for name, entry in sorted(
            read_manifest(folder / home / MANIFEST, Entry).items(), key=lambda row: "#" in row[0]
        ):
            full = nfc((home / name).as_posix())
            for place in by_name.get(full, ()):
                found[place] = _filled(entry, found.get(place, Entry()))
            if full not in by_name and full not in unread:
                reason = f"{(home / MANIFEST).as_posix()} names it, but the folder has no such music file"
                missing.append(Rejected(full, reason, "correct the manifest's column `file`, or add the file"))
        entries |= found
    return entries, missing


def _filled(entry: Entry, other: Entry) -> Entry:
    """An entry with its empty fields filled from another."""
    return Entry(**{field.name: getattr(entry, field.name) or getattr(other, field.name) for field in fields(Entry)})


def _read(
    folder: Path, place: Place, entry: Entry | None, source: str, stem: str, config: IngestConfig, part: str
) -> Solo:
    file = folder / place.path
    piece = read_piece(file, place.number)
    flags = [] if entry else ["not_in_manifest"] if (folder / MANIFEST).exists() else []
    known = metadata(_filled(entry or Entry(), piece.known), place.file, folder.resolve().name)
    key, key_flags = _parse_key(known.key)
    transpose = _parse_transpose(known.transpose, folder / place.name)
    reading = read_solo(piece.raw, folder / place.name, key, config, part=known.part or part, transpose=transpose)
    score = reading.score
    row = SoloRow(
        solo=f"{source}/{stem}",
        path=f"{source}/scores/{stem}.mid",
        source=source,
        file=place.name,
        artist=known.artist or "unknown",
        title=known.title,
        tune_group=known.tune_group,
        key=str(score.key or ""),
        form=known.form,
        licence=known.licence,
        notes=len(score.notes),
        bars=score.bar_count,
        seconds=round(score.seconds, 3),
        qpm=round(score.mean_qpm, 3),
        chord_coverage=round(_chord_coverage(score), 4),
        content_hash=_content_hash(score, transposed=False),
        interval_hash=_content_hash(score, transposed=True),
        program=score.program,
        trimmed_overlaps=reading.line.trimmed_overlaps,
        reduced_notes=reading.line.reduced_notes,
        unended_notes=piece.raw.unended_notes,
        part=reading.choice.part.label,
        parts_left="; ".join(f"{part.label}: {len(part.notes)} notes" for part in reading.choice.left),
        notes_left=sum(len(part.notes) for part in reading.choice.left),
        flags="|".join([*flags, *key_flags, *reading.flags]),
    )
    return Solo(row, score)


def _parse_key(text: str) -> tuple[Key | None, list[str]]:
    try:
        return (Key.parse(text) if text else None), []
    except ValueError:
        return None, ["manifest_key_unread"]


def _parse_transpose(text: str, file: Path) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        expected, remedy = "whole semitones in the column `transpose`", "write e.g. -2, or leave it empty"
        raise InputError(file, expected=expected, found=repr(text), remedy=remedy) from None


def _chord_coverage(score: Score) -> float:
    index = score.chord_index_of(score.onsets)
    sounding = np.array([change.chord is not None for change in score.chords] + [False])  # -1: before the first
    return float(sounding[index].mean())


def _content_hash(score: Score, *, transposed: bool) -> str:
    """Hash of onsets (in 1/48 beats) and pitches. It ignores tempo, velocity and durations, which exports change."""
    onsets = np.rint(score.onsets * (48 / score.ticks_per_beat)).astype("<i8")
    pitches = (score.pitches - score.pitches[0] if transposed else score.pitches).astype("<i8")
    return hashlib.sha256(np.stack([onsets - onsets[0], pitches]).tobytes()).hexdigest()[:16]


def _join_transposed(solos: list[Solo]) -> tuple[Solo, ...]:
    """Flag transposed copies and merge their tune groups, so that one split contains all of them."""
    first: dict[str, SoloRow] = {}
    group_of: dict[str, str] = {}

    def root(group: str) -> str:
        while group in group_of:
            group = group_of[group]
        return group

    flagged: list[Solo] = []
    for solo in solos:
        original = first.setdefault(solo.row.interval_hash, solo.row)
        row = solo.row
        if original is not row:
            row = replace(row, flags="|".join(filter(None, [row.flags, f"transposed_copy_of:{original.solo}"])))
            if root(row.tune_group) != root(original.tune_group):
                group_of[root(row.tune_group)] = root(original.tune_group)
        flagged.append(replace(solo, row=row))
    return tuple(replace(solo, row=replace(solo.row, tune_group=root(solo.row.tune_group))) for solo in flagged)
