"""The shared baselines: n-grams over event tokens and over the melody grid.

They are fitted on the augmented training split, tuned on the validation split, and scored on the test split. Scores are
stored per solo, so that comparisons with a model are paired by tune.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import numpy as np

from yardbird import files
from yardbird.baselines.ngram import NGram
from yardbird.codecs.encoded_solos import EncodedSolo, read_solos, read_steps
from yardbird.codecs.events import EventCodec
from yardbird.codecs.melody import SYMBOLS
from yardbird.config import NOT_EMPTY, PositiveFloat, PositiveInt, Settings
from yardbird.models.family import Ratio
from yardbird.models.token_scoring import SoloFigures, score_solos, score_steps
from yardbird.progress import progress
from yardbird.tables.typed_table import read_table, write_table

NGRAM = "ngram"


_Orders = Annotated[tuple[PositiveInt, ...], NOT_EMPTY]


@dataclass(frozen=True)
class EvaluateConfig(Settings, section="evaluate"):
    """Section `evaluate` of params.yaml."""

    ngram_orders: _Orders  # in tokens, including the predicted one
    grid_orders: _Orders  # the same for the n-gram over the steps of the melody grid
    ngram_escapes: Annotated[tuple[PositiveFloat, ...], NOT_EMPTY]  # weights of the escape count; 1: the original
    bootstrap_samples: PositiveInt


@dataclass(frozen=True)
class Baseline:
    """The scores of both n-grams on the test split; `settings` has their orders and escape weights."""

    events: Sequence[SoloFigures]
    grid: Sequence[SoloFigures]
    settings: Mapping[str, float]


@dataclass(frozen=True)
class RatioRow:
    """A row of events.csv and grid.csv: one ratio of one solo."""

    solo: str
    tune_group: str
    figure: str
    numerator: float
    denominator: float


def fit_ngram(
    training: Sequence[EncodedSolo],
    validation: Sequence[EncodedSolo],
    vocab_size: int,
    orders: Sequence[int],
    escapes: Sequence[float],
) -> NGram:
    """Count n-grams of the training solos; the order and escape weight minimise the nats of the validation solos."""
    counted = NGram.fit([solo.tokens for solo in training], vocab_size, max(orders))
    solos = progress(validation, doing="tuning the n-gram", unit="solo")
    sums = np.sum([counted.nats_by_escape(solo.tokens, escapes).sum(axis=2) for solo in solos], axis=0)
    nats = {
        (order, escape): float(by_order[order - 1])
        for escape, by_order in zip(escapes, sums, strict=True)
        for order in orders
    }
    return counted.tuned(*min(nats, key=nats.__getitem__))


def fit_on_events(encoded: Path, config: EvaluateConfig) -> NGram:
    """The n-gram over the tokens of data/encoded/events."""
    training = read_solos(encoded, "train", copies=True, background=True)
    validation = read_solos(encoded, "validation")
    vocab_size = EventCodec.load(encoded / "codec.json").vocab_size
    return fit_ngram(training, validation, vocab_size, config.ngram_orders, config.ngram_escapes)


def fit_on_grid(encoded: Path, config: EvaluateConfig) -> NGram:
    """The n-gram over the steps of data/encoded/melody; it sees neither chords nor bar lines."""
    training = read_steps(encoded, "train", copies=True, background=True)
    validation = read_steps(encoded, "validation")
    return fit_ngram(training, validation, SYMBOLS, config.grid_orders, config.ngram_escapes)


def score_baseline(events: NGram, grid: NGram, encoded: Path) -> Baseline:
    """Score both n-grams on the test split of data/encoded."""
    codec = EventCodec.load(encoded / "events/codec.json")
    return Baseline(
        events=score_solos(events, read_solos(encoded / "events", "test"), codec, NGRAM),
        grid=score_steps(grid, read_steps(encoded / "melody", "test"), NGRAM),
        settings={
            "order": events.order,
            "escape": events.escape,
            "grid_order": grid.order,
            "grid_escape": grid.escape,
        },
    )


def write_baseline(baseline: Baseline, folder: Path) -> None:
    """Write settings.json, and events.csv and grid.csv with a line per ratio and solo."""
    files.write_json(folder / "settings.json", baseline.settings)
    for name, figures in (("events", baseline.events), ("grid", baseline.grid)):
        rows = (
            RatioRow(solo.solo, solo.tune_group, figure, float(ratio.numerator), ratio.denominator)
            for solo in figures
            for figure, ratio in solo.ratios.items()
        )
        write_table(folder / f"{name}.csv", RatioRow, rows)


def read_baseline(folder: Path) -> Baseline:
    """Read what `write_baseline` wrote."""
    return Baseline(
        events=_read_figures(folder / "events.csv"),
        grid=_read_figures(folder / "grid.csv"),
        settings=files.read_json(folder / "settings.json"),
    )


def _read_figures(path: Path) -> list[SoloFigures]:
    return [
        SoloFigures(solo, group, {row.figure: Ratio(row.numerator, row.denominator) for row in own})
        for (solo, group), own in groupby(read_table(path, RatioRow), key=attrgetter("solo", "tune_group"))
    ]
