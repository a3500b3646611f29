"""Reads the results of other stages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from yardbird import files
from yardbird.baselines.ngram_solos import NGRAM
from yardbird.config import BACKGROUND, SPLITS
from yardbird.data.manifest import SYNTHETIC
from yardbird.errors import InputError, counted
from yardbird.evaluation.evaluate import HEADLINE
from yardbird.metrics.set_rows import FLOOR, REAL
from yardbird.models.family_names import TRAINED
from yardbird.music.midi import read_score
from yardbird.tables.encoded_tables import EncodedRow, read_index
from yardbird.tables.generated_tables import TABLE, GeneratedSolo, GeneratedSound, read_generated

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Span:
    """The kind and length of generated solos."""

    writes: str  # notes or sound
    bars: float | None  # of the median solo; None: sound has no bars
    seconds: Sequence[float]  # of each, at least one


@dataclass(frozen=True)
class Comparison:
    """All families that have been evaluated."""

    rows: pd.DataFrame  # row, metric, mean, sd, n, distance; held-out results are metrics of their row
    tables: Mapping[str, pd.DataFrame]  # family → the same columns, as its evaluation wrote them
    headlines: Mapping[str, Mapping[str, Figures]]  # family → row → metric → value: the metric file of its evaluation
    training: Mapping[str, Figures]
    timing: Mapping[str, Mapping[str, Any]]  # family → costs of training and drawing, and the devices
    spans: Mapping[str, Span]
    conditions: Mapping[str, tuple[str, ...]]  # family → what it is conditioned on, in words
    corpus: Sequence[str]  # sentences about the training data
    kind: str  # "synthetic", "partly synthetic" or empty

    def figures(self) -> dict[str, dict[str, float]]:
        """Row → metric → mean, of all rows."""
        return figures_of(self.rows)

    def held_out(self) -> dict[str, dict[str, float]]:
        """Row → metric → value, of the rows that score event tokens of held-out tunes."""
        return {row: values for row, values in self.figures().items() if HEADLINE in values}

    def latent(self) -> dict[str, dict[str, float]]:
        """Row → metric → value, of the latent families and their references, the n-gram first."""
        latent = [
            set(table["row"]) for name, table in self.tables.items() if "collapsed" in figures_of(table).get(name, {})
        ]
        return {row: values for row, values in self.figures().items() if any(row in rows for rows in latent)}


def figures_of(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Row → metric → mean, if there is one."""
    parts = table.dropna(subset=["mean"]).groupby("row", sort=False)
    return {str(row): dict(zip(part["metric"], part["mean"], strict=True)) for row, part in parts}


def read_comparison(reports: Path, data: Path, models: Path) -> Comparison:
    """Read the results of all evaluated families.

    Rows that families share (real, floor, n-gram) occur once. If such a row differs for a family, because its solos
    have another length, the row is named `<row> for <family>`.

    Args:
        reports, data, models: the folders of these names; missing models, timings and solos are skipped.

    Raises:
        InputError: no family has been evaluated.
    """
    names = sorted(path.stem for path in (reports / "evaluate").glob("*.json"))
    if not names:
        raise InputError(reports / "evaluate", expected="evaluated families", found="none", remedy="run evaluate")
    families = {name: _read_rows(reports / "evaluate" / f"{name}_rows.csv") for name in names}
    tables: dict[str, pd.DataFrame] = {}
    for name, table in families.items():
        for row, part in table.groupby("row", sort=False):
            own, label = part.drop(columns="row").reset_index(drop=True), str(row)
            if label in tables and not tables[label].equals(own):
                label = f"{row} for {name}"
            tables[label] = own
    originals = [row for row in read_index(data / "encoded/events") if row.is_original]
    order = sorted(tables, key=lambda row: (not row.startswith(REAL), not row.startswith(FLOOR), row != NGRAM))
    rows = pd.concat([tables[row].assign(row=row) for row in order], ignore_index=True)
    timing = reports / "timing"
    return Comparison(
        rows=rows[["row", "metric", "mean", "sd", "n", "distance"]],
        tables=families,
        headlines={name: files.read_json(reports / "evaluate" / f"{name}.json") for name in names},
        training={name: found for name in names if (found := _read_entry(reports / "train" / f"{name}.json", name))},
        timing={
            name: _read_entry(timing / f"{name}.json", name) | _read_entry(timing / f"{name}_generation.json", name)
            for name in names
        },
        spans={name: span for name in names if (span := _read_span(data / "generated" / name))},
        conditions={name: _read_conditions(models / name / TRAINED) for name in names},
        corpus=describe_corpus(originals),
        kind=corpus_kind(originals),
    )


def _read_rows(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _read_entry(path: Path, name: str) -> dict[str, Any]:
    return dict(files.read_json(path)[name]) if path.exists() else {}


def _read_conditions(path: Path) -> tuple[str, ...]:
    return tuple(files.read_json(path).get("conditioned_on", ())) if path.exists() else ()


def _read_span(folder: Path) -> Span | None:
    """The span from the manifest of the solos; None if there are none."""
    manifest = read_generated(folder) if (folder / TABLE).is_file() else []
    if sounds := [row for row in manifest if isinstance(row, GeneratedSound)]:
        return Span("sound", None, [row.seconds for row in sounds])
    if solos := [row for row in manifest if isinstance(row, GeneratedSolo)]:
        seconds = [read_score(files.within(folder, row.path)).seconds for row in solos]
        return Span("notes", float(median(row.bars for row in solos)), seconds)
    return None


def corpus_kind(originals: Sequence[EncodedRow]) -> str:
    """`synthetic` if all solos are attributed to invented players, `partly synthetic` if some are, else empty."""
    invented = [SYNTHETIC in row.artist for row in originals]
    return "" if not any(invented) else "synthetic" if all(invented) else "partly synthetic"


def describe_corpus(originals: Sequence[EncodedRow]) -> list[str]:
    """One sentence per source, from the index of the corpus; before them, whether it is synthetic."""
    kind, invented = corpus_kind(originals), sum(SYNTHETIC in row.artist for row in originals)
    etudes = "etudes composed by rule and attributed to invented players. Real solos below are held-out solos of it"
    sentences = {
        "": [],
        "synthetic": [f"**The corpus is synthetic** (all solos): {etudes}; no result is about Charlie Parker."],
        "partly synthetic": [
            f"**The corpus is partly synthetic** ({invented} of {len(originals)} solos): {etudes}, by any player; "
            "every result depends on the etudes too."
        ],
    }[kind]
    splits = Counter((row.solo.partition("/")[0], row.split) for row in originals)
    background = {row.solo.partition("/")[0] for row in originals if row.role == BACKGROUND}
    for source in dict.fromkeys(source for source, _ in splits):
        if source in background:
            use = "used for training only; solos over held-out tunes are left out"
            sentences.append(f"Source `{source}`, background: {counted(splits[source, 'train'], 'solo')}, {use}.")
            continue
        counts = ", ".join(f"{splits[source, split]} {split}" for split in SPLITS)
        sentences.append(f"Source `{source}`: {counts} solos, split by tune.")
    return sentences
