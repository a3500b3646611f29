"""The tab Move: moves a solo towards an artist or an attribute, and shows how well such moves work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from yardbird import files
from yardbird.errors import InputError
from yardbird.latent.direction_file import DIRECTIONS
from yardbird.latent.directions import Directions, more, restyler
from yardbird.latent.solo_changes import changes
from yardbird.latent.study import write_piece, write_table
from yardbird.latent.style_transfer import ENOUGH, INTERVALS, RANDOM, opening
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.music.score import Score
from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.studio_session import Chosen, Session

EXPLORED, EXPLORE = Path("data/explored"), Path("reports/explore.json")
MOST = 6.0  # the largest strength of a transfer: the stage explore measures up to 4


@dataclass(frozen=True, eq=False)
class Moved:
    """A moved solo, its reconstruction, and the rows of `changes` that compare them."""

    name: str
    origin: Chosen
    reconstruction: Score
    score: Score
    rows: Sequence[Mapping[str, Any]]
    asked: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def unchanged(self) -> bool:
        return bool(self.score.notes.tobytes() == self.reconstruction.notes.tobytes())


def artists() -> list[str]:
    """The artists that the stage explore measured moves between; none if it has not run."""
    file = EXPLORED / "transfer/transfer.csv"
    return sorted(pd.read_csv(file)["to"].unique()) if file.is_file() else []


def move(
    shelf: ModelShelf, session: Session, model: str | None, solo: Chosen, bars: int, to: str | None, strength: float,
    amounts: Mapping[str, float],
) -> Moved:  # fmt: skip
    """Move the first `bars` bars of a solo.

    Args:
        to: an artist, along a path of length `strength` in every window of the latent space.
        amounts: of attributes; 0 is no move.

    Raises:
        InputError: the file, the model or its directions are unusable.
    """
    family, provenance = shelf.vae(model)
    found = Directions.load(EXPLORED / DIRECTIONS, family)
    grid = family.codec.grid(opening(solo.read(), bars)).score
    (latent,) = family.encode([grid])
    moved = latent
    if to and strength:
        (moved,) = restyler(family, found, None, found.artist(to))([latent], strength)
    wanted = {name: amount for name, amount in amounts.items() if amount}
    if unknown := [name for name in wanted if name not in ATTRIBUTES]:
        expected = f"one of {', '.join(ATTRIBUTES)}"
        raise InputError("attribute", expected=expected, found=unknown[0], remedy="choose one of them")
    moved = more(family, found, moved, wanted, grid)
    reconstruction, score = family.decode([latent]) + family.decode([moved])
    asked = {"to": to if strength else None, "strength": strength if to else 0, "add": wanted, "bars": bars}
    rows = changes(grid, reconstruction, score)
    return Moved(session.new_name("moved"), solo, reconstruction, score, rows, asked, provenance)


def keep(session: Session, moved: Moved) -> None:
    """Write the moved solo and its reconstruction as .mid, .wav and .png, the changes, and the provenance."""
    stem = session.folder / moved.name
    write_piece(moved.score, stem, f"{moved.origin.name}, moved")
    before = stem.with_name(f"{stem.name}_reconstruction")
    write_piece(moved.reconstruction, before, f"{moved.origin.name}, reconstruction")
    write_table(stem.with_name(f"{stem.name}_changes.csv"), moved.rows)
    origin = {"solo": moved.origin.name, "sha256": files.sha256(moved.origin.path)}
    files.write_json(stem.with_name(f"{stem.name}.json"), {**origin, **moved.asked, "model": moved.provenance})
    session.keep(moved.name, {"made": "moved"})


@dataclass(frozen=True)
class Honesty:
    """How well a move works, as the stage explore measured it.

    Attributes:
        works: for an attribute, whether the effect is more than twice that of a random move; for an artist, whether a
            judge takes more than half of the moved solos for the artist's, and more than before and after random moves.
    """

    name: str
    works: bool
    words: str


def honesty_of_attributes() -> list[Honesty]:
    """For each attribute, its measured effect and side effect, from the stage explore; empty if it has not run."""
    file = EXPLORED / "arithmetic/arithmetic.csv"
    if not (file.is_file() and EXPLORE.is_file()):
        return []
    means = files.read_json(EXPLORE).get("music_vae", {}).get("arithmetic", {})
    table = pd.read_csv(file)
    found = []
    for name in ATTRIBUTES:
        forth, back = (table[(table["way"] == name) & (np.sign(table["strength"]) == sign)] for sign in (1, -1))
        if forth.empty or back.empty:
            continue
        effects = {other: float(forth[other].iloc[0] - back[other].iloc[0]) / 2 for other in ATTRIBUTES}
        side = max((other for other in ATTRIBUTES if other != name), key=lambda other: abs(effects[other]))
        kept = float(np.mean([forth["rhythm_kept"].iloc[0], back["rhythm_kept"].iloc[0]]))
        chance = float(means.get("random_effect", 0))
        words = (
            f"a move of 1 changes {name} by {_signed(effects[name])} standard deviations of real solos (a random move: "
            f"{chance:.2f}) and {side} by {_signed(effects[side])}; it keeps {kept:.0%} of the rhythm"
        )
        found.append(Honesty(name, effects[name] > chance, words))
    return found


def honesty_of_transfer() -> list[Honesty]:
    """For each artist, what a judge of style says at each strength, from the stage explore; empty if it has not run."""
    file = EXPLORED / "transfer/transfer.csv"
    if not (file.is_file() and EXPLORE.is_file()):
        return []
    auc = files.read_json(EXPLORE).get("music_vae", {}).get("transfer", {}).get("judge_auc")
    judge = f"a judge of style (AUC {auc:.2f} on held-out solos; 0.50 is chance)" if auc else "a judge of style"
    table, found = pd.read_csv(file), []
    for to in sorted(table["to"].unique()):
        rows: list[dict[str, Any]] = table[table["to"] == to].to_dict("records")
        own = {row["strength"]: row for row in rows if row["way"] == INTERVALS}
        half = [row for strength, row in own.items() if strength and row["rhythm_kept"] >= ENOUGH]
        if not half or 0 not in own:
            continue
        best = max(half, key=lambda row: float(row["verdict"]))
        same_length = [row for row in rows if row["way"].startswith(RANDOM) and row["strength"] == best["strength"]]
        chance = float(np.mean([row["verdict"] for row in same_length] or [0]))
        start, verdict = own[0]["verdict"], best["verdict"]
        words = (
            f"{judge} takes {start:.0%} of unmoved solos for {to}, {verdict:.0%} at strength {best['strength']:g}, and "
            f"{chance:.0%} after a random move of the same distance; {best['rhythm_kept']:.0%} of the rhythm is kept"
        )
        found.append(Honesty(to, verdict > max(chance, start, ENOUGH), words))
    return found


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
