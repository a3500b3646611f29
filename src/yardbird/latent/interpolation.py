"""Interpolates between two solos in even steps, linearly or spherically, and compares with a cross-fade of the notes.

Linear interpolation is `(1 − α)·a + α·b`. Spherical interpolation follows the great circle of each window's code
(Shoemake 1985; for latents White 2016, arXiv 1609.04468), because the prior's mass is in a shell and the middle of a
straight line is inside it. The cross-fade is the data-space baseline of Roberts et al. 2018 (§5.3), by bars: a random
threshold per bar gives the α from which the bar is taken from the other solo. It is as even as bars allow, but has no
new bars.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from yardbird.config import NonNegativeInt, PositiveInt, Settings
from yardbird.errors import InputError
from yardbird.latent.study import Figures, Solo, Study, write_piece, write_table
from yardbird.metrics.note_agreement import note_f1
from yardbird.models.music_vae.latent_solo import Latent
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.music.score import Floats, Ints, Score
from yardbird.pictures.figure import COLOURS, figure, plain
from yardbird.progress import progress
from yardbird.seeds import generator

LINEAR, SPHERICAL, CROSS_FADE = "linear", "spherical", "cross-fade"
_HEADLINES = ("monotony", "wrong_turns", "largest_step")
Blend = Callable[[Latent, Latent, float], Latent]


@dataclass(frozen=True)
class InterpolationConfig(Settings, section="explore.interpolation"):
    """Section `explore.interpolation` of params.yaml."""

    pairs: PositiveInt  # random, of held-out solos of different tunes, alternating: same artist, two artists
    rendered: NonNegativeInt  # pairs whose steps are also written, as .mid, .wav and .png
    bars: PositiveInt  # of each solo: its first ones without a change of meter
    steps: Annotated[int, Ge(2)]  # including both ends


def linear(a: Latent, b: Latent, alpha: float) -> Latent:
    """The straight line; α = 0 is exactly `a`, α = 1 exactly `b`."""
    return (1 - alpha) * a + alpha * b


def spherical(a: Latent, b: Latent, alpha: float) -> Latent:
    """The great circle of each window, with the norm interpolated linearly; the ends are exactly `a` and `b`.

    Chords, tempo and length are mixed as in `linear`, and so are windows without a unique great circle: on one ray,
    opposite each other, or at the origin.
    """
    straight = linear(a, b, alpha)
    windows = np.arange(len(straight.z))
    start, stop = (latent.z[windows % len(latent.z)].astype(np.float64) for latent in (a, b))
    from_origin, to_origin = (np.linalg.norm(z, axis=1, keepdims=True) for z in (start, stop))
    product = from_origin * to_origin
    angle = np.arccos(np.clip((start * stop).sum(axis=1, keepdims=True) / np.where(product, product, 1), -1, 1))
    bent = (np.sin(angle) > 1e-6) & (product > 0) & (0 < alpha < 1)
    unit = np.where(bent, np.sin(angle), 1)
    length = (1 - alpha) * from_origin + alpha * to_origin
    first = np.sin((1 - alpha) * angle) / unit * start / np.where(bent, from_origin, 1)
    last = np.sin(alpha * angle) / unit * stop / np.where(bent, to_origin, 1)
    return straight.with_z(np.where(bent, length * (first + last), straight.z))


PATHS: Mapping[str, Blend] = {LINEAR: linear, SPHERICAL: spherical}


def decode_path(family: MusicVAEFamily, a: Latent, b: Latent, steps: int, blend: Blend) -> list[Score]:
    """`steps` solos from `a` to `b`; the first and the last are the reconstructions of the two."""
    return family.decode([blend(a, b, float(alpha)) for alpha in np.linspace(0, 1, steps)])


def cross_fade(a: Score, b: Score, steps: int, rng: np.random.Generator) -> list[Score]:
    """The baseline; `a` and `b` are grid scores with the same bars. Chords and tempo are those of the nearer solo."""
    bars = np.array([*a.bar_ticks, a.end_tick])
    assert np.array_equal(bars, [*b.bar_ticks, b.end_tick]), "a cross-fade needs solos of the same bars"
    thresholds = rng.random(a.bar_count)
    return [_bars_of(a, b, thresholds < alpha, alpha) for alpha in np.linspace(0, 1, steps)]


def _bars_of(a: Score, b: Score, of_b: NDArray[np.bool_], alpha: float) -> Score:
    """The bars of `b` where `of_b` (bars,) is true, else of `a`; a note tied over a bar line ends at the next onset."""
    notes = np.concatenate([a.notes[~of_b[a.bar_of(a.onsets)]], b.notes[of_b[b.bar_of(b.onsets)]]])
    notes = notes[np.argsort(notes["onset_tick"], kind="stable")]
    ends = np.append(notes["onset_tick"][1:], a.end_tick)[: len(notes)]
    notes["duration_tick"] = np.minimum(notes["duration_tick"], ends - notes["onset_tick"])
    return replace(b if alpha > 0.5 else a, notes=notes)


def sounding(score: Score) -> Ints:
    """The pitch that sounds at each tick of a monophonic score, −1 for silence: (end_tick,)."""
    line = np.full(score.end_tick, -1, dtype=np.int64)
    for onset, offset, pitch in zip(score.onsets, score.offsets, score.pitches, strict=True):
        line[onset:offset] = pitch
    return line


def sounding_distance(a: Score, b: Score) -> float:
    """The share of steps at which two grid scores sound different pitches; steps that only one of them has count.

    Ratio, 0 (the same line) … 1. Source: the Hamming distance of Roberts et al. 2018 (Fig. 4), applied to sounding
    pitches instead of tokens, because most of our steps only hold a note.
    """
    first, second = sounding(a), sounding(b)
    common, longest = min(len(first), len(second)), max(len(first), len(second))
    return float((first[:common] != second[:common]).sum() + longest - common) / longest


def note_distance(a: Score, b: Score) -> float:
    """1 − F1 of the notes (pitch and onset); 0 if neither has notes."""
    f1 = note_f1(a, b)
    return 0.0 if f1 is None else 1 - f1


def steps_table(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """One row per step: distances to both ends and to the previous step (sounding and notes), share of new bars."""
    first, last = scores[0], scores[-1]
    known = {*_bar_contents(first), *_bar_contents(last)}
    rows = []
    for step, score in enumerate(scores):
        before = scores[max(step - 1, 0)]
        bars = _bar_contents(score)
        rows.append(
            {
                "step": step,
                "alpha": step / (len(scores) - 1),
                "distance_to_a": sounding_distance(first, score),
                "distance_to_b": sounding_distance(last, score),
                "distance_to_previous": sounding_distance(before, score),
                "note_distance_to_a": note_distance(first, score),
                "note_distance_to_b": note_distance(last, score),
                "note_distance_to_previous": note_distance(before, score),
                "new_bars": sum(bar not in known for bar in bars) / len(bars),
                "bars": len(bars),
                "notes": len(score.notes),
                "qpm": score.mean_qpm,
            }
        )
    return rows


def summary(rows: Sequence[Mapping[str, Any]]) -> Figures:
    """How even and how monotonic a path from one solo to the other is, from the rows of `steps_table`.

    `largest_step`: the largest distance between steps over the sum of all; 1 / (steps − 1) is perfectly even.
    `directness`: the distance of the ends over the length of the path; 1: no detour.
    `monotony`: mean Spearman correlation of α with the distance to `a` and with the negative distance to `b`.
    `wrong_turns`: the share of the changes between steps at which the distance to `a` falls or that to `b` grows.
    `new_bars`: the share of bars, in the steps between the ends, that occur in neither end.
    """
    way = np.array([row["distance_to_previous"] for row in rows[1:]])
    leaving = np.array([row["distance_to_a"] for row in rows])
    nearing = -np.array([row["distance_to_b"] for row in rows])
    turns = np.concatenate([np.diff(leaving), np.diff(nearing)]) < 0
    return {
        "largest_step": float(way.max() / way.sum()) if way.any() else 0.0,
        "directness": float(leaving[-1] / way.sum()) if way.any() else 1.0,
        "monotony": (_rank_correlation(leaving) + _rank_correlation(nearing)) / 2,
        "wrong_turns": float(turns.mean()),
        "new_bars": float(np.mean([row["new_bars"] for row in rows[1:-1]] or [0.0])),
    }


def explore_interpolation(study: Study, config: InterpolationConfig, folder: Path) -> Figures:
    """Write the steps of some pairs, and steps.csv, summary.csv and interpolation.png; returns the mean summaries."""
    steps: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    pairs = choose_pairs(study, config)
    for number, (a, b) in enumerate(progress(pairs, doing="interpolating", unit="pair")):
        pair = f"{a.stem}_to_{b.stem}"
        paths = {
            name: decode_path(study.family, a.latent, b.latent, config.steps, blend) for name, blend in PATHS.items()
        }
        rng = generator(study.seed, "interpolation", CROSS_FADE, number)
        paths[CROSS_FADE] = cross_fade(paths[LINEAR][0], paths[LINEAR][-1], config.steps, rng)
        for name, scores in paths.items():
            rows = steps_table(scores)
            steps += [{"pair": pair, "path": name, **row} for row in rows]
            summaries.append({"pair": pair, "path": name, **summary(rows)})
            for step, score in enumerate(scores if name in PATHS and number < config.rendered else []):
                title = f"{a.title} → {b.title}, step {step + 1} of {config.steps}, {name}"
                write_piece(score, folder / pair / name / f"step_{step + 1:02d}", title)
    write_table(folder / "steps.csv", steps)
    write_table(folder / "summary.csv", summaries)
    drawn = list(dict.fromkeys(row["pair"] for row in steps))[: config.rendered]
    means = _means(steps, f"mean of {len(pairs)} pairs")
    draw_paths([*means, *(row for row in steps if row["pair"] in drawn)], folder / "interpolation.png")
    return {"pairs": len(pairs)} | {
        f"{path.replace('-', '_')}_{name}": float(np.mean([row[name] for row in summaries if row["path"] == path]))
        for path in (*PATHS, CROSS_FADE)
        for name in _HEADLINES
    }


def choose_pairs(study: Study, config: InterpolationConfig) -> list[tuple[Solo, Solo]]:
    """Random pairs of held-out solos, cut to `bars` bars of equal length; of different tunes if there are such pairs.

    The first pair is of one artist, the second of two artists, and so on, as far as there are such pairs.

    Raises:
        InputError: there is no pair.
    """
    stretches = study.stretches(study.held_out, config.bars)
    fitting = [(a, b) for a, b in combinations(stretches, 2) if a.score.end_tick == b.score.end_tick]
    if not fitting:
        expected, remedy = f"two held-out solos of {config.bars} equal bars", "lower explore.interpolation.bars"
        raise InputError("interpolation", expected=expected, found="fewer", remedy=remedy)
    pairs = [(a, b) for a, b in fitting if a.tune_group != b.tune_group] or fitting
    drawn = [pairs[number] for number in generator(study.seed, "interpolation", "pairs").permutation(len(pairs))]
    chosen: list[tuple[Solo, Solo]] = []
    for number in range(min(config.pairs, len(drawn))):
        wanted = [pair for pair in drawn if (pair[0].artist == pair[1].artist) == (number % 2 == 0)]
        chosen.append((wanted or drawn)[0])
        drawn.remove(chosen[-1])
    return chosen


def draw_paths(steps: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw a row of panels per pair: the distance of each path to both ends, and the distance between steps."""
    pairs = list(dict.fromkeys(row["pair"] for row in steps))
    paths = list(dict.fromkeys(row["path"] for row in steps))
    title = "Interpolation. Distance: share of the time with different pitches"
    alpha_label = "α (0: first solo, 1: last solo)"
    with figure(path, title, height=0.8 + 3.6 * len(pairs)) as drawing:
        panels = drawing.subplots(len(pairs), 2, squeeze=False)
        for pair, (ends, jumps) in zip(pairs, panels, strict=True):
            plain(
                ends,
                pair.replace("_to_", "\n→ ").replace("_", " "),
                xlabel=alpha_label,
                ylabel="distance to first (solid), last (dashed)",
            )
            plain(jumps, "distance from each step to the next", xlabel=alpha_label)
            for name, colour in zip(paths, COLOURS, strict=False):
                rows = [row for row in steps if (row["pair"], row["path"]) == (pair, name)]
                alpha = [row["alpha"] for row in rows]
                line: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 4}
                ends.plot(alpha, [row["distance_to_a"] for row in rows], label=name, **line)
                ends.plot(alpha, [row["distance_to_b"] for row in rows], linestyle="--", **line)
                middles = [(left + right) / 2 for left, right in pairwise(alpha)]
                jumps.plot(middles, [row["distance_to_previous"] for row in rows[1:]], **line)
            ends.set_ylim(0, 1.02)
            jumps.set_ylim(0, None)
        drawing.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)


def _means(steps: Sequence[Mapping[str, Any]], pair: str) -> list[dict[str, Any]]:
    """The mean over all pairs, as the rows of one pair."""

    import pandas as pd

    names = ["alpha", "distance_to_a", "distance_to_b", "distance_to_previous"]
    table = pd.DataFrame(steps).groupby(["path", "step"], sort=False)[names].mean().reset_index()
    return [{"pair": pair} | {str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _bar_contents(score: Score) -> list[bytes]:
    """The sounding pitches of each bar, as bytes for comparison."""
    return [bar.tobytes() for bar in np.split(sounding(score), score.bar_ticks[1:])]


def _rank_correlation(values: Floats) -> float:
    """Spearman correlation of the values with their positions; 0 if all values are equal."""

    from scipy.stats import spearmanr

    return float(spearmanr(np.arange(len(values)), values).statistic) if np.ptp(values) else 0.0
