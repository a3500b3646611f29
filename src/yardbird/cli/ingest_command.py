"""`yardbird ingest --dry-run`: previews the ingestion of folders of solos."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yardbird.cli.console import AsJson, print_json
from yardbird.errors import InputError, counted

if TYPE_CHECKING:
    from yardbird.data.ingest import Survey


def check_folders(folders: Iterable[Path]) -> None:
    """Refuse paths of the command line that are no folders.

    Raises:
        InputError: a path is missing or a file.
    """
    for folder in folders:
        if not folder.is_dir():
            found = "a file" if folder.exists() else "no such folder"
            raise InputError(folder, expected="a folder of music files", found=found, remedy="correct the path")


def ingest(
    folders: Annotated[list[Path], typer.Argument(help="Folders of solos, with their subfolders.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; write nothing.")] = False,
    part: Annotated[
        str,
        typer.Option(help="The part with the solo if manifest.csv names none: a name, a track, or track/channel."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the files of a folder that would be used, those that would not, and why.

    Formats: MIDI, MusicXML (.musicxml, .xml, .mxl), ABC, kern (.krn) and the Weimar Jazz Database (wjazzd.db). Each
    solo of a file with several has its own line, such as tunes.abc#3, which is also its name in manifest.csv.

    A usable file is listed with artist, title, key, length and flags; a second line gives the part taken as the solo
    and the other parts. An unusable file is listed with the reason and a remedy. In manifest.csv of the folder, the
    column `part` selects another part, and the column `transpose` moves its notes by semitones. To train on the
    folders, add them to `sources` in params.yaml or in an experiment.

    Examples:

    - `yardbird ingest --dry-run data/raw/parker`

    - `yardbird ingest --dry-run data/raw/parker data/raw/coltrane`

    - `yardbird ingest --dry-run --part "Alto Sax" data/raw/bands`

    - `yardbird exp -S '~sources.etudes' -S '+sources.parker=data/raw/parker'`  (train on it)
    """
    from yardbird.config import read_section
    from yardbird.data.ingest import survey
    from yardbird.data.readers import KINDS
    from yardbird.data.reading import IngestConfig

    if not dry_run:
        remedy = "add it; to train on a folder, name it under sources in params.yaml and run yardbird run"
        raise InputError("yardbird ingest", expected="--dry-run", found="no such option", remedy=remedy)
    check_folders(folders)
    config = read_section("ingest", IngestConfig)
    surveys = {folder: survey(folder, folder.resolve().name, config, part) for folder in folders}
    used = sum(len(found.used) for found in surveys.values())
    if as_json:
        print_json(
            {
                str(folder): {
                    "used": [asdict(solo.row) for solo in found.used],
                    "rejected": [asdict(file) for file in found.rejected],
                }
                for folder, found in surveys.items()
            }
        )
    else:
        for folder, found in surveys.items():
            _show(folder, found)
        typer.echo(f"{used} used, {sum(len(found.rejected) for found in surveys.values())} not")
    if not used:
        where = ", ".join(map(str, folders))
        remedy = f"use a folder with {KINDS}"
        raise InputError(where, expected="at least one usable solo", found="none", remedy=remedy)


def _show(folder: Path, found: "Survey") -> None:
    typer.secho(f"{folder}", bold=True)
    for solo in found.used:
        row = solo.row
        length = f"{counted(row.bars, 'bar')} · {row.notes} notes"
        facts = f"{row.artist} · {row.title} · {row.key} · {length} · {row.qpm:.0f} qpm"
        facts += f" · chords {row.chord_coverage:.0%}" + (f" · {row.flags.replace('|', ', ')}" if row.flags else "")
        typer.echo(f"  {typer.style('used', fg='green')}  {row.file}: {facts}")
        typer.echo(f"        part: {row.part}; other parts: {row.parts_left or 'none'}")
    for file in found.rejected:
        typer.echo(f"  {typer.style('not ', fg='red')}  {file.file}: {file.reason}; {file.remedy}")
