"""The tab Between: nine solos from one to another, in even steps of the latent space of a MusicVAE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from yardbird import files
from yardbird.latent.interpolation import PATHS, decode_path, steps_table
from yardbird.latent.study import write_piece, write_table
from yardbird.latent.style_transfer import opening
from yardbird.music.score import Score
from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.studio_session import Chosen, Session
from yardbird.time_budget import check_time

STEPS = 9


@dataclass(frozen=True, eq=False)
class Between:
    """The steps, both ends included, and the row of `steps_table` for each."""

    name: str
    ends: tuple[Chosen, Chosen]
    bars: int
    path: str
    scores: Sequence[Score]
    rows: Sequence[Mapping[str, Any]]
    provenance: Mapping[str, Any]


def between(
    shelf: ModelShelf, session: Session, model: str | None, a: Chosen, b: Chosen, bars: int,
    path: Literal["linear", "spherical"],
) -> Between:  # fmt: skip
    """Draw the steps between the first `bars` bars of two solos.

    Raises:
        InputError: a file or the model is unusable.
    """
    family, provenance = shelf.vae(model)
    start, stop = family.encode([opening(end.read(), bars) for end in (a, b)])
    scores = decode_path(family, start, stop, STEPS, PATHS[path])
    return Between(session.new_name("between"), (a, b), bars, path, scores, steps_table(scores), provenance)


def keep(session: Session, found: Between) -> None:
    """Write every step as .mid, .wav and .png, steps.csv, and the provenance as .json."""
    folder = session.folder / found.name
    for number, score in enumerate(found.scores, 1):
        check_time()
        title = f"{found.ends[0].name} → {found.ends[1].name}, step {number} of {STEPS}"
        write_piece(score, folder / f"step_{number:02d}", title)
    write_table(folder / "steps.csv", found.rows)
    ends = [{"solo": end.name, "sha256": files.sha256(end.path)} for end in found.ends]
    asked = {"from": ends[0], "to": ends[1], "bars": found.bars, "path": found.path, "steps": STEPS}
    files.write_json(session.folder / f"{found.name}.json", {**asked, "model": found.provenance})
    session.keep(found.name, {"made": "between"})
