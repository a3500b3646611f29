"""Ingestion: a folder of music files → canonical scores, a manifest, and a table of rejected files."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.data.manifest import (
    MANIFEST,
    REJECTED,
    Entry,
    Rejected,
    SoloRow,
)
from yardbird.data.readers import KINDS, read_piece
from yardbird.data.reading import IngestConfig, read_solo
from yardbird.data.same_solos import SameNotes, TuneGroups
from yardbird.data.solo_places import Listed, Place, filled, list_solos, rejection
from yardbird.data.tunes.names import metadata
from yardbird.errors import InputError
from yardbird.execution import over_processes
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import Score
from yardbird.shards import PLAIN, Part, Shards, computed_parts
from yardbird.tables.typed_table import iterate_table, read_table, write_table

_MOST_SEMITONES = 127  # of a transposition: the range of MIDI
_SCORES = "scores"  # in the folder of a source
_SOLOS_PER_WORKER = 300  # to read them takes longer than to start a worker


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


@dataclass(frozen=True)
class Ingested:
    """The numbers of solos used and of files rejected."""

    used: int
    rejected: int


def ingest(folder: Path, source: str, config: IngestConfig, out: Path, shards: Shards = PLAIN) -> Ingested:
    """Survey `folder` and replace `out` (…/<source>) as a whole: scores/, manifest.csv, rejected.csv.

    Solos are used and rejected as by `survey`. A shard also contains the duplicates that manifest.csv leaves out.

    Raises:
        InputError: no file in the folder can be used; `out` is not changed.
    """
    rejected: list[Rejected] = []
    listed = list_solos(folder, rejected)
    with (
        files.replacing_folder(out) as draft,
        computed_parts(
            partial(_read_part, folder, source, config),
            listed,
            len(listed),
            shards,
            output=draft,
            small=_SCORES,
            doing=f"ingest {source}",
            items_per_worker=_SOLOS_PER_WORKER,
        ) as computed,
    ):
        parts = list(computed)
        for part in parts:
            rejected += read_table(part.folder / REJECTED, Rejected)
        known = SameNotes()
        for row in _rows(parts):
            known.add(row, rejected)
        if not known.kept:
            reason = f", the first because: {_sorted(rejected)[0].reason}" if rejected else ""
            raise InputError(
                folder,
                expected=f"at least one usable file: {KINDS}",
                found=f"{len(rejected)} unusable" + reason,
                remedy="yardbird ingest --dry-run lists the reason for each",
            )
        groups = TuneGroups()
        for row in _rows(parts):
            if known.keeps(row):
                groups.add(row)
        write_table(draft / MANIFEST, SoloRow, _move_used(parts, source, draft, known, groups))
        write_table(draft / REJECTED, Rejected, _sorted(rejected))
    return Ingested(len(known.kept), len(rejected))


def _rows(parts: Iterable[Part]) -> Iterator[SoloRow]:
    return (row for part in parts for row in iterate_table(part.folder / MANIFEST, SoloRow))


def _read_part(folder: Path, source: str, config: IngestConfig, listed: Sequence[Listed], part: Path) -> None:
    """Write the scores and rows of some solos, and the rejected ones among them."""
    found = [_read(folder, source, config, "", one) for one in listed]
    solos = [one for one in found if isinstance(one, Solo)]
    for solo in solos:
        write_score(solo.score, part / _inside(solo.row, source))
    write_table(part / MANIFEST, SoloRow, [solo.row for solo in solos])
    write_table(part / REJECTED, Rejected, [one for one in found if isinstance(one, Rejected)])


def _move_used(
    parts: Iterable[Part], source: str, out: Path, known: SameNotes, groups: TuneGroups
) -> Iterator[SoloRow]:
    """Move the scores of the used solos, and give their final rows."""
    for part in parts:
        rows = [row for row in iterate_table(part.folder / MANIFEST, SoloRow) if known.keeps(row)]
        part.give_files(out, [_inside(row, source) for row in rows])
        for row in rows:
            yield replace(groups.joined(row), path=f"{source}/{part.path(_inside(row, source))}")


def _inside(row: SoloRow, source: str) -> str:
    """The path of a score inside the folder of its source."""
    return row.path.removeprefix(f"{source}/")


def survey(folder: Path, source: str, config: IngestConfig, part: str = "") -> Survey:
    """Read every music file under `folder` without writing anything.

    Of files with the same notes, only the one with the highest chord coverage is used; of equals, the first.

    Args:
        part: the part that plays the solo in files whose manifest names none, as in `read_solo`.

    Raises:
        InputError: the folder is missing, or one of its manifests is unreadable.
    """
    rejected: list[Rejected] = []
    solos: list[Solo] = []
    known, groups = SameNotes(), TuneGroups()
    for found in over_processes(
        partial(_read, folder, source, config, part),
        list_solos(folder, rejected),
        doing=f"ingest {source}",
        unit="solo",
        items_per_worker=_SOLOS_PER_WORKER,
    ):
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            known.add(found.row, rejected)
            solos.append(found)
    used = [solo for solo in solos if known.keeps(solo.row)]
    for solo in used:
        groups.add(solo.row)
    return Survey(tuple(replace(solo, row=groups.joined(solo.row)) for solo in used), tuple(_sorted(rejected)))


def _sorted(rejected: Iterable[Rejected]) -> list[Rejected]:
    return sorted(rejected, key=lambda row: row.file)


def _read(folder: Path, source: str, config: IngestConfig, part: str, listed: Listed) -> Solo | Rejected:
    try:
        return _solo(folder, listed.place, listed.entry, source, listed.stem, config, part)
    except InputError as error:
        return rejection(listed.place.name, error)


def _solo(
    folder: Path, place: Place, entry: Entry | None, source: str, stem: str, config: IngestConfig, part: str
) -> Solo:
    file = folder / place.path
    piece = read_piece(file, place.number)
    flags = [] if entry else ["not_in_manifest"] if (folder / MANIFEST).exists() else []
    known = metadata(filled(entry or Entry(), piece.known), place.file, folder.resolve().name)
    key, key_flags = _parse_key(known.key)
    transpose = _parse_transpose(known.transpose, folder / place.name)
    reading = read_solo(piece.raw, folder / place.name, key, config, part=known.part or part, transpose=transpose)
    score = reading.score
    row = SoloRow(
        solo=f"{source}/{stem}",
        path=f"{source}/{_SCORES}/{stem}.mid",
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
    if not text:
        return None
    with suppress(ValueError):
        if abs(semitones := int(text)) <= _MOST_SEMITONES:
            return semitones
    expected = f"whole semitones, at most {_MOST_SEMITONES}, in the column `transpose`"
    found = repr(text if len(text) < 20 else f"{text[:20]}…")
    raise InputError(file, expected=expected, found=found, remedy="write e.g. -2, or leave it empty")


def _chord_coverage(score: Score) -> float:
    index = score.chord_index_of(score.onsets)
    sounding = np.array([change.chord is not None for change in score.chords] + [False])  # -1: before the first
    return float(sounding[index].mean())


def _content_hash(score: Score, *, transposed: bool) -> str:
    """Hash of onsets (in 1/48 beats) and pitches. It ignores tempo, velocity and durations, which exports change."""
    onsets = np.rint(score.onsets * (48 / score.ticks_per_beat)).astype("<i8")
    pitches = (score.pitches - score.pitches[0] if transposed else score.pitches).astype("<i8")
    return hashlib.sha256(np.stack([onsets - onsets[0], pitches]).tobytes()).hexdigest()[:16]
