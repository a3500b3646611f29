"""Charts of the latent experiments, from the tables of the explore stage: map, style transfer, arithmetic."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from yardbird.report.charts import Chart, chart, escaped, gapped
from yardbird.report.row_colours import FAMILIES, OTHERS

_RANDOM = "random"
_SHADES = [[0, "#c94f5d"], [0.5, "#f1ede4"], [1, "#3a86c8"]]


def latent_charts(explored: Path) -> list[Chart]:
    """The charts whose tables exist."""
    charts = []
    if (table := _read(explored / "map/solos.csv")) is not None:
        charts.append(_map(table, _read(explored / "map/purity.csv")))
    if (table := _read(explored / "transfer/transfer.csv")) is not None:
        charts += [_transfer(number, own) for number, (_, own) in enumerate(table.groupby(["from", "to"], sort=False))]
    if (table := _read(explored / "arithmetic/arithmetic.csv")) is not None:
        charts.append(_arithmetic(table))
    return charts


def _read(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    table: pd.DataFrame = pd.read_csv(path)
    return table if len(table) else None


def _map(solos: pd.DataFrame, purity: pd.DataFrame | None) -> Chart:
    """The solos in the two main directions of the latent space, one colour an artist."""
    traces = [
        go.Scatter(
            name=escaped(str(artist)),
            mode="markers",
            x=own["x"].tolist(),
            y=own["y"].tolist(),
            text=[escaped(f"{title}, {qpm:.0f} quarter notes a minute") for title, qpm in own[["title", "qpm"]].values],
            marker={"size": 9, "opacity": 0.75, "color": FAMILIES[(3 + place) % len(FAMILIES)]},
            hovertemplate="%{text}<extra></extra>",
        )
        for place, (artist, own) in enumerate(solos.groupby("artist", sort=True))
    ]
    title = "Map of the solos: solos with similar phrases are near each other"
    if purity is not None and len(own := purity[purity["attribute"] == "artist"]):
        share, chance = own.iloc[0][["purity", "chance"]]
        title += f"; {share:.0%} of the nearest neighbours are by the same artist (by chance {chance:.0%})"
    return chart("latent_map", title, traces, height=460, xaxis={"zeroline": False}, yaxis={"zeroline": False})


def _transfer(number: int, table: pd.DataFrame) -> Chart:
    """The judge's probability of the target artist by the distance of the move; random directions are the control."""
    source, target = table.iloc[0][["from", "to"]]
    start = table["strength"] == 0  # the reconstructions, from which every way starts
    random = table[table["way"].str.startswith(_RANDOM) | start].groupby("strength")
    rows: Mapping[str, pd.DataFrame] = {
        "towards the artist's intervals": table[table["way"] == "intervals"],
        "towards the artist's mean code": table[(table["way"] == "means") | start],
        "random directions (mean)": random["verdict"].mean().reset_index(),
        "rhythm kept": table[table["way"] == "intervals"].assign(verdict=lambda own: own["rhythm_kept"]),
    }
    looks = [(FAMILIES[4], "solid"), (FAMILIES[3], "solid"), (OTHERS[0], "solid"), (FAMILIES[4], "dot")]
    traces = [
        go.Scatter(
            name=name,
            mode="lines+markers",
            x=own["strength"].tolist(),
            y=gapped(own["verdict"]),
            line={"color": colour, "dash": dash},
        )
        for (name, own), (colour, dash) in zip(rows.items(), looks, strict=True)
        if len(own)
    ]
    title = f"Style transfer from {source} to {target}: the judge's probability of the target"
    axis = {"range": [0, 1.03], "tickformat": ".0%"}
    return chart(f"transfer_{number}", title, traces, yaxis=axis, xaxis_title="distance in the latent space")


def _arithmetic(table: pd.DataFrame) -> Chart:
    """What more of one attribute does to all attributes."""
    more = table[table["strength"] > 0]
    attributes = [column for column in table.columns if column in set(more["way"])]
    values = more.set_index("way")[attributes]
    heat = go.Heatmap(
        x=[str(name) for name in attributes],
        y=[_direction(str(name)) for name in values.index],
        z=[gapped(row) for _, row in values.iterrows()],
        text=[[_signed(value) for value in row] for _, row in values.iterrows()],
        texttemplate="%{text}",
        hovertemplate="%{y}: %{x} %{text}<extra></extra>",
        colorscale=_SHADES,
        zmid=0,
        showscale=False,
        textfont={"color": "#1b1b1f"},
    )
    title = "Arithmetic: a solo plus an attribute; the change of every attribute in standard deviations of solos"
    rows = {"automargin": True, "autorange": "reversed"}
    return chart("arithmetic", title, [heat], height=110 + 40 * len(values), yaxis=rows)


def _signed(value: float) -> str:
    return "–" if pd.isna(value) else f"{round(value, 2) + 0:+.2f}".replace("-", "−")


def _direction(way: str) -> str:
    """`"more blues"`, or `"random direction 1"` for the control."""
    return way.replace(_RANDOM, f"{_RANDOM} direction") if way.startswith(_RANDOM) else f"more {way}"
