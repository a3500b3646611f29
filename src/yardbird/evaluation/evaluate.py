"""One family beside real solos, their floor and the n-gram: what the evaluate stage writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.errors import ConfigError, InputError
from yardbird.evaluation.held_out import EncodedSolo, SoloFigures, TokenModel, interval, pool, read_solos, score_solos
from yardbird.evaluation.ngram import NGram
from yardbird.evaluation.rows import FLOOR, REAL, Row, mean_distance
from yardbird.music.excerpts import excerpts, in_full_bars
from yardbird.music.midi import read_score
from yardbird.music.score import Score

NGRAM = "ngram"
HEADLINE = "nats_per_note"
_DIGITS = 4
#: Metrics of the metric file and of the report's table; all of them are in the table of rows.
SHOWN = (
    "pitch_entropy",
    "h1",
    "h4",
    "rhythm_diversity",
    "grooving_similarity",
    "chord_tone_rate",
    "harmony_margin",
    "phrase_length_median",
    "interval_1",
    "interval_2",
)
_HEADLINES = {
    REAL: SHOWN,
    FLOOR: ("distance_to_real",),
    NGRAM: ("nats_per_note", "perplexity", "order", "escape", "distance_to_real"),
}
_OF_FAMILY = (
    "nats_per_note",
    "nats_per_note_low",
    "nats_per_note_high",
    "gain_on_ngram",
    "perplexity",
    "pitch_accuracy",
    "position_accuracy",
    "duration_accuracy",
    "distance_to_real",
    *SHOWN,
)


@dataclass(frozen=True)
class EvaluateConfig:
    """Section `evaluate` of params.yaml."""

    ngram_orders: tuple[int, ...]  # tokens, the predicted one included
    ngram_escapes: tuple[float, ...]  # weights of Witten and Bell's escape count; 1 is theirs
    bootstrap_samples: int

    def __post_init__(self) -> None:
        if min(self.ngram_orders, default=0) < 1:
            found = str(list(self.ngram_orders))
            raise ConfigError("params.yaml", "evaluate.ngram_orders", expected="orders of 1 and more", found=found)
        if min(self.ngram_escapes, default=0.0) <= 0:
            found = str(list(self.ngram_escapes))
            raise ConfigError("params.yaml", "evaluate.ngram_escapes", expected="weights above 0", found=found)
        if self.bootstrap_samples < 1:
            found = str(self.bootstrap_samples)
            raise ConfigError("params.yaml", "evaluate.bootstrap_samples", expected="at least 1", found=found)


def fit_ngram(encoded: Path, codec: EventCodec, config: EvaluateConfig) -> NGram:
    """Count the augmented training split; take the order and escape weight with the fewest nats on validation."""
    training = [solo.tokens for solo in read_solos(encoded, "train", copies=True)]
    counted = NGram.fit(training, codec.vocab_size, max(config.ngram_orders))
    validation = read_solos(encoded, "validation")
    nats: dict[tuple[int, float], float] = {}
    for escape in tqdm(config.ngram_escapes, desc="tuning the n-gram", unit="weight", leave=False):
        model = counted.tuned(counted.order, escape)
        by_order = np.sum([model.nats_by_order(solo.tokens).sum(axis=1) for solo in validation], axis=0)
        nats |= {(order, escape): float(by_order[order - 1]) for order in config.ngram_orders}
    return counted.tuned(*min(nats, key=nats.__getitem__))


def score_models(
    models: Mapping[str, object], solos: Sequence[EncodedSolo], codec: EventCodec, config: EvaluateConfig, seed: int
) -> dict[str, dict[str, float]]:
    """Held-out figures on `solos` of every model that scores event tokens; the others have none.

    Every model but the n-gram also gets its gain: how many nats per note it needs less than the n-gram.
    """
    figures = {
        name: score_solos(model, solos, codec, name) for name, model in models.items() if isinstance(model, TokenModel)
    }
    summaries = {name: _summarise(scored, figures.get(NGRAM), config, seed) for name, scored in figures.items()}
    for name, model in models.items():
        if isinstance(model, NGram):
            summaries[name] |= {"order": model.order, "escape": model.escape}
    return summaries


def _summarise(
    scored: Sequence[SoloFigures], baseline: Sequence[SoloFigures] | None, config: EvaluateConfig, seed: int
) -> dict[str, float]:
    pooled = pool(scored)
    samples = config.bootstrap_samples
    low, high = interval(scored, HEADLINE, samples, seed)
    summary = {HEADLINE: pooled.pop(HEADLINE), f"{HEADLINE}_low": low, f"{HEADLINE}_high": high, **pooled}
    if baseline is not None and baseline is not scored:
        low, high = interval(baseline, HEADLINE, samples, seed, less=scored)
        summary |= {"gain_on_ngram": pool(baseline)[HEADLINE] - summary[HEADLINE]}
        summary |= {"gain_on_ngram_low": low, "gain_on_ngram_high": high}
    return summary


def read_generated(folder: Path) -> list[Score]:
    """The solos that the generate stage lists in its manifest.

    Raises:
        InputError: there are none.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file() or (table := pd.read_csv(manifest, keep_default_na=False)).empty:
        raise InputError(folder, expected="generated solos", found="none", remedy="run the generate stage")
    return [read_score(files.within(folder, str(path))) for path in table["path"]]


def real_excerpts(encoded: Path, codec: EventCodec, split: str, beats: float, artist: str | None) -> list[Score]:
    """Real solos as the codec gives them back, so gridded as generated ones are, cut to their length in beats.

    Only those of `artist`, where the split has any: a player is compared to himself.
    """
    solos = read_solos(encoded, split)
    own = [solo for solo in solos if solo.artist == artist] or solos
    decoded = [codec.decode(solo.tokens) for solo in tqdm(own, f"reading {split} solos", unit="solo", leave=False)]
    return [excerpt for score in decoded for excerpt in excerpts(in_full_bars(score), beats)]


def with_held_out(held_out: Mapping[str, Mapping[str, float]], rows: Sequence[Row], solos: int) -> list[Row]:
    """The table of the generated solos with the held-out figures, on `solos` solos, before it."""
    figures = [Row(name, key, value, None, solos, None) for name, own in held_out.items() for key, value in own.items()]
    return [*figures, *rows]


def headlines(held_out: Mapping[str, Mapping[str, float]], rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """The metric file, short enough to be read in a terminal: what is in `_HEADLINES`, by row."""
    content: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(row.row for row in rows):
        values = dict(held_out.get(name, {})) | {row.metric: row.mean for row in rows if row.row == name}
        values |= {"distance_to_real": mean_distance(rows, name)}
        shown = _HEADLINES.get(name, _OF_FAMILY)
        content[name] = {key: round(value, _DIGITS) for key in shown if (value := values.get(key)) is not None}
    return content


def as_table(rows: Sequence[Row]) -> str:
    """CSV with the columns row, metric, mean, sd, n, distance; empty where there is no value."""
    return str(pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n"))
