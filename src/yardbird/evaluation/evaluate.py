"""Compares one family with real solos, their floor and the n-gram; the evaluate stage writes the results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.baselines.ngram_solos import NGRAM, Baseline, EvaluateConfig
from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import read_solos
from yardbird.codecs.events import EventCodec
from yardbird.errors import InputError
from yardbird.evaluation import originality
from yardbird.evaluation.filling import CONTINUED, FILLED, GAIN, filling_figures
from yardbird.evaluation.originality import ORIGINAL
from yardbird.evaluation.reconstruction import ALL_HOLD, SHUFFLED, measure_latent, read_scores
from yardbird.judges.style_judges import JUDGE_AUC, JUDGED_SIDES, JUDGED_STYLE
from yardbird.metrics import coherence
from yardbird.metrics.diversity import VENDI
from yardbird.metrics.estimates import ENDS, Estimate, Estimates, Results, Shown, exact, merged, select, share
from yardbird.metrics.phrase import ends_at_rest
from yardbird.metrics.set_rows import FLOOR, REAL, SELF, mean_distance
from yardbird.models.family import Family
from yardbird.models.family_kinds import LatentFamily, TokenFamily
from yardbird.models.token_scoring import SoloFigures, estimate, estimates, score_solos
from yardbird.music.excerpts import cut, excerpts, in_full_bars
from yardbird.music.midi import read_score
from yardbird.music.score import Score
from yardbird.progress import progress
from yardbird.tables.generated_tables import read_generated_solos

HEADLINE = "nats_per_note"
ENDING = "ends_at_rest"
_DIGITS = 4
#: Metrics of the metric file and of the report's table; the table of rows has all metrics.
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
_SOLOS = Shown(SHOWN)
_DIVERSITY = Shown((VENDI,), ENDS, optional=True)
_DISTANCE = Shown(("distance_to_real",), optional=True)
_ENDING = Shown((ENDING,), ENDS, optional=True)
_STYLE = Shown((JUDGED_STYLE,), optional=True)
_KEPT = Shown(("forced_accuracy", "sampled_accuracy", "note_f1", "onset_f1", "reconstruction_error"), optional=True)
#: The metrics shown for the rows that all families share. The family has those of its kind, below.
_HEADLINES = {
    REAL: (
        *(_SOLOS, _DIVERSITY, _ENDING, *originality.SHOWN, _STYLE),
        *(Shown(tuple(JUDGED_SIDES.values()), optional=True), Shown(JUDGE_AUC, ENDS, optional=True)),
    ),
    FLOOR: (_DISTANCE, _DIVERSITY, _STYLE),
    NGRAM: (
        *(Shown((HEADLINE, "perplexity", "order", "escape", "grid_nats_per_note")), _DISTANCE),
        *(_DIVERSITY, _ENDING, *originality.SHOWN, _STYLE),
    ),
    SELF: originality.SHOWN_OF_SELF,
    SHUFFLED: (_KEPT,),
    ALL_HOLD: (Shown(("sampled_accuracy",)),),
}
_OF_FAMILY = (
    Shown((HEADLINE,), ENDS, optional=True),
    Shown(("gain_on_ngram", "perplexity", "pitch_accuracy", "position_accuracy", "duration_accuracy"), optional=True),
    Shown((FILLED, CONTINUED, GAIN), ENDS, optional=True),
    _KEPT,
    Shown(
        (
            *("gain_on_shuffled", "note_gain_on_shuffled", "kl"),
            *("active_units", "active_share", "collapsed", "grid_nats_per_note"),
            *("grid_perplexity", "grid_note_accuracy"),
        ),
        optional=True,
    ),
    _DISTANCE,
    *originality.SHOWN,
    Shown((ORIGINAL,), optional=True),
    *coherence.SHOWN,
    _DIVERSITY,
    _ENDING,
    _STYLE,
    Shown(("set_overlap", "set_overlap_floor"), optional=True),
    Shown(("set_frechet", "set_frechet_floor"), optional=True),
    _SOLOS,
)


def score_held_out(
    name: str, family: Family, baseline: Baseline, data: Path, config: EvaluateConfig, seed: int
) -> Results:
    """Held-out metrics by row: of the n-grams, of the family (by its kind), and of the references for its latent.

    Raises:
        InputError: the family is neither a token family nor a latent family.
    """
    if not isinstance(family, TokenFamily | LatentFamily):
        found, remedy = type(family).__name__, "evaluate sound families with the stage evaluate_audio"
        raise InputError(name, expected="a token family or a latent family", found=found, remedy=remedy)
    resampling = Resampling(config.bootstrap_samples, seed)
    rows: Results = {}
    if isinstance(family, TokenFamily):
        codec = EventCodec.load(data / "encoded/events/codec.json")
        solos = read_solos(data / "encoded/events", "test")
        scored = score_solos(family, solos, codec, name)
        rows[name] = token_figures(scored, resampling)
        rows[name]["gain_on_ngram"] = estimate(baseline.events, HEADLINE, resampling, less=scored)
        if family.fill_context:
            rows[name] |= filling_figures(family, solos, codec, resampling)
    if isinstance(family, LatentFamily):
        scores = read_scores(data / "augmented", "test")
        rows = merged(rows, measure_latent(name, family, scores, baseline, resampling, seed))
    on_grid = estimates(baseline.grid, resampling, ["grid_nats_per_note", "forced_accuracy"])
    on_grid |= exact({"grid_perplexity": float(np.exp(on_grid["grid_nats_per_step"].value))}, len(baseline.grid))
    settings = exact(baseline.settings, len(baseline.events))
    return {**rows, NGRAM: {**token_figures(baseline.events, resampling), **on_grid, **settings}}


def token_figures(scored: Sequence[SoloFigures], resampling: Resampling) -> dict[str, Estimate]:
    """Nats per note with an interval, perplexity (exp of the nats per token), and their components."""
    found = estimates(scored, resampling, [HEADLINE])
    return found | exact({"perplexity": float(np.exp(found["nats_per_token"].value))}, len(scored))


def read_generated(folder: Path) -> list[Score]:
    """The solos in the manifest of the generate stage, without the bars of their primes.

    Raises:
        InputError: there are none.
    """
    rows = read_generated_solos(folder)
    if not rows:
        raise InputError(folder, expected="generated solos", found="none", remedy="run the generate stage")
    scores = [(read_score(files.within(folder, row.path)), row.primed_bars) for row in rows]
    return [cut(score, int(score.bar_ticks[bars]), score.end_tick) if bars else score for score, bars in scores]


def real_excerpts(encoded: Path, codec: EventCodec, split: str, beats: float, artist: str | None) -> list[Score]:
    """The solos of `real_solos`, cut into excerpts of `beats` quarter notes, the length of generated solos."""
    return [excerpt for score in real_solos(encoded, codec, split, artist) for excerpt in excerpts(score, beats)]


def real_solos(encoded: Path, codec: EventCodec, split: str, artist: str | None) -> list[Score]:
    """Whole real solos as decoded by the codec, so that they have the same grid as generated ones.

    Only those of `artist`, if the split has any: a model of one player is compared with that player.
    """
    solos = read_solos(encoded, split)
    own = [solo for solo in solos if solo.artist == artist] or solos
    reading = progress(own, f"reading {split} solos", unit="solo")
    return [in_full_bars(codec.decode(solo.tokens)) for solo in reading]


def endings_of(sets: Mapping[str, Sequence[Score]], encoded: Path, codec: EventCodec, artist: str | None) -> Results:
    """The share of a set's solos that end with a rest, with its 95 % interval (Wilson 1927).

    For real solos it is computed on whole test solos, since excerpts end anywhere; the floor has only excerpts and gets
    no row.
    """
    results: Results = {}
    for name, solos in {**sets, REAL: real_solos(encoded, codec, "test", artist)}.items():
        ends = [end for solo in solos if (end := ends_at_rest(solo)) is not None]
        if ends and name != FLOOR:
            results[name] = {ENDING: share(int(sum(ends)), len(ends))}
    return results


def headlines(results: Results) -> dict[str, dict[str, float]]:
    """The metric file, short enough for a terminal: the metrics of `_HEADLINES`, by row.

    Raises:
        KeyError: a required metric has not been measured.
    """
    return {
        name: {
            key: round(value, _DIGITS)
            for key, value in select(with_distance(own), _HEADLINES.get(name, _OF_FAMILY)).items()
        }
        for name, own in results.items()
    }


def with_distance(estimates: Estimates) -> Estimates:
    """The estimates with `distance_to_real` appended, the mean over the metrics with a distance, if there are any."""
    distance = mean_distance(estimates)
    return estimates if distance is None else {**estimates, "distance_to_real": Estimate(distance)}
