"""All families side by side: what the compare stage writes, from the files of the evaluate and train stages alone."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from yardbird import files
from yardbird.data.manifest import SYNTHETIC
from yardbird.errors import InputError
from yardbird.evaluation.baseline import NGRAM
from yardbird.evaluation.evaluate import HEADLINE, SHOWN
from yardbird.evaluation.held_out import GROUPS, is_original
from yardbird.evaluation.reconstruction import ALL_HOLD, SHUFFLED
from yardbird.metrics.rows import FLOOR, REAL

#: Held-out figures of the first table: column → (key, digits).
_HELD_OUT = {
    "perplexity": ("perplexity", 2),
    "pitch": ("pitch_nats_per_note", 3),
    "rhythm": ("rhythm_nats_per_note", 3),
    "velocity": ("velocity_nats_per_note", 3),
    "chords": ("chord_nats_per_note", 3),
    "pitch top-1": ("pitch_accuracy", 3),
    "position top-1": ("position_accuracy", 3),
    "duration top-1": ("duration_accuracy", 3),
}
#: Figures of the table on latents: column → (key, digits).
_LATENT = {
    "steps right, forced": ("forced_accuracy", 3),
    "steps right, sampled": ("sampled_accuracy", 3),
    "note F1": ("note_f1", 3),
    "onset F1": ("onset_f1", 3),
    "KL, nats a window": ("kl", 1),
    "active units": ("active_units", 0),
    "grid nats per note": ("grid_nats_per_note", 2),
}
#: Step accuracies, forced and sampled, that Roberts et al. 2018 report (table 2), on another grid and another corpus.
_PAPER = {
    "paper: 2 bars": (0.986, 0.951),
    "paper: 16 bars, flat": (0.883, 0.620),
    "paper: 16 bars, hierarchical": (0.919, 0.812),
}


@dataclass(frozen=True)
class Comparison:
    """All families that have been evaluated."""

    rows: pd.DataFrame  # row, metric, mean, sd, n, distance; the held-out figures of a row are metrics of it
    training: Mapping[str, Mapping[str, float]]
    corpus: Sequence[str]  # sentences on what was learnt from
    synthetic: bool  # some of it at least

    def held_out(self) -> dict[str, dict[str, float]]:
        """Row → figure → value, of the rows that score event tokens of held-out tunes."""
        return {row: figures for row, figures in self._figures().items() if HEADLINE in figures}

    def latent(self) -> dict[str, dict[str, float]]:
        """Row → figure → value, of the rows that say how well a latent is used, the n-gram on the same grid first.

        No rows at all where no model has a latent.
        """
        keys = {key for key, _ in _LATENT.values()}
        rows = {row: figures for row, figures in self._figures().items() if keys & figures.keys()}
        return rows if any("collapsed" in figures for figures in rows.values()) else {}

    def _figures(self) -> dict[str, dict[str, float]]:
        parts = self.rows.groupby("row", sort=False)
        return {str(row): dict(zip(part["metric"], part["mean"], strict=True)) for row, part in parts}


def read_comparison(reports: Path, encoded: Path) -> Comparison:
    """Gather every family that has been evaluated.

    Rows that all families share (real, floor, n-gram) stand once; where a family was measured beside others, because
    its solos have another length, the row is named after it.

    Raises:
        InputError: no family has been evaluated.
    """
    names = sorted(path.stem for path in (reports / "evaluate").glob("*.json"))
    if not names:
        raise InputError(reports / "evaluate", expected="evaluated families", found="none", remedy="run evaluate")
    tables: dict[str, pd.DataFrame] = {}
    for name in names:
        table = pd.read_csv(reports / "evaluate" / f"{name}_rows.csv", keep_default_na=False, na_values=[""])
        for row, part in table.groupby("row", sort=False):
            own, label = part.drop(columns="row").reset_index(drop=True), str(row)
            if label in tables and not tables[label].equals(own):
                label = f"{row} for {name}"
            tables[label] = own
    with (encoded / "index.csv").open(newline="", encoding="utf-8") as file:
        originals = [row for row in csv.DictReader(file) if is_original(row)]
    order = sorted(tables, key=lambda row: (not row.startswith(REAL), not row.startswith(FLOOR), row != NGRAM))
    rows = pd.concat([tables[row].assign(row=row) for row in order], ignore_index=True)
    return Comparison(
        rows=rows[["row", "metric", "mean", "sd", "n", "distance"]],
        training={
            name: files.read_json(path)[name] for name in names if (path := reports / "train" / f"{name}.json").exists()
        },
        corpus=describe_corpus(originals),
        synthetic=any(SYNTHETIC in row["artist"] for row in originals),
    )


def describe_corpus(originals: Sequence[Mapping[str, str]]) -> list[str]:
    """One sentence a source, from the index of the corpus; before them, whether it is synthetic."""
    synthetic = [row for row in originals if SYNTHETIC in row["artist"]]
    sentences = []
    if synthetic:
        share = "all" if len(synthetic) == len(originals) else f"{len(synthetic)} of {len(originals)}"
        sentences.append(
            f"**The corpus is synthetic** ({share} solos): etudes composed by rule, by invented players. `real` below "
            "means held-out solos of this corpus; no figure says anything about Charlie Parker."
        )
    splits = Counter((row["solo"].partition("/")[0], row["split"]) for row in originals)
    for source in dict.fromkeys(source for source, _ in splits):
        counts = ", ".join(f"{splits[source, split]} {split}" for split in ("train", "validation", "test"))
        sentences.append(f"Source `{source}`: {counts} solos, split by tune.")
    return sentences


def as_markdown(comparison: Comparison) -> str:
    """The report: the corpus, held-out figures, generated solos beside real ones, training, how to read it."""
    return "\n".join(
        [
            f"# The models compared{', on a synthetic corpus' if comparison.synthetic else ''}", "",
            *(f"> {sentence}  " for sentence in comparison.corpus), "",
            "## Held-out tunes", "",
            *_held_out(comparison), "",
            "Nats per note (all tokens of a solo over its notes; lower is better) with the 95 % bootstrap interval "
            "over tune groups; the gain is how much less a model needs than the n-gram, paired by tune. Pitch, rhythm, "
            "velocity and chords are parts of the nats per note. Perplexity is per token.", "",
            "## Generated solos", "",
            *_generated(comparison), "",
            "Mean ± standard deviation over pieces: generated solos, and equally long stretches of real ones. The "
            "distance is the mean over all metrics of |mean − real mean| / real standard deviation. The floor is how "
            "near real solos come: as many pieces of training solos as were generated, against held-out ones, the mean "
            "of many draws. Intervals of 1 and 2 semitones are shares. All metrics are in `comparison.csv`.", "",
            *_latent(comparison),
            *_training(comparison),
        ]
    )  # fmt: skip


def _held_out(comparison: Comparison) -> list[str]:
    lines = _head(["model", "nats per note", "gain", *_HELD_OUT])
    for name, values in comparison.held_out().items():
        columns = {"nats per note": (HEADLINE, 3), "gain": ("gain_on_ngram", 3), **_HELD_OUT}
        lines.append(_line([_labelled(name, values, ""), *_cells(values, columns)]))
    return lines


def _generated(comparison: Comparison) -> list[str]:
    rows = comparison.rows
    lines = _head(["row", "pieces", "distance", *(metric.replace("_", " ") for metric in SHOWN)])
    for row, part in rows.groupby("row", sort=False):
        by_metric = part.set_index("metric")
        if not set(SHOWN) <= set(by_metric.index):
            continue  # it draws no solos
        solos = by_metric.loc[list(SHOWN), "n"].max()
        distances = part["distance"].dropna()
        cells = [_mean(by_metric.loc[metric]) for metric in SHOWN]
        distance = f"{distances.mean():.2f}" if len(distances) else ""
        lines.append(_line([str(row), str(solos), distance, *cells]))
    return lines


def _latent(comparison: Comparison) -> list[str]:
    rows = comparison.latent()
    if not rows:
        return []
    lines = _head(["row", *_LATENT])
    lines += [_line([_labelled(name, values, "grid_"), *_cells(values, _LATENT)]) for name, values in rows.items()]
    lines += [
        _line([name, f"{forced:.3f}", f"{sampled:.3f}", *[""] * (len(_LATENT) - 2)])
        for name, (forced, sampled) in _PAPER.items()
    ]
    verdicts = [_verdict(name, values) for name, values in rows.items() if "collapsed" in values]
    return [
        "## Latent space", "",
        *verdicts, "",
        *lines, "",
        "Reconstruction of held-out tunes from the posterior's means, window by window. A step is right when the model "
        "gives it after the true steps before it (forced) or after its own likeliest ones (sampled). Most steps only "
        f"hold a note: `{ALL_HOLD}`, which never does anything else, shows what comes for free, and note F1 (pitch and "
        f"onset agree) is the fairer figure. `{SHUFFLED}` decodes each window from the latent of a window of another "
        "tune: what is left is the decoder's own. Grid nats per note are those of all steps of the melody grid over "
        "the notes: of the n-gram exactly, of a model with a latent an upper bound (−ELBO), under the chords and bar "
        "lines, which the n-gram does not hear. They do not compare with the nats of event tokens above. The figures "
        "named *paper* are those of Roberts et al. 2018, quoted from memory and not checked against it: sixteenths "
        "instead of our finer grid, another corpus, no chords. Intervals as above.", "",
    ]  # fmt: skip


def _verdict(name: str, values: Mapping[str, float]) -> str:
    """One line: is the latent used, and by what sign."""
    active = f"{values['active_units']:.0f} of {values['latent_dimensions']:.0f} dimensions are active"
    windows = f"{values['windows']:.0f} windows of {values['window_bars']:.0f} bars"
    columns = {"steps": ("gain_on_shuffled", 3), "notes": ("note_gain_on_shuffled", 3), "of": ("note_f1", 3)}
    steps, notes, f1 = _cells(values, columns)
    told = f"{active} over {windows}; shuffling z costs {steps} of sampled accuracy, and {notes} of the note F1 of {f1}"
    if values["collapsed"]:
        return f"> **Alarm: the latent of {name} has collapsed**, a solo hardly comes back through it: {told}.  "
    return f"> The latent of {name} is used: {told}.  "


def _training(comparison: Comparison) -> list[str]:
    if not comparison.training:
        return []
    keys = list(dict.fromkeys(key for values in comparison.training.values() for key in values))
    lines = _head(["", *comparison.training])
    for key in keys:
        figures = [values.get(key) for values in comparison.training.values()]
        cells = ["" if figure is None else f"{figure:.6g}" for figure in figures]
        lines.append(_line([key.replace("_", " "), *cells]))
    return ["## Training", "", *lines, ""]


def as_csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def distances(comparison: Comparison) -> pd.DataFrame:
    """For a plot: row, metric, distance of every metric that has one, real left out (it is 0)."""
    rows = comparison.rows.dropna(subset=["distance"])
    return rows[~rows["row"].str.startswith(REAL)][["row", "metric", "distance"]]


def nats_by_kind(comparison: Comparison) -> pd.DataFrame:
    """For a plot: row, kind of token, nats per note, of every model that scores tokens."""
    return pd.DataFrame(
        [
            {"row": row, "kind": group, "nats_per_note": values[f"{group}_nats_per_note"]}
            for row, values in comparison.held_out().items()
            for group in GROUPS
        ],
        columns=["row", "kind", "nats_per_note"],
    )


def reconstruction(comparison: Comparison) -> pd.DataFrame:
    """For a plot: row, figure, value of every share between 0 and 1 in the table on latents."""
    return pd.DataFrame(
        [
            {"row": row, "figure": label, "value": values[key]}
            for row, values in comparison.latent().items()
            for label, (key, _) in _LATENT.items()
            if key.endswith(("accuracy", "f1")) and key in values
        ],
        columns=["row", "figure", "value"],
    )


def _labelled(name: str, values: Mapping[str, float], of: str) -> str:
    if f"{of}order" not in values:
        return name
    return f"{name} (order {values[f'{of}order']:g}, escape {values[f'{of}escape']:g})"


def _cells(values: Mapping[str, float], columns: Mapping[str, tuple[str, int]]) -> list[str]:
    """One a column, with its interval where it has one; empty where the row has no such figure."""
    cells = []
    for key, digits in columns.values():
        ends = [values[end] for end in (f"{key}_low", f"{key}_high") if end in values]
        bounds = f" [{', '.join(f'{end:.{digits}f}' for end in ends)}]" if ends else ""
        cells.append(f"{values[key]:.{digits}f}{bounds}" if key in values else "")
    return cells


def _mean(row: Any) -> str:
    if pd.isna(row["mean"]):
        return "–"
    return f"{row['mean']:.2f}" if pd.isna(row["sd"]) else f"{row['mean']:.2f} ± {row['sd']:.2f}"


def _head(columns: Sequence[str]) -> list[str]:
    return [_line(columns), "|" + "---|" * len(columns)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
