"""`yardbird doctor FOLDER…`: reports how the pipeline would use the music in folders, as text or JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yardbird.cli.ingest_command import check_folders
from yardbird.errors import InputError, counted

if TYPE_CHECKING:
    from yardbird.data.checkup import Checkup, FileHealth
    from yardbird.data.health import SourceHealth
    from yardbird.data.manifest import SoloRow

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
#: Columns that the line of a file already shows, or that are of no use to a reader.
_SHOWN = frozenset({
    "solo", "path", "source", "file", "artist", "title", "tune_group", "key", "form", "licence", "notes", "bars",
    "seconds", "qpm", "chord_coverage", "content_hash", "interval_hash", "program", "trimmed_overlaps",
    "reduced_notes", "unended_notes", "flags",
})  # fmt: skip
_NAMED = 3


def examine_folders(folders: Sequence[Path], *, all_files: bool, as_json: bool, out: Path | None) -> None:
    """Print the findings, and write corrected copies to `out`, if given.

    Raises:
        InputError: a folder or `out` is unusable, or no file is usable.
    """
    check_folders(folders)
    from yardbird.config import read_section
    from yardbird.data.checkup import check_up
    from yardbird.data.health import read_limits
    from yardbird.data.reading import IngestConfig
    from yardbird.data.repair import CHANGES, refuse_place, repair
    from yardbird.data.validate_config import ValidateConfig

    if out is not None:
        refuse_place(out, folders)  # fail before the work, not after it
    ingest, validate = read_section("ingest", IngestConfig), read_section("validate", ValidateConfig)
    checkup = check_up(folders, ingest, validate, read_limits())
    if as_json:
        typer.echo(json.dumps(checkup.to_dict(), indent=2, ensure_ascii=False))
    else:
        for line in (*_corpus(checkup), "", *_files(checkup, all_files)):
            typer.echo(line)
    if not any(file.used for file in checkup.files):
        where = ", ".join(map(str, folders))
        remedy = "see the lines above for each file" if checkup.files else "add files of music"
        raise InputError(where, expected="at least one usable file", found="none", remedy=remedy)
    if out is not None:
        changes = repair(checkup, folders, out)
        copies = len({change.copy for change in changes if change.copy})
        typer.echo(
            f"{copies} corrected {'copy' if copies == 1 else 'copies'} in {out}; {out / CHANGES} lists the changes",
            err=as_json,
        )


def _corpus(checkup: "Checkup") -> Iterator[str]:
    from yardbird.data.health import summarise

    used = sum(file.used for file in checkup.files)
    yield typer.style(f"{counted(len(checkup.files), 'file')}: {used} used, {len(checkup.files) - used} not", bold=True)
    for source in checkup.health.sources:
        yield from _source(source)
    findings = summarise(checkup.findings)
    if findings:
        yield typer.style("Findings, and what the pipeline does about them", bold=True)
    for entry in findings:
        named = ", ".join(entry["where"][:_NAMED]) + (", …" if entry["count"] > _NAMED else "")
        label = typer.style(f"{entry['severity']:8}", fg=_COLOURS[entry["severity"]])
        yield f"  {label}{entry['kind']} ({entry['count']}): {named}"
        yield f"          pipeline: {entry['pipeline']}"
        yield f"          you: {entry['remedy']}"


def _source(source: "SourceHealth") -> Iterator[str]:
    lowest, median, highest = source.qpm
    yield typer.style(f"{source.name}: {counted(source.solos, 'solo')}, {source.notes:,} notes", bold=True)
    swing = f"; median swing ratio {source.swing:.2f}" if source.swing is not None else ""
    editions = ", ".join(f"{count} {edition}" for edition, count in source.editions.items())
    yield f"  edition: {editions}{swing}"
    pitches = f"pitches {source.pitches[0]} … {source.pitches[1]}"
    yield f"  tempo {lowest:.0f} … {highest:.0f} qpm, median {median:.0f}; {pitches}"
    for loss in source.grids:
        moved = loss.moved / max(1, loss.notes)
        yield (
            f"  {loss.steps_per_beat:2} steps a beat: {counted(loss.lost, 'note')} lost ({loss.lost_share:.2%}), "
            f"{moved:.0%} moved, by {loss.error_ms:.1f} ms on average"
        )


def _files(checkup: "Checkup", all_files: bool) -> Iterator[str]:
    from yardbird.data.findings import SEVERITIES, explain, rank

    note = SEVERITIES.index("note")
    worst = {file: min((rank(finding.kind) for finding in file.findings), default=note + 1) for file in checkup.files}
    shown = sorted((file for file in checkup.files if all_files or worst[file] < note), key=worst.__getitem__)
    for file in shown:
        yield f"{_state(file)}  {file.source}/{file.file}{_facts(file.row) if file.row else ''}"
        for finding in file.findings:
            severity = explain(finding.kind).severity
            if all_files or severity != "note":
                detail = f": {finding.detail}" if finding.detail else ""
                yield f"        {typer.style(severity, fg=_COLOURS[severity])} {finding.kind}{detail}"
    if hidden := len(checkup.files) - len(shown):
        which = "1 more file has" if hidden == 1 else f"{hidden} more files have"
        yield f"{which} no errors or warnings; --all lists them"


def _state(file: "FileHealth") -> str:
    return typer.style("used", fg="green") if file.used else typer.style("not ", fg="red")


def _facts(row: "SoloRow") -> str:
    facts = [row.artist, row.title, row.key, counted(row.bars, "bar"), f"{row.notes} notes", f"{row.qpm:.0f} qpm"]
    facts.append(f"chords {row.chord_coverage:.0%}")
    more = {field.name: getattr(row, field.name) for field in fields(row) if field.name not in _SHOWN}
    facts += [f"{name.replace('_', ' ')}: {value}" for name, value in more.items() if value]
    return ": " + " · ".join(filter(None, facts))
