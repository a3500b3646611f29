"""Charts as data: plotly checks them here, and its script, embedded in the page, draws them in the colours at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

#: Of the first, second, … line or bar; to be told apart on light and on dark paper, and by those who see few colours.
COLOURS = ("#3a86c8", "#d9712b", "#4aa36c", "#b35fa8", "#8d8a2e", "#7a7f8c", "#c94f5d")
_SHARED = {
    "colorway": list(COLOURS),
    "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    "dragmode": False,  # a finger that scrolls the page must not zoom
    "bargap": 0.25,
}


@dataclass(frozen=True)
class Chart:
    """`figure` is what plotly draws; with `choices` (a name a trace) one trace is shown at a time."""

    name: str  # an id, unique in the page
    title: str
    figure: Mapping[str, Any]
    height: int = 360
    choices: tuple[str, ...] = ()


def chart(
    name: str, title: str, traces: Sequence[Any], *, height: int = 360, choices: Sequence[str] = (), **layout: Any
) -> Chart:
    """A chart without plotly's own template, which would weigh more than the data."""
    figure = go.Figure(data=list(traces), layout={**_SHARED, **layout})
    figure.layout.template = None
    return Chart(name, title, figure.to_plotly_json(), height, tuple(choices))


def bars(name: str, title: str, table: pd.DataFrame, *, along: str, by: str, value: str, **layout: Any) -> Chart:
    """Bars of `value` in groups of `along`, a colour each value of `by`."""
    traces = [
        go.Bar(name=str(row), x=part[along].astype(str).tolist(), y=part[value].tolist())
        for row, part in table.groupby(by, sort=False)
    ]
    return chart(name, title, traces, yaxis_title=value.replace("_", " "), **layout)


def dots(name: str, title: str, table: pd.DataFrame, *, along: str, by: str, value: str) -> Chart:
    """A line of dots for each value of `along`, a colour each value of `by`."""
    labels = list(dict.fromkeys(table[along]))
    traces = [
        go.Scatter(
            name=str(row),
            mode="markers",
            marker={"size": 9},
            x=part[value].tolist(),
            y=[str(label).replace("_", " ") for label in part[along]],
        )
        for row, part in table.groupby(by, sort=False)
    ]
    axis = {"autorange": "reversed", "automargin": True, "tickmode": "linear"}
    return chart(name, title, traces, height=90 + 22 * len(labels), xaxis_title=value, yaxis=axis)


def curves(name: str, title: str, table: pd.DataFrame, first: str) -> Chart:
    """Every column over the first one, one at a time, `first` first."""
    along, *rest = table.columns
    columns = sorted(rest, key=lambda column: column != first)
    traces = [
        go.Scatter(
            name=column,
            mode="lines+markers",
            x=table[along].tolist(),
            y=table[column].tolist(),
            visible=column == columns[0],
            line={"color": COLOURS[0]},
        )
        for column in columns
    ]
    names = [column.replace("_", " ") for column in columns]
    axis = {"title": along} | ({"dtick": 1} if len(table) <= 20 else {})  # no half epochs
    return chart(name, title, traces, choices=names, xaxis=axis, showlegend=False)


def histogram(name: str, title: str, values: Mapping[str, Sequence[float]], *, width: float, unit: str) -> Chart:
    """Shares of values in bins of `width`, a colour a name; counted here, so that the page holds no list of values."""
    traces = []
    for label, own in values.items():
        counts = (pd.Series(own, dtype=float) // width).value_counts(normalize=True).sort_index()
        centres = ((counts.index + 0.5) * width).tolist()
        traces.append(go.Bar(name=label, x=centres, y=counts.tolist(), width=width))
    layout: dict[str, Any] = {"barmode": "overlay", "bargap": 0, "xaxis_title": unit, "yaxis_title": "share"}
    return chart(name, title, [trace.update(opacity=0.6) for trace in traces], height=300, **layout)
