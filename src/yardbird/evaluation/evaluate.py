"""One family beside real solos, their floor and the n-gram: what the evaluate stage writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from tqdm import tqdm

from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.errors import InputError
from yardbird.evaluation.baseline import NGRAM, Baseline, EvaluateConfig
from yardbird.evaluation.filling import CONTINUED, FILLED, GAIN, filling_figures
from yardbird.evaluation.held_out import SoloFigures, gain, read_solos, score_solos, with_intervals
from yardbird.evaluation.originality import JUDGED
from yardbird.evaluation.reconstruction import ALL_HOLD, SHUFFLED, measure_latent, read_scores
from yardbird.metrics.judges import JUDGE_AUC, JUDGED_SIDES, JUDGED_STYLE
from yardbird.metrics.phrase import ends_at_rest
from yardbird.metrics.rows import FLOOR, REAL, SELF, Row, mean_distance
from yardbird.models.base import Family
from yardbird.models.kinds import LatentFamily, TokenFamily
from yardbird.music.excerpts import cut, excerpts, in_full_bars
from yardbird.music.midi import read_score
from yardbird.music.score import Score

HEADLINE = "nats_per_note"
ENDING = "ends_at_rest"
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
#: What the verdicts on a family's solos say, with their numbers (yardbird.metrics.verdicts).
VERDICT_FIGURES = (
    *JUDGED,
    "original",
    "coherent_phrases",
    "phrase_notes",
    "real_phrase_p10",
    "real_phrase_p90",
    "coherent_changes",
    "changes_share",
    "changes_share_low",
    "changes_share_high",
    "changes_asked",
    "changes_solos",
    "coherent_traits",
    "traits_inside",
    "coherent_solos",
)
_ENDINGS = (ENDING, f"{ENDING}_low", f"{ENDING}_high")
SELF_FIGURES = tuple(f"{figure}{end}" for figure in JUDGED for end in ("", "_high"))
_KEPT = ("forced_accuracy", "sampled_accuracy", "note_f1", "onset_f1", "reconstruction_error")
_HEADLINES = {
    REAL: (*SHOWN, *_ENDINGS, *JUDGED, JUDGED_STYLE, *JUDGED_SIDES.values(), *JUDGE_AUC),
    FLOOR: ("distance_to_real", JUDGED_STYLE),
    NGRAM: (
        *("nats_per_note", "perplexity", "order", "escape", "grid_nats_per_note", "distance_to_real"),
        *(*_ENDINGS, *JUDGED, JUDGED_STYLE),
    ),
    SELF: SELF_FIGURES,
    SHUFFLED: _KEPT,
    ALL_HOLD: ("sampled_accuracy",),
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
    *(f"{figure}{end}" for figure in (FILLED, CONTINUED, GAIN) for end in ("", "_low", "_high")),
    *_KEPT,
    "gain_on_shuffled",
    "note_gain_on_shuffled",
    "kl",
    "active_units",
    "active_share",
    "collapsed",
    "grid_nats_per_note",
    "distance_to_real",
    *VERDICT_FIGURES,
    *_ENDINGS,
    JUDGED_STYLE,
    "set_overlap",
    "set_overlap_floor",
    "set_frechet",
    "set_frechet_floor",
    *SHOWN,
)


def score_held_out(
    name: str, family: Family, baseline: Baseline, data: Path, config: EvaluateConfig, seed: int
) -> dict[str, dict[str, float]]:
    """Held-out figures by row: of the n-grams, of the family by its kind, of what its latent is compared with.

    Raises:
        InputError: the family is neither one of tokens nor one of latents.
    """
    if not isinstance(family, TokenFamily | LatentFamily):
        found, remedy = type(family).__name__, "evaluate families of sound by the stage evaluate_audio"
        raise InputError(name, expected="a family of tokens or of latents", found=found, remedy=remedy)
    samples = config.bootstrap_samples
    rows: dict[str, dict[str, float]] = {}
    if isinstance(family, TokenFamily):
        codec = EventCodec.load(data / "encoded/events/codec.json")
        solos = read_solos(data / "encoded/events", "test")
        scored = score_solos(family, solos, codec, name)
        rows[name] = token_figures(scored, samples, seed)
        rows[name] |= gain(baseline.events, scored, HEADLINE, samples, seed, label="gain_on_ngram")
        if family.fill_context:
            rows[name] |= filling_figures(family, solos, codec, samples, seed)
    if isinstance(family, LatentFamily):
        scores = read_scores(data / "augmented", "test")
        for row, figures in measure_latent(name, family, scores, baseline, samples, seed).items():
            rows[row] = rows.get(row, {}) | figures
    on_grid = with_intervals(baseline.grid, ["grid_nats_per_note", "forced_accuracy"], samples, seed)
    return {**rows, NGRAM: {**token_figures(baseline.events, samples, seed), **on_grid, **baseline.settings}}


def token_figures(scored: Sequence[SoloFigures], samples: int, seed: int) -> dict[str, float]:
    """Nats per note with their interval, perplexity (exp of the nats per token), and the parts of both."""
    figures = with_intervals(scored, [HEADLINE], samples, seed)
    return {**figures, "perplexity": float(np.exp(figures["nats_per_token"]))}


def read_generated(folder: Path) -> list[Score]:
    """The solos that the generate stage lists in its manifest, from where they were drawn: the bars of a prime are cut.

    Raises:
        InputError: there are none.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file() or (table := pd.read_csv(manifest, keep_default_na=False)).empty:
        raise InputError(folder, expected="generated solos", found="none", remedy="run the generate stage")
    solos = [read_score(files.within(folder, str(path))) for path in table["path"]]
    return [
        cut(solo, int(solo.bar_ticks[bars]), solo.end_tick) if bars else solo
        for solo, bars in zip(solos, table["primed_bars"].tolist(), strict=True)
    ]


def real_excerpts(encoded: Path, codec: EventCodec, split: str, beats: float, artist: str | None) -> list[Score]:
    """The solos of `real_solos`, cut to the length of generated ones in beats."""
    return [excerpt for score in real_solos(encoded, codec, split, artist) for excerpt in excerpts(score, beats)]


def real_solos(encoded: Path, codec: EventCodec, split: str, artist: str | None) -> list[Score]:
    """Whole real solos as the codec gives them back, so gridded as generated ones are.

    Only those of `artist`, where the split has any: a player is compared to himself.
    """
    solos = read_solos(encoded, split)
    own = [solo for solo in solos if solo.artist == artist] or solos
    reading = tqdm(own, f"reading {split} solos", unit="solo", leave=False)
    return [in_full_bars(codec.decode(solo.tokens)) for solo in reading]


def ending_rows(sets: Mapping[str, Sequence[Score]], encoded: Path, codec: EventCodec, artist: str | None) -> list[Row]:
    """The share of a set's solos that come to rest at their end, with its 95 % interval (Wilson 1927).

    Of real solos it is over the whole test solos of `real_solos`, since excerpts break off anywhere; the floor, which
    has excerpts only, gets no row.
    """
    rows = []
    for name, solos in {**sets, REAL: real_solos(encoded, codec, "test", artist)}.items():
        ends = [end for solo in solos if (end := ends_at_rest(solo)) is not None]
        if ends and name != FLOOR:
            interval = binomtest(int(sum(ends)), len(ends)).proportion_ci(method="wilson")
            values = (float(np.mean(ends)), interval.low, interval.high)
            rows += [Row(name, key, value, None, len(ends), None) for key, value in zip(_ENDINGS, values, strict=True)]
    return rows


def with_held_out(held_out: Mapping[str, Mapping[str, float]], rows: Sequence[Row], solos: int) -> list[Row]:
    """The table of the generated solos with the held-out figures, on `solos` solos, before it."""
    figures = [Row(name, key, value, None, solos, None) for name, own in held_out.items() for key, value in own.items()]
    return [*figures, *rows]


def headlines(held_out: Mapping[str, Mapping[str, float]], rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """The metric file, short enough to be read in a terminal: what is in `_HEADLINES`, by row."""
    content: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys([*held_out, *(row.row for row in rows)]):
        values = dict(held_out.get(name, {})) | {row.metric: row.mean for row in rows if row.row == name}
        values |= {"distance_to_real": mean_distance(rows, name)}
        shown = _HEADLINES.get(name, _OF_FAMILY)
        content[name] = {key: round(value, _DIGITS) for key in shown if (value := values.get(key)) is not None}
    return content


def as_table(rows: Sequence[Row]) -> str:
    """CSV with the columns row, metric, mean, sd, n, distance; empty where there is no value."""
    return str(pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n"))
