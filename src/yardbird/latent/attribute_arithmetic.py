"""Attribute arithmetic: measures what the direction of each attribute does to that attribute and to all others.

Held-out solos move along each direction, forward (+) and back (−), and every attribute is measured in each decoded
window. An effect is the change from the solo's reconstruction, in standard deviations of the attribute over the windows
of real training solos. Random directions, with the mean length of the others, show the effect of any move. The
correlations of the attributes in real solos show which side effects are due to the music itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yardbird.config import NonNegativeInt, PositiveFloat, PositiveInt, Settings
from yardbird.latent.direction_file import PATHS
from yardbird.latent.directions import Directions, measure_windows, windows
from yardbird.latent.gradient_climbing import EXPECTED, Climber
from yardbird.latent.study import Figures, Solo, Study, write_piece, write_table
from yardbird.latent.style_transfer import RANDOM, opening, random_way
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.metrics.note_agreement import rhythm_kept
from yardbird.music.score import Floats, Score
from yardbird.pictures.figure import INK, figure
from yardbird.progress import progress
from yardbird.seeds import generator

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ArithmeticConfig(Settings, section="explore.arithmetic"):
    """Section `explore.arithmetic` of params.yaml."""

    strength: PositiveFloat  # of a move, forward and back
    random_ways: NonNegativeInt
    solos: PositiveInt  # held-out solos that are moved
    bars: PositiveInt  # of the solo that is written


def explore_arithmetic(study: Study, directions: Directions, config: ArithmeticConfig, folder: Path) -> Figures:
    """Write a solo moved along every direction, arithmetic.csv (a row per direction and sign) and arithmetic.png.

    Returns:
        `<attribute>_effect`, half the difference of the attribute between forward and back (0 if one of them is silent
        and has no value); `dominant`, the share of the directions that increase their own attribute and change no
        other more; `own_share`, the share of the own attribute in the sum of all effects, mean over directions;
        `random_effect`, the mean absolute effect of a random direction on an attribute.
    """
    if not directions.attributes:
        return {"ways": 0}
    solos, bars = study.sample(study.held_out, config.solos), study.family.config.bars
    real = measure_windows([score for solo in study.training for score in windows(solo.score, solo.latent, bars)])
    spreads = {name: float(np.nanstd(values)) for name, values in real.items()}
    dimensions = study.family.config.latent_dim
    length = float(np.mean([np.linalg.norm(way) for way in directions.attributes.values()]))
    pushes = {
        f"{RANDOM} {number}": random_way(dimensions, length, generator(study.seed, "arithmetic", number))
        for number in range(1, config.random_ways + 1)
    }
    ways = [name for name in ATTRIBUTES if name in (*directions.attributes, *EXPECTED)]
    originals = [solo.latent for solo in solos]
    vectors = {**directions.attributes, **pushes}
    climbers = {
        name: Climber(study.family, *(expected(solo.latent, solo.score) for solo in solos))
        for name, expected in EXPECTED.items()
    }
    reconstructions = study.family.decode(originals)
    base = _means(solos, reconstructions, bars)
    write_piece(opening(reconstructions[0], config.bars), folder / solos[0].stem / "reconstruction", solos[0].title)
    rows: list[dict[str, Any]] = []
    for way, sign in progress([(way, sign) for way in (*ways, *pushes) for sign in (1, -1)], doing="arithmetic"):
        amount = sign * config.strength
        if way in climbers:
            latents = climbers[way](originals, amount * PATHS[way])
        else:
            latents = [latent + amount * vectors[way] for latent in originals]
        moved = study.family.decode(latents)
        after = _means(solos, moved, bars)
        effects = {name: _effect(base[name], after[name], spreads[name]) for name in ATTRIBUTES}
        kept = [rhythm_kept(*pair) for pair in zip(reconstructions, moved, strict=True)]
        rows.append(
            {
                "way": way,
                "strength": amount,
                **effects,
                "rhythm_kept": float(np.mean([share for share in kept if share is not None] or [1.0])),
                "notes": sum(len(score.notes) for score in moved),
            }
        )
        if way in ATTRIBUTES:
            title = f"{solos[0].title}, {'more' if sign > 0 else 'less'} {way}"
            stem = f"{way}_{'more' if sign > 0 else 'less'}"
            write_piece(opening(moved[0], config.bars), folder / solos[0].stem / stem, title)
    write_table(folder / "arithmetic.csv", rows)
    _draw(rows, real, folder / "arithmetic.png")
    return headline(rows)


def headline(rows: Sequence[Mapping[str, Any]]) -> Figures:
    """The metrics of `explore_arithmetic` from the rows of its table, which come in pairs: forward, back."""
    figures: Figures = {}
    dominant: list[bool] = []
    shares: list[float] = []
    random: list[float] = []
    for forth, back in zip(rows[::2], rows[1::2], strict=True):
        pairs = {name: (forth[name], back[name]) for name in ATTRIBUTES}
        effects = {name: (there - again) / 2 for name, (there, again) in pairs.items() if None not in (there, again)}
        sizes = {name: abs(effect) for name, effect in effects.items()}
        if (way := forth["way"]) not in ATTRIBUTES:
            random += sizes.values()
            continue
        own = effects.get(way, 0.0)
        figures[f"{way}_effect"] = own
        dominant.append(own > 0 and own == max(sizes.values()))
        shares.append(abs(own) / (sum(sizes.values()) or 1.0))
    figures |= {"dominant": float(np.mean(dominant)), "own_share": float(np.mean(shares))}
    return figures | ({"random_effect": float(np.mean(random))} if random else {})


def _effect(before: float, after: float, spread: float) -> float | None:
    """The change in standard deviations; None if silence has no value to compare, as for the register."""
    change = (after - before) / spread if spread else 0.0
    return None if np.isnan(change) else change


def _means(solos: Sequence[Solo], scores: Sequence[Score], segments: int) -> dict[str, float]:
    """Each attribute's mean over the windows of decoded solos that have a value; NaN if none has one."""
    pairs = zip(solos, scores, strict=True)
    measured = measure_windows([window for solo, score in pairs for window in windows(score, solo.latent, segments)])
    return {
        name: float("nan") if np.isnan(values).all() else float(np.nanmean(values)) for name, values in measured.items()
    }


def _draw(rows: Sequence[Mapping[str, Any]], real: Mapping[str, Floats], path: Path) -> None:
    """Draw three heat maps with numbers: effects of adding, effects of subtracting, and correlations in real solos."""
    columns = np.array([real[name] for name in ATTRIBUTES])
    known = columns[:, ~np.isnan(columns).any(axis=0)]
    with np.errstate(invalid="ignore"):  # an attribute that never varies has no correlation
        together = np.nan_to_num(np.corrcoef(known))
    title = "Attribute arithmetic. Row: the direction that is added or subtracted. Column: the attribute that changes"
    with figure(path, title, width=16, height=2.4 + 0.5 * len(rows) / 2) as drawing:
        forth, back, correlation = drawing.subplots(1, 3)
        for panel, part, sign in ((forth, rows[::2], "+"), (back, rows[1::2], "−")):
            effects = np.array([[row[name] for name in ATTRIBUTES] for row in part], dtype=np.float64)
            _heat(panel, effects, [f"{sign} {row['way']}" for row in part], 2.0)
            panel.set_title(f"change after {sign}{abs(part[0]['strength']):g} × direction (standard deviations)")
        _heat(correlation, together, list(ATTRIBUTES), 1.0)
        correlation.set_title("correlation of the attributes in real solos")


def _heat(axes: "Axes", values: Floats, labels: Sequence[str], limit: float) -> None:
    axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(ATTRIBUTES)), list(ATTRIBUTES))
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.7 * limit else INK
        text = "–" if np.isnan(value) else f"{value:+.2f}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
