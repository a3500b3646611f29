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
from yardbird.evaluation.excerpts import excerpts
from yardbird.evaluation.held_out import EncodedSolo, SoloFigures, TokenModel, interval, pool, read_solos, score_solos
from yardbird.evaluation.ngram import NGram
from yardbird.evaluation.rows import Row, mean_distance
from yardbird.music.midi import read_score
from yardbird.music.score import Score

NGRAM, FLOOR = "ngram", "floor"
HEADLINE = "nats_per_note"
_DIGITS = 4


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
    models: Mapping[str, object], encoded: Path, codec: EventCodec, config: EvaluateConfig, seed: int
) -> dict[str, dict[str, float]]:
    """Held-out figures of every model that scores event tokens; the others have none.

    Every model but the n-gram also gets its gain: how many nats per note it needs less than the n-gram.
    """
    solos = read_solos(encoded, "test")
    figures = {
        name: score_solos(model, solos, codec, name) for name, model in models.items() if isinstance(model, TokenModel)
    }
    return {name: _summarise(scored, figures.get(NGRAM), config, seed) for name, scored in figures.items()}


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


def real_excerpts(encoded: Path, codec: EventCodec, split: str, bars: int, artist: str | None) -> list[Score]:
    """Real solos as the codec gives them back, so gridded as generated ones are, cut to their number of bars.

    Only those of `artist`, where the split has any: a player is compared to himself.
    """
    solos = read_solos(encoded, split)
    own = [solo for solo in solos if solo.artist == artist] or solos
    decoded = [_decode(codec, solo) for solo in tqdm(own, desc=f"reading {split} solos", unit="solo", leave=False)]
    return [excerpt for score in decoded for excerpt in excerpts(score, bars)]


def _decode(codec: EventCodec, solo: EncodedSolo) -> Score:
    return codec.decode(solo.tokens)


def report(
    held_out: Mapping[str, Mapping[str, float]], rows: Sequence[Row], ngram: NGram
) -> dict[str, dict[str, float]]:
    """The metric file: for each row of the table its held-out figures, the means of its solos, its distance to real."""
    content: dict[str, dict[str, float]] = {}
    for name in [*held_out, *(name for name in dict.fromkeys(row.row for row in rows) if name not in held_out)]:
        own = [row for row in rows if row.row == name]
        distance = mean_distance(rows, name)
        values = dict(held_out.get(name, {}))
        values |= {"order": ngram.order, "escape": ngram.escape} if name == NGRAM else {}
        values |= {"distance_to_real": distance} if distance is not None else {}
        values |= {"solos": max((row.n for row in own), default=0)}
        values |= {row.metric: row.mean for row in own if row.mean is not None}
        content[name] = {key: round(value, _DIGITS) for key, value in values.items()}
    return content


def as_table(rows: Sequence[Row]) -> str:
    """CSV with the columns row, metric, mean, sd, n, distance; empty where there is no value."""
    return str(pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n"))
