"""A folder of foreign MIDI files → canonical scores, a manifest, and a table of what could not be used."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from tqdm import tqdm

from yardbird import files
from yardbird.data.manifest import (
    MANIFEST,
    Entry,
    Rejected,
    SoloRow,
    nfc,
    read_manifest,
    unique_stems,
    write_table,
)
from yardbird.data.reading import IngestConfig, read_solo
from yardbird.data.tunes.names import metadata
from yardbird.errors import InputError
from yardbird.music.midi import SUFFIXES, read_raw, write_score
from yardbird.music.pitch import Key
from yardbird.music.score import Score

MAX_BYTES = 4_000_000  # a solo has a few kilobytes; reading a file of this size takes some seconds and 400 MiB


@dataclass(frozen=True)
class Solo:
    """One usable file: its row of the manifest and its score."""

    row: SoloRow
    score: Score


@dataclass(frozen=True)
class Survey:
    """What a folder holds: the solos that are used, and the files that are not, both in the order of their names."""

    used: tuple[Solo, ...]
    rejected: tuple[Rejected, ...]


def ingest(folder: Path, source: str, config: IngestConfig, out: Path) -> Survey:
    """Survey `folder` and replace `out` (…/<source>) as a whole: scores/, manifest.csv, rejected.csv.

    Raises:
        InputError: nothing in the folder can be used; `out` is left as it was.
    """
    found = survey(folder, source, config)
    if not found.used:
        reason = f", the first because: {found.rejected[0].reason}" if found.rejected else ""
        raise InputError(
            folder,
            expected="at least one usable MIDI file (.mid, .midi, .kar)",
            found=f"{len(found.rejected)} unusable" + reason,
            remedy="yardbird ingest --dry-run lists the reason for each",
        )
    with files.replacing_folder(out) as draft:
        for solo in found.used:
            write_score(solo.score, draft / PurePath(solo.row.path).relative_to(source))
        write_table(draft / MANIFEST, SoloRow, [solo.row for solo in found.used])
        write_table(draft / "rejected.csv", Rejected, found.rejected)
    return found


def survey(folder: Path, source: str, config: IngestConfig, part: str = "") -> Survey:
    """Read every MIDI file under `folder`, writing nothing.

    Args:
        part: the part that plays the solo in files whose manifest names none, as in `read_solo`.

    Raises:
        InputError: the folder is missing, or one of its manifests is unreadable.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise InputError(folder, expected="a folder of MIDI files", found=found, remedy="mend `sources` in params.yaml")
    closed: list[Rejected] = []
    paths = sorted(_midi_files(folder, closed), key=lambda path: path.as_posix())
    entries, missing = _entries(folder, paths)
    rejected = closed + missing
    stems = unique_stems(paths)
    solos: list[Solo] = []
    first_with: dict[str, SoloRow] = {}
    for path in tqdm(paths, desc=f"ingest {source}", unit="file", leave=False):
        entry = entries.get(path)
        try:
            solo = _read(folder, path, entry, source, stems[path], config, part)
            if twin := first_with.get(solo.row.content_hash):
                expected, found = "a solo of its own", f"the same notes as {twin.file}"
                raise InputError(path, expected=expected, found=found, remedy="delete one of the two")
        except InputError as error:
            rejected.append(Rejected(path.as_posix(), f"expected {error.expected}, found {error.found}", error.remedy))
        else:
            solos.append(solo)
            first_with[solo.row.content_hash] = solo.row
    return Survey(_join_transposed(solos), tuple(sorted(rejected, key=lambda row: row.file)))


def _midi_files(folder: Path, closed: list[Rejected]) -> Iterator[PurePath]:
    """Paths relative to `folder`, without the folders that cannot be read, which are added to `closed`.

    Links are followed, but no folder is entered twice.
    """

    def reject(error: OSError) -> None:
        name = PurePath(os.path.relpath(error.filename, folder)).as_posix()
        reason = f"expected a readable folder, found {error.strerror}"
        closed.append(Rejected(name, reason, "mend its permissions"))

    seen = set()
    for top, inner, names in os.walk(folder, onerror=reject, followlinks=True):
        inner.sort()
        real = os.path.realpath(top)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES):
                yield PurePath(os.path.relpath(os.path.join(top, name), folder))


def _entries(folder: Path, paths: list[PurePath]) -> tuple[dict[PurePath, Entry], list[Rejected]]:
    """Each file's entry in the manifest of its own or an upper folder, and what manifests name in vain."""
    entries: dict[PurePath, Entry] = {}
    missing: list[Rejected] = []
    by_name = {nfc(path.as_posix()): path for path in paths}
    homes = {parent for path in paths for parent in path.parents} | {PurePath()}
    for home in sorted(homes, key=lambda home: len(home.parts)):
        if not (folder / home / MANIFEST).exists():
            continue
        for name, entry in read_manifest(folder / home / MANIFEST, Entry).items():
            full = nfc((home / name).as_posix())
            if full in by_name:
                entries[by_name[full]] = entry
            else:
                reason = f"{(home / MANIFEST).as_posix()} names it, but there is no such MIDI file in the folder"
                missing.append(Rejected(full, reason, "mend the manifest's column `file`, or add the file"))
    return entries, missing


def _read(
    folder: Path, path: PurePath, entry: Entry | None, source: str, stem: str, config: IngestConfig, part: str
) -> Solo:
    file = folder / path
    _refuse_unreadable(file)
    raw = read_raw(file)
    flags = [] if entry else ["not_in_manifest"] if (folder / MANIFEST).exists() else []
    known = metadata(entry or Entry(), path, folder.resolve().name)
    key, key_flags = _parse_key(known.key)
    transpose = _parse_transpose(known.transpose, file)
    reading = read_solo(raw, file, key, config, part=known.part or part, transpose=transpose)
    score = reading.score
    row = SoloRow(
        solo=f"{source}/{stem}",
        path=f"{source}/scores/{stem}.mid",
        source=source,
        file=path.as_posix(),
        artist=known.artist,
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
        unended_notes=raw.unended_notes,
        part=reading.choice.part.label,
        parts_left="; ".join(f"{part.label}: {len(part.notes)} notes" for part in reading.choice.left),
        notes_left=sum(len(part.notes) for part in reading.choice.left),
        flags="|".join([*flags, *key_flags, *reading.flags]),
    )
    return Solo(row, score)


def _refuse_unreadable(file: Path) -> None:
    try:
        if not file.is_file():  # a pipe or a device would be read forever
            found = "a link to nothing" if file.is_symlink() else "no regular file"
            raise InputError(file, expected="a MIDI file", found=found, remedy="replace it by the file itself")
        if (size := file.stat().st_size) > MAX_BYTES:
            expected = f"at most {MAX_BYTES // 1_000_000} MB"
            raise InputError(file, expected=expected, found=f"{size / 1e6:.0f} MB", remedy="cut it into solos")
        file.open("rb").close()
    except OSError as error:
        found = str(error.strerror)
        raise InputError(file, expected="a readable file", found=found, remedy="mend its permissions") from None


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
    """Onsets in 1/48 beats and pitches, blind to tempo, velocity and durations, which exports of one solo differ in."""
    onsets = np.rint(score.onsets * (48 / score.ticks_per_beat)).astype("<i8")
    pitches = (score.pitches - score.pitches[0] if transposed else score.pitches).astype("<i8")
    return hashlib.sha256(np.stack([onsets - onsets[0], pitches]).tobytes()).hexdigest()[:16]


def _join_transposed(solos: list[Solo]) -> tuple[Solo, ...]:
    """Transposed copies are flagged, and their tune groups become one: neither may be held out from the other."""
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
