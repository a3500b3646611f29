"""`yardbird compare`: the ten metrics that decide, of this run or of all experiments."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from yardbird import files
from yardbird.config import flatten
from yardbird.deciding_metrics import FOLDER, HEADING, METRICS
from yardbird.errors import InputError, YardbirdError
from yardbird.report_tables import read_sections

Metrics = Mapping[str, Mapping[str, float]]  # metric → family → value

_TABLES = Path("reports/comparison_tables.json")
_REMEDY = "run `yardbird run`, which compares the families"
_NAME_WIDTH = 20  # of an experiment
_SHORT_HASH = 7


@dataclass(frozen=True)
class Row:
    """The workspace, a commit or an experiment."""

    name: str
    state: str  # of an experiment that has not ended well, such as queued or failed; else empty
    changed: Mapping[str, str]  # parameter → value, where it differs from the commit
    metrics: Metrics


def compare(
    experiments: Annotated[
        bool, typer.Option("--experiments", "-e", help="Compare the experiments of this commit, as `make exp` does.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show the ten metrics that decide, for every family next to its reference.

    With --experiments, each experiment is a row, next to its commit; families whose results are equal in all rows are
    left out. docs/metrics.md defines the metrics, reports/comparison.md has all tables.

    Examples:

    - `yardbird compare`

    - `yardbird compare --experiments`

    - `yardbird compare --json > metrics.json`
    """
    if experiments:
        rows = _read_experiments()
        typer.echo(json.dumps([vars(row) for row in rows], indent=2, ensure_ascii=False) if as_json else _show(rows))
    elif as_json:
        typer.echo(json.dumps(_read_metrics(), indent=2))
    else:
        _show_comparison()


def _read_metrics() -> Metrics:
    if not all((FOLDER / f"{metric}.json").is_file() for metric in METRICS):
        raise InputError(FOLDER, expected="a file for each of the ten metrics", found="fewer", remedy=_REMEDY)
    return {metric: files.read_json(FOLDER / f"{metric}.json") for metric in METRICS}


def _show_comparison() -> None:
    if not _TABLES.is_file():
        raise InputError(_TABLES, expected="the comparison of a run", found="no such file", remedy=_REMEDY)
    for section in read_sections(_TABLES):
        if section.heading == HEADING:
            (table,) = section.tables
            typer.echo("\n".join([*_aligned([table.columns, *table.rows]), "", table.caption]))
            return
    raise InputError(_TABLES, expected=f"a section {HEADING!r}", found="none", remedy=_REMEDY)


def _read_experiments() -> list[Row]:
    """The commit first, then the workspace if its results differ, then the experiments of the commit."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise YardbirdError((done.stderr.strip().splitlines() or ["dvc exp show failed"])[-1])
    workspace, commit = json.loads(done.stdout)[:2]
    rows = [_row(commit, commit), _row(workspace, commit)]
    if rows[1].metrics == rows[0].metrics:
        rows.pop()
    for experiment in commit["experiments"] or []:
        rows.append(_row(experiment["revs"][0], commit, (experiment["executor"] or {}).get("state", "success")))
    return rows


def _row(entry: Mapping[str, Any], commit: Mapping[str, Any], state: str = "success") -> Row:
    params = _params(commit)
    changed = {key: value for key, value in _params(entry).items() if params.get(key) != value}
    return Row(
        entry["name"] or entry["rev"][:_SHORT_HASH], "" if state == "success" else state, changed, _metrics(entry)
    )


def _params(entry: Mapping[str, Any]) -> dict[str, str]:
    content = (entry["data"] or {}).get("params", {})
    return {key: value for file in content.values() for key, value in flatten(file.get("data", {})).items()}


def _metrics(entry: Mapping[str, Any]) -> Metrics:
    content = (entry["data"] or {}).get("metrics", {})
    own = {metric: content.get((FOLDER / f"{metric}.json").as_posix(), {}).get("data", {}) for metric in METRICS}
    return {metric: values for metric, values in own.items() if values}


def _show(rows: Sequence[Row]) -> str:
    """What each experiment changes, and a table for each family whose results differ."""
    if len(rows) < 2:
        return "no experiments of this commit; start one with `yardbird exp -S generate.temperature=0.8 --name cold`"
    lines = [f"{_short(row.name)}{f' ({row.state})' if row.state else ''}: {_changes(row)}" for row in rows[1:]]
    families = dict.fromkeys(family for row in rows for own in row.metrics.values() for family in own)
    equal = []
    for family in families:
        cells = [_cells(row, family) for row in rows]
        if all(own == cells[0] for own in cells):
            equal.append(family)
            continue
        heads = list(zip(*(_two_lines(metric) for metric in METRICS), strict=True))
        own = ([_short(row.name), *texts] for row, texts in zip(rows, cells, strict=True))
        table = [["", *heads[0]], [family, *heads[1]], *own]
        lines += ["", *_aligned(table)]
    return "\n".join([*lines, *(["", f"equal in all rows: {', '.join(equal)}"] if equal else [])])


def _changes(row: Row) -> str:
    return ", ".join(f"{key}={value}" for key, value in row.changed.items()) or "the same parameters"


def _cells(row: Row, family: str) -> list[str]:
    return [
        form(row.metrics[metric][family]) if family in row.metrics.get(metric, {}) else "–"
        for metric, form in METRICS.items()
    ]


def _short(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"


def _two_lines(metric: str) -> tuple[str, str]:
    """`distance_to_real` → "distance", "to real"; a single word is on the second line."""
    first, _, rest = metric.replace("_", " ").partition(" ")
    return (first, rest) if rest else ("", first)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
