"""The data of `dvc plots`, and tables as CSV."""

import pandas as pd

from yardbird.comparison.gathering import Comparison
from yardbird.metrics.set_rows import REAL
from yardbird.models.token_scoring import GROUPS

#: Shares of the table on latents: label → key.
_SHARES = {
    "steps right, forced": "forced_accuracy",
    "steps right, sampled": "sampled_accuracy",
    "note F1": "note_f1",
    "onset F1": "onset_f1",
}
_CODEBOOK = "nats_codebook_"


def as_csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def distances(comparison: Comparison) -> pd.DataFrame:
    """row, metric, distance of every metric that has one, without the real row (always 0)."""
    rows = comparison.rows.dropna(subset=["distance"])
    return rows[~rows["row"].str.startswith(REAL)][["row", "metric", "distance"]]


def nats_by_kind(comparison: Comparison) -> pd.DataFrame:
    """row, kind of token, nats per note, of every model that scores tokens."""
    rows = [
        (row, group, values[f"{group}_nats_per_note"])
        for row, values in comparison.held_out().items()
        for group in GROUPS
    ]
    return pd.DataFrame(rows, columns=["row", "kind", "nats_per_note"])


def nats_by_codebook(comparison: Comparison) -> pd.DataFrame:
    """row, codebook (counted from 1), nats per frame, of every model that scores codes."""
    rows = [
        (row, key.removeprefix(_CODEBOOK), value)
        for row, values in comparison.figures().items()
        for key, value in values.items()
        if key.startswith(_CODEBOOK) and key.removeprefix(_CODEBOOK).isdigit()
    ]
    return pd.DataFrame(rows, columns=["row", "codebook", "nats_per_frame"])


def reconstruction(comparison: Comparison) -> pd.DataFrame:
    """row, figure, value of every share between 0 and 1 in the table on latents."""
    rows = [
        (row, label, values[key])
        for row, values in comparison.latent().items()
        for label, key in _SHARES.items()
        if key in values
    ]
    return pd.DataFrame(rows, columns=["row", "figure", "value"])
