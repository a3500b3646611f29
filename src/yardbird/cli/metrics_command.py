"""`yardbird metrics`: computes metrics of any solos."""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yardbird.errors import InputError, YardbirdError

if TYPE_CHECKING:
    from yardbird.metrics.shared_runs import Originality, OriginalityIndex
    from yardbird.music.score import Score

Values = Mapping[str, float | None]
_NAME_WIDTH, _COLUMN, _WORDS = 31, 14, 33
#: Units of metrics; the others are shares, ratios, differences or counts.
_UNITS = {
    **dict.fromkeys(("pitch_entropy", "h1", "h4", "rhythm_diversity", "pitch_class_entropy"), "bits"),
    **dict.fromkeys(("phrase_length_median", "phrase_length_p10", "phrase_length_p90"), "notes"),
    "notes_per_bar": "notes a bar",
    "pitch_range": "semitones",
    "longest_run": "intervals",
}
_REMEDY = "use a folder with MIDI, MusicXML, ABC or kern files"


def metrics(
    files: Annotated[list[Path], typer.Argument(help="MIDI, MusicXML, ABC or kern files, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    against: Annotated[Path | None, typer.Option(help="A folder of known solos, for originality and means.")] = None,
) -> None:
    """Measure solos: pitch, rhythm, harmony, phrases, bebop figures; with --against also copied runs.

    Each file is read as by the ingest stage: its solo line, and its chords if there are any. The last metrics are those
    of MusPy that apply to a single line. Values without a unit are shares, ratios, differences or counts;
    docs/metrics.md defines each metric. A dash means that a metric is undefined, such as harmony without chords.
    --against FOLDER adds the shares of the solo's runs of 4, 6, 8 and 10 intervals that occur in the folder's solos in
    any key, the longest such run, and its source; a file of that folder is not compared with itself.

    An unusable file is one line on stderr; the others are shown, and the exit status is 1.

    Examples:

    - `yardbird metrics solo.mid`

    - `yardbird metrics out/generate --against data/raw/parker`

    - `yardbird metrics --json data/generated/music_transformer > metrics.json`
    """
    from yardbird.metrics.shared_runs import KnownSolo, OriginalityIndex

    faults: dict[str, str] = {}
    scores = _read(files, faults)
    table: dict[str, Values] = dict(zip(scores, _measure(list(scores.values())), strict=True))
    known = _read([against], faults) if against else {}
    if against and not known:
        found = "none" if against.exists() else "no such folder"
        raise InputError(against, expected="at least one usable solo", found=found, remedy=_REMEDY)
    index = OriginalityIndex([KnownSolo(Path(name).stem, _place(name), score) for name, score in known.items()])
    shared = _shared(scores, known, index) if against else {}
    table = {name: {**values, **(shared[name].figures if shared else {})} for name, values in table.items()}
    origins = {name: str(found.origin) for name, found in shared.items() if found.origin}
    if as_json:
        sources = {name: {"source": origins.get(name)} if against else {} for name in table}
        solos = {name: {**values, **sources[name]} for name, values in table.items()}
        typer.echo(json.dumps({"solos": solos, "unusable": faults}, indent=2, ensure_ascii=False))
    else:
        _show(table, _measure(list(known.values())))
        for name, origin in origins.items():
            typer.echo(f"{name}: {origin}")
    for text in faults.values():
        typer.echo(f"error: {text}", err=True)
    if faults or not scores:
        sys.exit(1)


def _measure(scores: Sequence["Score"]) -> list[Values]:
    from yardbird.metrics.common_metrics import common_values
    from yardbird.metrics.solo_metrics import describe_all

    return [own | common for own, common in zip(describe_all(scores), common_values(scores), strict=True)]


def _read(places: Iterable[Path], faults: dict[str, str]) -> dict[str, "Score"]:
    """The solos of files and folders by path; errors of unusable files are added to `faults`."""
    from yardbird.data.readers import is_read, piece_numbers
    from yardbird.data.reading import load_midi
    from yardbird.music.excerpts import in_full_bars

    scores = {}
    for place in places:
        found = [place]
        if place.is_dir():
            found = sorted(path for path in place.rglob("*") if is_read(path))
        if not found:
            faults[str(place)] = f"{place}: expected files of music, found none; {_REMEDY}"
        for path in found:
            try:
                names = [f"{path}#{number}" if number else str(path) for number in piece_numbers(path)]
            except YardbirdError as error:
                names, faults[str(path)] = [], str(error)
            for name in names:
                try:
                    scores[name] = in_full_bars(load_midi(name))
                except YardbirdError as error:
                    faults[name] = str(error)
    return scores


def _shared(
    scores: Mapping[str, "Score"], known: Mapping[str, "Score"], index: "OriginalityIndex"
) -> dict[str, "Originality"]:
    """The overlap of each solo with the known ones, without itself."""
    of_known = dict(zip(map(_place, known), index.compare_known(), strict=True))
    return {name: of_known.get(_place(name)) or index.compare(score) for name, score in scores.items()}


def _place(name: str) -> str:
    return str(Path(name).resolve())


def _show(table: Mapping[str, Values], known: Sequence[Values]) -> None:
    """Print metrics as rows and solos as columns, in blocks as wide as the terminal; means are last.

    Each row starts with the name and the unit, and ends with the name in words if the terminal is wide enough.
    """
    from yardbird.report.metric_names import IN_WORDS

    names = list(dict.fromkeys(metric for values in table.values() for metric in values))
    columns = {name: [_number(values.get(metric)) for metric in names] for name, values in table.items()}
    for title, rows in (("mean ± sd", list(table.values())), ("known solos", known)):
        if len(rows) > 1:
            columns[title] = [_mean([row.get(metric) for row in rows]) for metric in names]
    width = shutil.get_terminal_size().columns - _NAME_WIDTH
    across = max(1, width // (_COLUMN + 1))
    titles = list(columns)
    for start in range(0, len(titles), across):
        shown = titles[start : start + across]
        typer.secho(" " * _NAME_WIDTH + "".join(f" {_cut(title):>{_COLUMN}}" for title in shown), bold=True)
        for row, metric in enumerate(names):
            cells = "".join(f" {columns[title][row]:>{_COLUMN}}" for title in shown)
            name = metric.replace("_", " ") + (f", {_UNITS[metric]}" if metric in _UNITS else "")
            words = IN_WORDS.get(metric, "") if width > len(cells) + _WORDS else ""
            typer.echo(f"{name:{_NAME_WIDTH}}{cells} {words}".rstrip())


def _cut(title: str) -> str:
    """A name shortened to its end, which differs between files more often than the beginning."""
    return title if len(title) <= _COLUMN else f"…{title[-_COLUMN + 1 :]}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _mean(values: Sequence[float | None]) -> str:
    import numpy as np

    known = [value for value in values if value is not None]
    if not known:
        return "–"
    return f"{np.mean(known):.3f}" + (f" ± {np.std(known, ddof=1):.2f}" if len(known) > 1 else "")
