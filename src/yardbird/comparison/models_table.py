"""The table of models: one column per model, one row per property, measured or declared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from yardbird.comparison import strengths
from yardbird.comparison.model_facts import SLACK, Facts
from yardbird.comparison.strengths import Character
from yardbird.metrics.estimates import Estimate
from yardbird.report_tables import Section, Table

#: The largest prior with both upsamplers. A minute of music takes one hour for the top level and eight for upsampling;
#: the context of the top-level prior is 24 s.
JUKEBOX = "Jukebox (published)"
_JUKEBOX = {
    "writes": "sound",
    "parameters": "7 billion",
    "trained in": "28 d (the prior)",
    "trained on": "512 V100 (the prior)",
    "s of music a second": "0.0022",
    "drawn on": "a V100",
    "a solo lasts": "minutes, hearing 24 s",
    "conditioned on": "artist, genre, lyrics",
}


@dataclass(frozen=True)
class _Property:
    """A row of the table: its heading, and the format of its values."""

    heading: str
    key: str
    form: Callable[[float], str] = strengths.plain
    interval: bool = False  # whether to show the interval


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} %".replace("-", "−")


def _share(share: float) -> str:
    """A share, with values below 0 (from a normal interval) shown as 0."""
    return strengths.percent(max(share, 0.0))


_ROWS = (
    _Property("parameters", "parameters", strengths.count),
    _Property("trained in", "training_seconds", strengths.duration),
    _Property("memory in training", "peak_memory_mib", strengths.memory),
    _Property("s of music a second", "music_seconds_per_second"),
    _Property("a solo lasts", "span_seconds", strengths.duration, interval=True),
    _Property("bars of a solo", "span_bars"),
    _Property("nats saved against the baseline", "nats_saved", _signed, interval=True),
    _Property("distance, metrics of all families", "distance", interval=True),
    _Property("… of the n-gram", "ngram_distance", interval=True),
    _Property("… of other real solos (floor)", "floor_distance"),
    _Property("harmony margin", "harmony_margin", interval=True),
    _Property("runs of 8 from training solos", "coverage_8", _share, interval=True),
    _Property("… of training solos from each other", "self_coverage_8", strengths.percent),
    _Property("note F1 from the latent", "note_f1", interval=True),
)
#: Rows in words, by the heading they follow: (heading, key).
_WORDS = {
    "memory in training": ("trained on", "device"),
    "s of music a second": ("drawn on", "drawn_on"),
    "nats saved against the baseline": ("baseline", "baseline"),
}


def properties(facts: Facts) -> dict[str, Estimate | str]:
    """Heading → value of every row of the table, in order; empty if unknown."""
    found: dict[str, Estimate | str] = {"writes": facts.writes}
    for row in _ROWS:
        found[row.heading] = facts.figures.get(row.key, "")
        if row.heading in _WORDS:
            heading, key = _WORDS[row.heading]
            found[heading] = facts.words.get(key, "")
    return found | {"conditioned on": ", ".join(facts.conditions)}


def section(families: Mapping[str, Facts], characters: Mapping[str, Character]) -> Section:
    """The table of the models, and the table of their strengths (+) and weaknesses (−)."""
    forms = {row.heading: row for row in _ROWS}
    columns = {name: properties(facts) for name, facts in families.items()}
    rows = []
    for heading in next(iter(columns.values())):
        own = [_cell(column[heading], forms.get(heading)) for column in columns.values()]
        if any(own):
            rows.append([heading, *own, _JUKEBOX.get(heading, "")])
    signs = [
        [name, sign, text]
        for name, character in characters.items()
        for sign, texts in (("+", character.strengths), ("−", character.weaknesses))
        for text in texts
    ]
    return Section(
        "Models side by side",
        [
            Table(
                ["property", *columns, JUKEBOX],
                rows,
                "Jukebox as published, partly from memory. Times, memory and speed are measured once: "
                f"a factor below {SLACK**2:.2g} is noise.",
                ["Costs", "Nats per note", "Distance to real solos"],
            ),
            Table(
                ["model", "sign", "strength or weakness"],
                signs,
                "Derived by rule where intervals do not overlap: the best and the worst, references passed and failed.",
                ["Strengths and weaknesses"],
            ),
        ],
    )


def as_table(families: Mapping[str, Facts], characters: Mapping[str, Character]) -> pd.DataFrame:
    """All facts of all families: model, property, value, low, high; strengths and weaknesses are rows, too."""
    rows: list[tuple[str, str, str, float | None, float | None]] = []
    for name, facts in families.items():
        for heading, value in properties(facts).items():
            if isinstance(value, Estimate):
                rows.append((name, heading, f"{value.value:.6g}", *value.span))
            elif value:
                rows.append((name, heading, value, None, None))
        rows += [(name, "strength", text, None, None) for text in characters[name].strengths]
        rows += [(name, "weakness", text, None, None) for text in characters[name].weaknesses]
    return pd.DataFrame(rows, columns=["model", "property", "value", "low", "high"])


def _cell(value: Estimate | str, row: _Property | None) -> str:
    if isinstance(value, str):
        return value
    assert row is not None, "every number has a row in _ROWS"
    low, high = value.span
    if not row.interval or low == high:
        return row.form(value.value)
    return f"{row.form(value.value)} [{row.form(low)}, {row.form(high)}]"
