"""Maps the solos in the latent space: a plot in two dimensions, the labels of neighbours, and the reconstructions.

The map shows the plane in which the solos' mean codes vary most (principal components), with all their windows. Whether
artist, form or tempo order the space is measured in all dimensions, because a plane may hide it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird.config import NonNegativeInt, PositiveInt, Settings
from yardbird.errors import InputError
from yardbird.latent.chorus_form import UNKNOWN, form_of
from yardbird.latent.study import Figures, Solo, Study, write_piece, write_table
from yardbird.metrics.note_agreement import note_f1
from yardbird.music.midi import write_score
from yardbird.music.score import Floats
from yardbird.pictures.figure import COLOURS, FAINT, INK, PAPER, figure, plain
from yardbird.progress import progress

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from matplotlib.axes import Axes

_TEMPO_CLASSES = ("slow", "medium", "fast")  # thirds of the solos


@dataclass(frozen=True)
class MapConfig(Settings, section="explore.map"):
    """Section `explore.map` of params.yaml."""

    neighbours: PositiveInt  # nearest solos whose artist, form and tempo are compared with those of a solo
    rendered: NonNegativeInt  # held-out solos whose original and reconstruction are also .wav and .png


def explore_map(study: Study, config: MapConfig, folder: Path) -> Figures:
    """Write map.png, solos.csv, windows.csv, purity.csv and the reconstruction of every solo."""

    from sklearn.decomposition import PCA

    solos = study.solos
    if len(solos) < 3:
        raise InputError("map", expected="three solos or more", found=f"{len(solos)}", remedy="add solos")
    means = np.stack([solo.latent.z.mean(axis=0) for solo in solos]).astype(np.float64)
    plane = PCA(n_components=2, svd_solver="full").fit(means)
    places = plane.transform(means)
    windows = [plane.transform(solo.latent.z.astype(np.float64)) for solo in solos]
    forms = [solo.form or form_of(solo.score) for solo in solos]
    qpm = np.array([solo.score.mean_qpm for solo in solos])
    faster_than = np.searchsorted(np.quantile(qpm, [1 / 3, 2 / 3]), qpm)
    labels = {
        "artist": [solo.artist for solo in solos],
        "form": forms,
        "tempo": [_TEMPO_CLASSES[index] for index in faster_than],
    }
    groups = [solo.tune_group for solo in solos]
    purities = {name: purity(means, own, groups, config.neighbours) for name, own in labels.items()}
    reconstructions = study.family.decode([solo.latent for solo in solos])
    again_of = dict(zip([solo.solo for solo in solos], reconstructions, strict=True))
    f1 = [note_f1(solo.score, again_of[solo.solo]) or 0.0 for solo in solos]
    for solo in solos:
        write_score(again_of[solo.solo], folder / "reconstructions" / f"{solo.stem}.mid")
    known = [
        {"solo": solo.solo, "split": solo.split, "artist": solo.artist, "title": solo.title, "qpm": solo.score.mean_qpm}
        for solo in solos
    ]
    codes = zip(forms, places.tolist(), map(len, windows), f1, strict=True)
    rows = [
        {**row, "form": form, "x": x, "y": y, "windows": count, "note_f1": kept}
        for row, (form, (x, y), count, kept) in zip(known, codes, strict=True)
    ]
    write_table(folder / "solos.csv", rows)
    write_table(
        folder / "windows.csv",
        [
            {"solo": solo.solo, "window": window, "x": x, "y": y}
            for solo, points in zip(solos, windows, strict=True)
            for window, (x, y) in enumerate(points.tolist())
        ],
    )
    write_table(folder / "purity.csv", [{"attribute": name, **found} for name, found in purities.items()])
    explained = [float(share) for share in plane.explained_variance_ratio_]
    _draw(folder / "map.png", solos, labels, qpm, places, windows, explained)
    for solo in progress(study.sample(study.held_out, config.rendered), doing="rendering", unit="solo"):
        write_piece(solo.score, folder / "heard" / f"{solo.stem}_original", f"{solo.title}, original")
        title = f"{solo.title}, reconstruction"
        write_piece(again_of[solo.solo], folder / "heard" / f"{solo.stem}_reconstruction", title)
    held_out = [kept for solo, kept in zip(solos, f1, strict=True) if solo.split != "train"]
    trained = [kept for solo, kept in zip(solos, f1, strict=True) if solo.split == "train"]
    return {
        "solos": len(solos),
        "variance_explained": sum(explained),
        "note_f1": float(np.mean(held_out)),
        "note_f1_training": float(np.mean(trained)),
        **{f"{name}_{figure}": found[figure] for name, found in purities.items() for figure in ("purity", "chance")},
    }


def purity(points: Floats, labels: Sequence[str], groups: Sequence[str], neighbours: int) -> dict[str, float | int]:
    """The share of the nearest solos of other tunes with the same label, mean over solos, and the share by chance.

    Takes of one tune share form and tempo and would be neighbours for that reason, so they are no candidates. Chance is
    the share of the same label among all candidates. Solos without candidates, or with an unknown label, are omitted.

    Args:
        points: (solos, dimensions); distances are Euclidean.
    """
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    known = np.array(labels) != UNKNOWN
    same = np.array(labels)[:, None] == np.array(labels)[None]
    candidates = (np.array(groups)[:, None] != np.array(groups)[None]) & known
    shares = []
    for distance, alike, others in zip(distances[known], same[known], candidates[known], strict=True):
        if others.any():
            nearest = np.argsort(distance[others], kind="stable")[:neighbours]
            shares.append((alike[others][nearest].mean(), alike[others].mean()))
    found, chance = np.mean(shares, axis=0).tolist() if shares else (0.0, 0.0)
    return {"classes": len(set(labels) - {UNKNOWN}), "neighbours": neighbours, "purity": found, "chance": chance}


def _draw(
    path: Path,
    solos: Sequence[Solo],
    labels: dict[str, list[str]],
    qpm: Floats,
    places: Floats,
    windows: Sequence[Floats],
    explained: Sequence[float],
) -> None:
    """Draw the solos above, held-out ones with a black edge, and all their windows below in the same plane."""
    rings = [INK if solo.split != "train" else PAPER for solo in solos]
    owner = np.repeat(np.arange(len(solos)), [len(points) for points in windows])
    dots = np.concatenate(windows)
    title = f"Latent space. Top: {len(solos)} solos (black edge: held out). Bottom: their {len(dots)} windows"
    with figure(path, title, width=16, height=12) as drawing:
        panels = drawing.subplots(2, 3, sharex="row", sharey="row")
        for name, (upper, lower) in zip(labels, panels.T, strict=True):
            plain(upper, name)
            plain(lower, "", xlabel=f"first principal component ({explained[0]:.0%} of the variance of the solos)")
            values = {"cmap": "viridis"} if name == "tempo" else {}
            colours = qpm if name == "tempo" else _legend(lower, labels[name])
            discs = upper.scatter(
                places[:, 0], places[:, 1], s=62, c=colours, edgecolors=rings, linewidths=1.1, **values
            )
            lower.scatter(dots[:, 0], dots[:, 1], s=6, c=colours[owner], alpha=0.5, linewidths=0, **values)
        drawing.colorbar(discs, ax=panels[:, 2], label="tempo (quarter notes per minute)", shrink=0.5)
        for panel in panels[:, 0]:
            panel.set_ylabel(f"second principal component ({explained[1]:.0%})")


def _legend(panel: "Axes", labels: Sequence[str]) -> NDArray[np.str_]:
    """The colour of each label: the most frequent ones differ, the rest are grey. Adds a legend below the panel."""
    counts = Counter(label for label in labels if label != UNKNOWN)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    own = ranked if len(ranked) <= len(COLOURS) else ranked[: len(COLOURS) - 1]
    colours = {label: colour for (label, _), colour in zip(own, COLOURS, strict=False)}
    rest = len(labels) - sum(count for _, count in own)
    entries = [(f"{label} ({count})", colours[label]) for label, count in own]
    entries += [(f"other or unknown ({rest})", FAINT)] if rest else []
    for text, colour in entries:
        panel.scatter([], [], s=50, color=colour, label=text)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
    return np.array([colours.get(label, FAINT) for label in labels])
