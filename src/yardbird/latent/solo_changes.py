"""Tabulates what a move in the latent space changed in a solo, in musical terms."""

from typing import Any

from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.metrics.harmony import chord_tone_rate
from yardbird.metrics.note_agreement import contour_kept, note_f1, rhythm_kept
from yardbird.music.score import Score


def changes(solo: Score, reconstruction: Score, moved: Score) -> list[dict[str, Any]]:
    """One row per measure with columns `solo`, `reconstruction`, `moved`: attributes, and how much of the solo is kept.

    All three are grid scores in one frame. `…_kept` compares with the solo itself; `…_kept_of_reconstruction` with the
    reconstruction of the unmoved solo. None if a measure is undefined.
    """
    scores = {"solo": solo, "reconstruction": reconstruction, "moved": moved}
    measures = {**ATTRIBUTES, "chord_tone_rate": chord_tone_rate}
    rows: list[dict[str, Any]] = [
        {"measure": name, **{which: measure(score) for which, score in scores.items()}}
        for name, measure in measures.items()
    ]
    for name, kept in {"rhythm_kept": rhythm_kept, "contour_kept": contour_kept, "notes_kept": note_f1}.items():
        rows.append({"measure": name, **{which: kept(solo, score) for which, score in scores.items()}})
        of_reconstruction = {which: kept(reconstruction, score) for which, score in scores.items()}
        rows.append({"measure": f"{name}_of_reconstruction", **of_reconstruction})
    return rows
