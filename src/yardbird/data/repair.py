"""Corrected copies of the files that ingest uses, with a list of changes; the originals are never modified."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePath

from yardbird import files
from yardbird.data.checkup import Checkup, FileHealth
from yardbird.data.findings import explain
from yardbird.data.manifest import MANIFEST, Entry, SoloRow
from yardbird.errors import InputError
from yardbird.music.midi import write_score
from yardbird.music.score import Score
from yardbird.tables.typed_table import write_table

CHANGES = "changes.csv"
#: Findings that also apply to a copy: those about pairs of solos, or about the limits of the models.
_STILL_THERE = frozenset({
    "duplicate", "transposed_copy_of", "written_pitch", "near_duplicate", "grid_loss", "tempo_outside", "no_chords",
    "no_key", "slowest_moment", "fastest_moment", "chord_coverage", "range", "title_present",
})  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A line of the list; `copy` is empty if the file could not be repaired."""

    file: str
    copy: str
    change: str  # a kind of finding, or `rewritten` if nothing else was changed
    detail: str
    what: str  # a sentence


def repair(checkup: Checkup, folders: Sequence[Path], out: Path) -> list[Change]:
    """Write `out`/<source>/<name>.mid, a manifest.csv for each source, and `out`/changes.csv.

    A copy contains the chosen part as one melodic line, the repaired meters and tempos, the key as key signature, and
    chords as markers; ingest reads the same notes from it. A part written above its chords is transposed to sounding
    pitch if it stays within the MIDI pitches.

    Raises:
        InputError: `out` is one of the folders or inside one, or exists and is not an empty folder.
    """
    refuse_place(out, folders)
    scores = {solo.row.solo: solo.score for survey in checkup.surveys.values() for solo in survey.used}
    changes: list[Change] = []
    with files.replacing_folder(out) as draft:
        for name in checkup.surveys:
            own = [file for file in checkup.files if file.source == name]
            changes += [change for file in own for change in _changes(file, scores)]
            _write_copies(draft / name, own, scores)
        write_table(draft / CHANGES, Change, changes)
    return changes


def refuse_place(out: Path, folders: Sequence[Path]) -> None:
    """Refuse an output folder that could harm the input; see `repair`."""
    expected, remedy = "a new or empty folder outside the input", "name another one"
    for folder in folders:
        if out.resolve().is_relative_to(folder.resolve()):
            raise InputError(out, expected=expected, found=f"one inside {folder}", remedy=remedy)
    if out.exists() and not out.is_dir():
        raise InputError(out, expected=expected, found="a file", remedy=remedy)
    if out.is_dir() and any(out.iterdir()):
        raise InputError(out, expected=expected, found="a folder that is not empty", remedy=remedy)


def _write_copies(folder: Path, own: Sequence[FileHealth], scores: Mapping[str, Score]) -> None:
    rows = [file.row for file in own if file.row]
    for row in rows:
        write_score(_sounding(scores[row.solo], row), folder / _copy_of(row.path))
    if rows:
        columns = [field.name for field in fields(Entry)]
        decided = {"part": "", "transpose": ""}  # a copy has one part, at sounding pitch
        table = [asdict(row) | decided | {"file": _copy_of(row.path)} for row in rows]
        files.write_csv(folder / MANIFEST, ["file", *columns], table)


def _sounding(score: Score, row: SoloRow) -> Score:
    notes = score.notes.copy()
    notes["pitch"] -= _written_above(row, score)
    return replace(score, notes=notes)


def _written_above(row: SoloRow, score: Score) -> int:
    """Semitones from sounding to written pitch, as flagged by ingest; 0 if ingest has corrected it."""
    flags = dict(flag.partition(":")[::2] for flag in row.flags.split("|"))
    interval = int(flags.get("written_pitch", 0)) if "transposed" not in flags else 0
    return interval if score.pitches.min() - interval >= 0 and score.pitches.max() - interval <= 127 else 0


def _copy_of(path: str) -> str:
    return PurePath(path).name


def _changes(file: FileHealth, scores: Mapping[str, Score]) -> list[Change]:
    name = f"{file.source}/{file.file}"
    if file.rejected:
        return [Change(name, "", "rejected", file.rejected.reason, f"No copy: {file.rejected.remedy}.")]
    assert file.row is not None, "a file is used or rejected"
    copy = f"{file.source}/{_copy_of(file.row.path)}"
    made = [
        Change(name, copy, finding.kind, finding.detail, explain(finding.kind).pipeline)
        for finding in file.findings
        if finding.kind not in _STILL_THERE
    ]
    if interval := _written_above(file.row, scores[file.row.solo]):
        what = "The copy has the notes at sounding pitch."
        made.append(Change(name, copy, "transposed", f"{-interval:+d} semitones", what))
    return made or [Change(name, copy, "rewritten", "", "The copy has the same notes; no decision was necessary.")]
