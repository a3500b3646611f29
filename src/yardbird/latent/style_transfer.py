"""Style transfer between two artists: the judge's verdict, and the part of the solo that is kept.

Held-out solos move towards the other artist's intervals (`directions.restyler`). Controls are the difference of the
artists' mean codes (Roberts et al. 2018, §6.4) and random directions, both at the same distance in the latent space in
every window. The verdict is that of a judge trained on reconstructions of training solos: the mean probability of the
target artist over excerpts. The kept shares compare with the solo's reconstruction (distance 0) and with the solo.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from yardbird.config import NOT_EMPTY, NonNegativeInt, PositiveFloat, PositiveInt, Settings
from yardbird.errors import InputError
from yardbird.judges.excerpt_judge import Judge
from yardbird.latent.directions import Directions, restyler
from yardbird.latent.study import Figures, Solo, Study, write_piece, write_table
from yardbird.metrics.harmony import chord_tone_rate
from yardbird.metrics.note_agreement import contour_kept, rhythm_kept
from yardbird.models.music_vae.latent_solo import Latent, Vector
from yardbird.music.excerpts import cut
from yardbird.music.score import Score
from yardbird.pictures.figure import COLOURS, FAINT, figure, plain
from yardbird.progress import progress
from yardbird.seeds import generator

INTERVALS, MEANS, RANDOM = "intervals", "means", "random"
ENOUGH = 0.5  # of the verdict, and of the rhythm
Move = Callable[[Sequence[Latent], float], list[Latent]]
_KEPT: Mapping[str, Callable[[Score, Score], float | None]] = {"rhythm": rhythm_kept, "contour": contour_kept}


@dataclass(frozen=True)
class TransferConfig(Settings, section="explore.transfer"):
    """Section `explore.transfer` of params.yaml."""

    artists: tuple[str, ...] | None  # two artists of the training split; null: the two with the most solos there
    strengths: Annotated[
        tuple[PositiveFloat, ...], NOT_EMPTY
    ]  # distances in the latent space, in every window; 0 is added
    random_ways: NonNegativeInt  # number of random directions
    excerpt_beats: Annotated[float, Ge(1)]  # length of the excerpts that are judged
    solos: PositiveInt  # held-out solos of each artist that are moved
    bars: PositiveInt  # of the solo of each artist that is written


def explore_transfer(study: Study, directions: Directions, config: TransferConfig, folder: Path) -> Figures:
    """Write a solo of each artist at every strength, transfer.csv and transfer.png; returns the headline metrics.

    With only one artist, nothing is written.

    Raises:
        InputError: an artist of the configuration has no training solo.
    """
    pair = choose_artists(study, config.artists)
    if pair is None:
        return {"artists": 1}
    judge = train_judge(study, pair, config.excerpt_beats)
    figures: Figures = examine(judge, study, pair)
    rows: list[dict[str, Any]] = []
    for name, (source, target) in {"there": pair, "back": (pair[1], pair[0])}.items():
        solos = study.sample([solo for solo in study.held_out if solo.artist == source], config.solos)
        if not solos:
            continue
        ways = _moves(study, directions, source, target, name, config.random_ways)
        reconstructions = study.family.decode([solo.latent for solo in solos])
        own = []
        places = [(INTERVALS, 0.0), *((way, strength) for way in ways for strength in sorted(config.strengths))]
        for way, strength in progress(places, doing=f"{source} → {target}", unit="step"):
            moved = (
                study.family.decode(ways[way]([solo.latent for solo in solos], strength))
                if strength
                else reconstructions
            )
            assessed = assess(judge, target == pair[1], solos, reconstructions, moved)
            own.append({"from": source, "to": target, "way": way, "strength": strength, **assessed})
            if way == INTERVALS:
                title = f"{solos[0].title}, {source} → {target}, strength {strength:g}"
                stem = folder / f"{name}_{solos[0].stem}" / f"strength_{strength:g}"
                write_piece(opening(moved[0], config.bars), stem, title)
        rows += own
        figures |= {f"{name}_{figure}": value for figure, value in headline(own).items()}
    if rows:
        write_table(folder / "transfer.csv", rows)
        _draw(rows, folder / "transfer.png")
    return figures


def _moves(
    study: Study, directions: Directions, source: str, target: str, name: str, random_ways: int
) -> dict[str, Move]:
    """How latents move by a strength, for each way from one artist to the other."""
    means = directions.between(source, target)
    vectors = {MEANS: means / max(np.linalg.norm(means), np.finfo(np.float32).tiny)}
    for number in range(1, random_ways + 1):
        vectors[f"{RANDOM} {number}"] = random_way(len(means), 1.0, generator(study.seed, "transfer", name, number))
    moves: dict[str, Move] = {INTERVALS: restyler(study.family, directions, source, target)}
    for way, vector in vectors.items():
        moves[way] = partial(_along, vector)
    return moves


def _along(vector: Vector, latents: Sequence[Latent], strength: float) -> list[Latent]:
    return [latent + strength * vector for latent in latents]


def choose_artists(study: Study, wanted: Sequence[str] | None) -> tuple[str, str] | None:
    """The two artists of the configuration, else those with the most training solos, most first; None if there is one.

    Raises:
        InputError: the configured names are not two different artists of the training split.
    """
    counts = Counter(solo.artist for solo in study.training)
    known = sorted(counts, key=lambda artist: (-counts[artist], artist))
    if wanted is None:
        return (known[0], known[1]) if len(known) > 1 else None
    if len(wanted) != 2 or len({*wanted} & {*known}) != 2:
        expected, remedy = f"two of the artists {', '.join(known)}", "fix the list, or set it to null"
        raise InputError("explore.transfer.artists", expected=expected, found=", ".join(wanted), remedy=remedy)
    return wanted[0], wanted[1]


def train_judge(study: Study, pair: tuple[str, str], beats: float) -> Judge:
    """Train a judge on the reconstructions of the training solos of two artists.

    The decoder smooths solos; a judge trained only on originals would mistake the smoothing for style.
    """
    solos = [solo for solo in study.training if solo.artist in pair]
    reconstructions = study.family.decode([solo.latent for solo in solos])
    second = [solo.artist == pair[1] for solo in solos]
    return Judge(reconstructions, second, [solo.tune_group for solo in solos], beats)


def examine(judge: Judge, study: Study, pair: tuple[str, str]) -> Figures:
    """How well the judge separates the artists: over training folds, on held-out solos, on their reconstructions."""
    solos = [solo for solo in study.held_out if solo.artist in pair]
    second = [solo.artist == pair[1] for solo in solos]
    real = judge.examine([solo.score for solo in solos], second)
    reconstructed = judge.examine(study.family.decode([solo.latent for solo in solos]), second)
    return {
        **({} if judge.folded_auc is None else {"judge_training_auc": judge.folded_auc}),
        **{f"judge_{name}": value for name, value in real.items()},
        **{f"judge_reconstructed_{name}": value for name, value in reconstructed.items()},
    }


def random_way(dimensions: int, length: float, rng: np.random.Generator) -> Vector:
    """A vector of a given length in a uniformly random direction: (dimensions,)."""
    way = rng.standard_normal(dimensions)
    return np.asarray(way * (length / np.linalg.norm(way)), dtype=np.float32)


def opening(score: Score, bars: int) -> Score:
    """The first `bars` bars, or all if there are fewer."""
    lines = [*score.bar_ticks.tolist(), score.end_tick]
    return cut(score, 0, lines[min(bars, len(lines) - 1)])


def assess(
    judge: Judge, second: bool, solos: Sequence[Solo], reconstructions: Sequence[Score], moved: Sequence[Score]
) -> dict[str, Any]:
    """A row of the table: the verdict for the target artist as a mean over excerpts, the rest as means over solos."""
    verdict = float(np.mean(np.concatenate([judge.verdicts(score) for score in moved])))
    originals = [solo.score for solo in solos]
    kept = {
        f"{what}{of}_kept": _mean([measure(*both) for both in zip(references, moved, strict=True)])
        for of, references in (("", reconstructions), ("_of_original", originals))
        for what, measure in _KEPT.items()
    }
    return {
        "verdict": verdict if second else 1 - verdict,
        **kept,
        "chord_tone_rate": _mean([chord_tone_rate(score) for score in moved]),
        "notes": sum(len(score.notes) for score in moved),
        "solos": len(solos),
    }


def headline(rows: Sequence[Mapping[str, Any]]) -> Figures:
    """The headline metrics, from the rows from one artist to the other:

    - `verdict`: at strength 0, of the reconstructions
    - `strength`: the lowest at which the verdict is above 0.5, with its `rhythm_kept` and `contour_kept`, and the mean
      verdict of the random directions there, `random_verdict`; absent if no strength is enough
    - `kept_verdict`: the highest verdict with at least half of the rhythm kept, and its `kept_strength`
    - `means_kept_verdict`: the same along the difference of the mean codes
    """
    own = [row for row in rows if row["way"] == INTERVALS]
    figures: Figures = {"verdict": own[0]["verdict"]}
    if reached := _reached(own):
        at_reached = [row for row in rows if row["strength"] == reached["strength"]]
        random = _mean([row["verdict"] for row in at_reached if row["way"].startswith(RANDOM)])
        at_strength = {name: reached[name] for name in ("strength", "rhythm_kept", "contour_kept")}
        figures |= _known({**at_strength, "random_verdict": random})
    kept, means = _kept(own), _kept(own[:1] + [row for row in rows if row["way"] == MEANS])
    figures |= {"kept_verdict": kept["verdict"], "kept_strength": kept["strength"]}
    return figures | {"means_kept_verdict": means["verdict"]}


def _kept(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with the highest verdict among those with enough of the rhythm; the first if there are none."""
    enough = [row for row in rows if (row["rhythm_kept"] or 0) >= ENOUGH]
    return max(enough, key=lambda row: float(row["verdict"]), default=rows[0])


def _reached(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((row for row in rows if row["verdict"] > ENOUGH), None)


def _known(figures: Mapping[str, float | None]) -> Figures:
    return {name: figure for name, figure in figures.items() if figure is not None}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw one column of panels per pair of artists: probabilities of the target artist, and shares kept."""
    pairs = list(dict.fromkeys((row["from"], row["to"]) for row in rows))
    title = "Style transfer: solos moved from one artist towards another"
    with figure(path, title, width=6 * len(pairs), height=7.5) as drawing:
        panels = drawing.subplots(2, len(pairs), squeeze=False, sharex=True)
        for (source, target), (verdicts, kept) in zip(pairs, panels.T, strict=True):
            of_pair = [row for row in rows if (row["from"], row["to"]) == (source, target)]
            plain(verdicts, f"{source} → {target}", ylabel=f"probability of {target}", ylim=(0, 1.02))
            verdicts.axhline(ENOUGH, color=FAINT, linewidth=1, linestyle="--")
            own, means = ([row for row in of_pair if row["way"] == way] for way in (INTERVALS, MEANS))
            randomly = [row for row in of_pair if row["way"].startswith(RANDOM)]
            for number, way in enumerate(dict.fromkeys(row["way"] for row in randomly)):
                line = own[:1] + [row for row in randomly if row["way"] == way]
                label = None if number else "in random directions"
                verdicts.plot(*_line(line, "verdict"), color=FAINT, linewidth=1, label=label)
            title, xlabel = "share of the reconstruction that is kept", "distance in the latent space"
            plain(kept, title, xlabel=xlabel, ylabel="share kept", ylim=(0, 1.02))
            kept.axhline(ENOUGH, color=FAINT, linewidth=1, linestyle="--")
            for rows_of, style, name in ((own, "o-", "intervals"), (own[:1] + means, "s--", "mean code")):
                verdicts.plot(*_line(rows_of, "verdict"), style, color=COLOURS[1], label=f"towards the artist's {name}")
                for what, colour in (("rhythm", COLOURS[0]), ("contour", COLOURS[2])):
                    kept.plot(*_line(rows_of, f"{what}_kept"), style, color=colour, label=f"{what}, {name}")
        for panel in panels[:, 0]:
            panel.legend(loc="best")


def _line(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    return [row["strength"] for row in rows], [float("nan") if row[name] is None else row[name] for row in rows]
