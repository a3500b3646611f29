"""The results in the report: verdicts, and charts of metrics, training curves, distances and originality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from yardbird import files
from yardbird.metrics.estimates import read
from yardbird.metrics.set_rows import SELF
from yardbird.metrics.shared_runs import FIGURES, LENGTHS, MOST
from yardbird.metrics.verdicts import FamilyVerdict, family_verdicts
from yardbird.report.charts import Chart, bars, chart, curves, dots, escaped
from yardbird.report.family_solos import Family
from yardbird.report.row_colours import OTHERS
from yardbird.tables.curve_table import read_curve

_COVERAGE = [f"coverage_{length}" for length in LENGTHS]
_SHADES = [[0, "#3a86c8"], [0.5, "#e9d8a6"], [1, "#c94f5d"]]
_FIRST = (
    "validation_nats_per_note",
    "validation_note_f1",
    "validation_nats_per_frame",
)  # columns of a training curve to show first
#: Table of `reports/plots` → chart function, title, arguments.
_PLOTS: dict[str, tuple[Callable[..., Chart], str, dict[str, str]]] = {
    "distances": (
        dots, "Distance from real solos by metric (in their standard deviations)",
        {"along": "metric", "by": "row", "value": "distance"},
    ),
    "nats_by_kind": (
        bars, "Nats of held-out tunes by kind of token",
        {"along": "kind", "by": "row", "value": "nats_per_note"},
    ),
    "nats_by_codebook": (
        bars, "Nats per frame of held-out sound by codebook",
        {"along": "codebook", "by": "row", "value": "nats_per_frame"},
    ),
    "reconstruction": (
        bars, "Reconstruction of held-out solos from the latent",
        {"along": "figure", "by": "row", "value": "value"},
    ),
}  # fmt: skip


def read_verdicts(reports: Path) -> dict[str, list[FamilyVerdict]]:
    """Family → its verdicts, for the families that have any."""
    paths = sorted((reports / "evaluate").glob("*.json"))
    verdicts = {path.stem: family_verdicts(files.read_json(path), path.stem) for path in paths}
    return {name: own for name, own in verdicts.items() if own}


def comparison_charts(reports: Path, colours: Mapping[str, str]) -> list[Chart]:
    """The charts of the tables in `reports/plots` that exist."""
    charts = []
    for name, (draw, title, arguments) in _PLOTS.items():
        path = reports / f"plots/{name}.csv"
        if path.is_file() and len(table := pd.read_csv(path)):
            charts.append(draw(name, title, table, colours, **arguments))
    return charts


def trained(reports: Path) -> list[str]:
    """The families with a training curve."""
    return [path.stem.removesuffix("_curve") for path in sorted((reports / "train").glob("*_curve.csv"))]


def training_charts(reports: Path, colours: Mapping[str, str]) -> list[Chart]:
    """The curves of every training, one metric at a time."""
    charts = []
    for name in trained(reports):
        table = pd.DataFrame(read_curve(reports / f"train/{name}_curve.csv"))
        columns = [str(column) for column in table]
        first = next((column for column in (*_FIRST, *_validated(columns)) if column in columns), columns[-1])
        charts.append(curves(f"curve_{name}", f"Training of {name}", table, first, colours.get(name, OTHERS[0])))
    return charts


def _validated(columns: Sequence[str]) -> list[str]:
    return [column for column in columns if column.startswith("validation_")]


def distance_chart(families: Sequence[Family], colours: Mapping[str, str]) -> Chart | None:
    """The distance of every solo and of the real ones; the chosen solos are marked."""
    traces = []
    for family in families:
        own = [solo for solo in family.solos if solo.distance is not None]
        if own:
            marks = {id(solo): f"{label}: " for label, solo in family.chosen.items()}
            names = [escaped(marks.get(id(solo), "") + solo.title) for solo in own]
            symbols = ["diamond" if id(solo) in marks else "circle" for solo in own]
            traces.append(
                _row_of_dots(family.name, [solo.distance for solo in own], names, symbols, colours[family.name])
            )
            label, count = f"real, for {family.name}", len(family.real)
            traces.append(_row_of_dots(label, family.real, ["a real solo"] * count, ["circle"] * count, OTHERS[0]))
    if not traces:
        return None
    axis = {"automargin": True, "autorange": "reversed"}
    title = "Distance of single solos from real ones (diamonds: the best and the median)"
    layout: dict[str, Any] = {"showlegend": False, "yaxis": axis, "xaxis_title": "standard deviations"}
    return chart("solos", title, traces, height=100 + 34 * len(traces), **layout)


def _row_of_dots(
    label: str, values: Sequence[float | None], names: Sequence[str], symbols: Sequence[str], colour: str
) -> go.Scatter:
    return go.Scatter(
        name=label,
        mode="markers",
        x=list(values),
        y=[label] * len(values),
        text=list(names),
        marker={"symbol": list(symbols), "size": 11, "opacity": 0.7, "color": colour},
        hovertemplate="%{text}: %{x:.2f}<extra></extra>",
    )


@dataclass(frozen=True)
class Compared:
    """A solo, or the mean of a set, and its overlap with training solos."""

    label: str
    shares: Sequence[float | None]  # by LENGTHS; None: the solo is shorter
    longest_run: float  # intervals
    source: str = ""


@dataclass(frozen=True)
class Originality:
    """The solos of a family, and the means of the sets for comparison, the last being the yardstick `SELF`.

    `longest` is the longest usual run: 97.5 % of the sampled sets of training solos have no longer one.
    """

    solos: Sequence[Compared]
    sets: Sequence[Compared]
    longest: float | None  # None: not measured


def read_originality(reports: Path) -> dict[str, Originality]:
    """Family → the overlap of its solos with training solos; families without known notes are omitted."""
    found = {}
    for path in sorted((reports / "evaluate").glob("*_originality.csv")):
        name = path.stem.removesuffix("_originality")
        table = _read_rows(path, dtype={"solo": str, "source": str}).fillna({"source": ""})
        own = table[table["row"] == name]
        if own.empty:
            continue
        measured = _read_rows(path.with_name(f"{name}_rows.csv"))
        yardstick = measured[measured["row"] == SELF].set_index("metric")["mean"]
        means = table[table["row"] != name].groupby("row", sort=False)[list(FIGURES)].mean()
        sets = [_compared(f"{row} (mean)", figures) for row, figures in means.iterrows()]
        if "longest_run" in yardstick:
            sets.append(_compared("self_quotation, as long (mean)", yardstick))
        longest = read(files.read_json(path.with_name(f"{name}.json")).get(SELF, {}), MOST)
        solos = [_compared(row["solo"], row, row["source"]) for row in own.to_dict("records")]
        found[name] = Originality(solos, sets, longest.high if longest else None)
    return found


def _read_rows(path: Path, **options: Any) -> pd.DataFrame:
    table: pd.DataFrame = pd.read_csv(path, keep_default_na=False, na_values=[""], **options)
    return table


def _compared(label: str, figures: Any, source: str = "") -> Compared:
    """Convert a mapping with the keys of `FIGURES`; missing keys count as empty."""
    shares = [None if pd.isna(share := figures.get(column)) else share for column in _COVERAGE]
    return Compared(label.replace("_", " "), shares, figures["longest_run"], source)


def originality_chart(name: str, found: Originality) -> Chart:
    """A heat map of shares: solos by run length."""
    solos, notes = [*found.solos, *found.sets], []
    for solo in solos:
        source = f": {solo.source}" if solo.source else ""
        notes.append([escaped(f"longest run {solo.longest_run:.3g} intervals{source}")] * len(LENGTHS))
    heat = go.Heatmap(
        x=[str(length) for length in LENGTHS],
        y=[escaped(solo.label) for solo in solos],
        z=[list(solo.shares) for solo in solos],
        text=[["" if share is None else f"{share:.0%}" for share in solo.shares] for solo in solos],
        texttemplate="%{text}",
        customdata=notes,
        hovertemplate="%{y}, %{x} intervals: %{text}<br>%{customdata}<extra></extra>",
        colorscale=_SHADES,
        zmin=0,
        zmax=1,
        showscale=False,
        textfont={"color": "#1b1b1f"},
    )
    rows = {"type": "category", "automargin": True, "autorange": "reversed"}  # a solo's name may be a number
    columns = {"type": "category", "title": "intervals of a run"}
    title, height = f"Originality of {name}", 110 + 28 * len(solos)
    return chart(f"originality_{name}", title, [heat], height=height, yaxis=rows, xaxis=columns)
