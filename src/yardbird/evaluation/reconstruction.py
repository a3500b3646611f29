"""Measures how well a latent family reconstructs held-out solos, and whether it uses the latent.

Each window is represented by the encoder's mean, unless stated otherwise. The accuracies count steps of the melody
grid. Most true steps only hold a note: the row `all_hold`, a model that always predicts a hold (and is silent), shows
the accuracy that needs no model. The row `shuffled_z` decodes every window from the z of a window of another tune; its
scores show what the decoder knows (style and chords) without the latent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.baselines.ngram_solos import Baseline
from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.melody import HOLD, Melody, Steps
from yardbird.errors import InputError
from yardbird.metrics.estimates import Estimate, Estimates, Results, exact
from yardbird.metrics.note_agreement import note_matches, onset_matches
from yardbird.models.family import ACTIVE_VARIANCE, Ratio
from yardbird.models.family_kinds import LatentFamily, Vectors
from yardbird.models.token_scoring import SoloFigures, estimate, estimates
from yardbird.music.midi import read_score
from yardbird.music.score import Ints, Score
from yardbird.progress import progress
from yardbird.seeds import generator
from yardbird.tables.copies_table import read_copies

SHUFFLED, ALL_HOLD = "shuffled_z", "all_hold"
#: The latent has collapsed if a smaller share of it is active, or if shuffling it loses fewer steps or notes.
LEAST_ACTIVE_SHARE, LEAST_GAIN = 0.05, 0.05


@dataclass(frozen=True, eq=False)
class HeldOutSolo:
    """A solo of the test split, with the original score."""

    solo: str
    tune_group: str
    score: Score


def read_scores(augmented: Path, split: str) -> list[HeldOutSolo]:
    """The original solos of a split, without augmented copies, in the order of the encoded corpus.

    Raises:
        InputError: the split is empty.
    """
    rows = [row for row in read_copies(augmented) if row.split == split and row.is_original]
    if not rows:
        raise InputError(augmented, expected=f"solos of the {split} split", found="none", remedy="give more tunes")
    return [HeldOutSolo(row.solo, row.tune_group, read_score(files.within(augmented, row.path))) for row in rows]


def measure_latent(
    name: str,
    model: LatentFamily,
    solos: Sequence[HeldOutSolo],
    baseline: Baseline,
    resampling: Resampling,
    seed: int,
) -> Results:
    """Held-out metrics by row: of the model `name`, of the same with shuffled z, and of a model that always holds.

    `forced_accuracy`, `sampled_accuracy`: the share of correct steps with teacher forcing and with greedy decoding.
    `grid_note_accuracy`: the share of notes whose step is correct with teacher forcing. `grid_perplexity`: exp(−ELBO
    per step), an upper bound.
    `note_f1`, `onset_f1`: F1 of the decoded notes and onsets. `gain_on_shuffled`, `note_gain_on_shuffled`: sampled
    accuracy and note F1 minus those with shuffled z. `kl`: nats per window. `grid_nats_per_note`: −ELBO at one sample
    of z per note, an upper bound of the nats of all steps given the chords; comparable with the n-gram over the same
    steps, not with nats of event tokens. Ratios and gains have bootstrap intervals over tune groups.
    """
    posteriors = [model.posterior(solo.score) for solo in solos]
    windows = [len(mean) for mean, _ in posteriors]
    means = np.concatenate([mean for mean, _ in posteriors])
    order = derangement(np.repeat([solo.tune_group for solo in solos], windows), seed)
    shuffled = np.split(means[order], np.cumsum(windows)[:-1])
    own, other, held = [], [], []
    watched = progress(solos, doing=f"reconstructing with {name}", unit="solo")
    for solo, (mean, spread), z in zip(watched, posteriors, shuffled, strict=True):
        melody = model.codec.encode(solo.score)
        bound = _bound(model, solo, mean, spread, seed)
        own.append(SoloFigures(solo.solo, solo.tune_group, _kept(model, solo.score, melody, mean) | bound))
        other.append(SoloFigures(solo.solo, solo.tune_group, _kept(model, solo.score, melody, z)))
        holds = _agreeing(np.full_like(melody.steps, HOLD), melody)
        held.append(SoloFigures(solo.solo, solo.tune_group, {"sampled_accuracy": holds}))
    summary = estimates(own, resampling)
    summary["gain_on_shuffled"] = estimate(own, "sampled_accuracy", resampling, less=other)
    summary["note_gain_on_shuffled"] = estimate(own, "note_f1", resampling, less=other)
    summary["grid_gain_on_ngram"] = estimate(baseline.grid, "grid_nats_per_note", resampling, less=own)
    exp = {"grid_perplexity": float(np.exp(summary["grid_nats_per_step"].value))}
    summary |= exact({**exp, **activity(means), "window_bars": model.window_bars}, len(solos))
    summary["collapsed"] = Estimate(float(collapsed(summary)), n=len(solos))
    rows = {name: summary, SHUFFLED: estimates(other, resampling), ALL_HOLD: estimates(held, resampling)}
    for row in (name, SHUFFLED):
        rows[row]["reconstruction_error"] = Estimate(1 - rows[row]["note_f1"].value, n=len(solos))
    return rows


def activity(means: Vectors) -> dict[str, float]:
    """The number and share of active units among the dimensions of posterior means: (windows, dimensions)."""
    active = int((means.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE).sum())
    return {
        "active_units": active,
        "active_share": active / means.shape[1],
        "latent_dimensions": means.shape[1],
        "windows": len(means),
    }


def collapsed(figures: Estimates) -> bool:
    """Whether the decoder ignores the latent.

    It does if few dimensions are active, or if the z of another tune reconstructs nearly as many steps or notes as the
    true z. Steps alone are not enough: most are holds and rests, which can be correct without any correct note. For
    notes the lower end of the interval is used, so that a few notes correct by chance do not count.
    """
    gains = figures["gain_on_shuffled"].value, figures["note_gain_on_shuffled"].span[0]
    return figures["active_share"].value < LEAST_ACTIVE_SHARE or min(gains) < LEAST_GAIN


def derangement(groups: NDArray[Any], seed: int) -> Ints:
    """A permutation that maps each window to a window of another tune, as far as possible.

    Windows in random order are grouped by tune and shifted by the size of the largest tune. With a single tune, the
    result is another window of it; a single window maps to itself.

    Args:
        groups: the tune of each window: (windows,).
    """
    random = generator(seed, "shuffled z")
    names, member, counts = np.unique(groups, return_inverse=True, return_counts=True)
    places = random.permutation(len(groups))
    places = places[np.argsort(random.permutation(len(names))[member[places]], kind="stable")]
    shift = counts.max() if len(names) > 1 else len(groups) // 2
    order = np.empty(len(groups), dtype=np.int64)
    order[places] = np.roll(places, -shift)
    return order


def _kept(model: LatentFamily, score: Score, melody: Melody, z: Vectors) -> dict[str, Ratio]:
    """The reconstruction metrics of a solo from the z of its windows."""
    forced, sampled = model.score_steps(score, z).correct, model.sample_steps(score, z)
    truth, given_back = (model.codec.decode(steps, None, melody.frame) for steps in (melody.steps, sampled))
    notes, starts = len(truth.notes) + len(given_back.notes), melody.steps[melody.frame.inside] < HOLD
    return {
        "forced_accuracy": Ratio(float(forced.sum()), len(forced)),
        "grid_note_accuracy": Ratio(float(forced[starts].sum()), int(starts.sum())),
        "sampled_accuracy": _agreeing(sampled, melody),
        "note_f1": Ratio(2.0 * note_matches(truth, given_back), notes),
        "onset_f1": Ratio(2.0 * onset_matches(truth, given_back), notes),
    }


def _agreeing(steps: Steps, melody: Melody) -> Ratio:
    inside = melody.frame.inside
    return Ratio(float((steps == melody.steps)[inside].sum()), float(inside.sum()))


def _bound(model: LatentFamily, solo: HeldOutSolo, mean: Vectors, spread: Vectors, seed: int) -> dict[str, Ratio]:
    """KL to N(0, I) (Kingma & Welling 2014, appendix B), and −ELBO."""
    kl = float((0.5 * (mean**2 + spread**2 - 1) - np.log(spread)).sum(dtype=np.float64))
    noise = generator(seed, "posterior", solo.solo).standard_normal(mean.shape)
    scored = model.score_steps(solo.score, (mean + spread * noise).astype(np.float32)).nats
    nats, notes = float(scored.sum()) + kl, float(np.count_nonzero(model.codec.encode(solo.score).steps < HOLD))
    return {
        "kl": Ratio(kl, len(mean)),
        "grid_nats_per_note": Ratio(nats, notes),
        "grid_nats_per_step": Ratio(nats, len(scored)),
    }
