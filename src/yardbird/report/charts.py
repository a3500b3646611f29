"""Charts as data: plotly validates them here; its script in the page draws them in the colours of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from yardbird.report.metric_names import in_words
from yardbird.report.row_colours import OTHERS, row_colours

_SHARED = {
    "colorway": list(OTHERS),
    "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    "dragmode": False,  # scrolling the page by touch must not zoom a chart
    "bargap": 0.25,
}


@dataclass(frozen=True)
class Chart:
    """A plotly figure; with `choices` (one name per trace) one trace is shown at a time."""

    name: str  # an id, unique in the page
    title: str
    figure: Mapping[str, Any]
    height: int = 360
    choices: tuple[str, ...] = ()


def chart(
    name: str, title: str, traces: Sequence[Any], *, height: int = 360, choices: Sequence[str] = (), **layout: Any
) -> Chart:
    """A chart without plotly's default template, which would be larger than the data."""
    figure = go.Figure(data=list(traces), layout={**_SHARED, **layout})
    figure.layout.template = None
    return Chart(name, title, figure.to_plotly_json(), height, tuple(choices))


def gapped(values: pd.Series) -> list[Any]:
    """The values for plotly, which leaves a gap at None; a page cannot store NaN."""
    return [None if pd.isna(value) else value for value in values]


def escaped(text: str) -> str:
    """Escape text for plotly, which interprets some markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def bars(
    name: str, title: str, table: pd.DataFrame, colours: Mapping[str, str], *, along: str, by: str, value: str
) -> Chart:
    """Bars of `value` in groups of `along`, one colour per value of `by`; `colours` are those of families."""
    own = row_colours(list(table[by].astype(str)), colours)
    traces = [
        go.Bar(
            name=str(row),
            x=part[along].astype(str).tolist(),
            y=gapped(part[value]),
            marker={"color": own[str(row)]},
        )
        for row, part in table.groupby(by, sort=False)
    ]
    return chart(name, title, traces, yaxis_title=value.replace("_", " "))


def dots(
    name: str, title: str, table: pd.DataFrame, colours: Mapping[str, str], *, along: str, by: str, value: str
) -> Chart:
    """A line of dots for each metric of `along`, one colour per value of `by`; `colours` are those of families."""
    own = row_colours(list(table[by].astype(str)), colours)
    labels = list(dict.fromkeys(table[along]))
    traces = [
        go.Scatter(
            name=str(row),
            mode="markers",
            marker={"size": 9, "color": own[str(row)]},
            x=gapped(part[value]),
            y=[in_words(str(label)) for label in part[along]],
        )
        for row, part in table.groupby(by, sort=False)
    ]
    axis = {"autorange": "reversed", "tickmode": "linear", "tickfont": {"size": 10}}
    return chart(name, title, traces, height=120 + 36 * len(labels), xaxis_title=value, yaxis=axis)


def curves(name: str, title: str, table: pd.DataFrame, first: str, colour: str) -> Chart:
    """Every column over the first one, shown one at a time, starting with `first`."""
    along, *rest = table.columns
    columns = sorted(rest, key=lambda column: column != first)
    traces = [
        go.Scatter(
            name=column,
            mode="lines+markers",
            x=table[along].tolist(),
            y=gapped(table[column]),
            visible=column == columns[0],
            line={"color": colour},
        )
        for column in columns
    ]
    names = [column.replace("_", " ") for column in columns]
    axis = {"title": along} | ({"dtick": 1} if len(table) <= 20 else {})  # no ticks between epochs
    return chart(name, title, traces, choices=names, xaxis=axis, showlegend=False)


def histogram(name: str, title: str, values: Mapping[str, Sequence[float]], *, width: float, unit: str) -> Chart:
    """Shares of values in bins of `width`, one colour per name; counted here, to keep the page small."""
    traces = []
    for label, own in values.items():
        counts = (pd.Series(own, dtype=float) // width).value_counts(normalize=True).sort_index()
        centres = ((counts.index + 0.5) * width).tolist()
        traces.append(go.Bar(name=label, x=centres, y=counts.tolist(), width=width))
    layout: dict[str, Any] = {"barmode": "overlay", "bargap": 0, "xaxis_title": unit, "yaxis_title": "share"}
    return chart(name, title, [trace.update(opacity=0.6) for trace in traces], height=300, **layout)
