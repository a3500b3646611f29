"""Validation of ingested solos. The checks are in `expectations`, which is imported only when they run."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tqdm import tqdm

from yardbird import files
from yardbird.data.manifest import SetAside, SoloRow
from yardbird.data.validate_config import ValidateConfig
from yardbird.errors import InputError
from yardbird.music.midi import read_score
from yardbird.music.score import Score

if TYPE_CHECKING:
    from yardbird.data.expectations import Outcome

#: The number of solos that a message names; the Data Docs name all.
_NAMED = 10


@dataclass(frozen=True)
class Verdict:
    """The result of validation; `outcomes` has one entry for every expectation, including those that were met."""

    solos: int
    notes: int
    outcomes: "Sequence[Outcome]"

    def broken(self, severity: str) -> "list[Outcome]":
        """The expectations of a severity, `error` or `warning`, that at least one solo fails."""
        return [outcome for outcome in self.outcomes if outcome.severity == severity and outcome.solos]

    def count(self, severity: str) -> int:
        """The number of failed expectations, each counted once for every solo that fails it."""
        return sum(len(outcome.solos) for outcome in self.broken(severity))

    def set_aside(self) -> list[SetAside]:
        """The solos with an error, sorted by id, each with all the expectations that it fails."""
        reasons: dict[str, list[str]] = {}
        for outcome in self.broken("error"):
            for solo in outcome.solos:
                reasons.setdefault(solo, []).append(f"{outcome.name}: expected that {outcome.description}")
        return [SetAside(solo, "; ".join(reasons[solo])) for solo in sorted(reasons)]

    def metrics(self) -> dict[str, int]:
        """Totals, then the number of solos for each warning."""
        warnings = {outcome.name: len(outcome.solos) for outcome in self.outcomes if outcome.severity == "warning"}
        totals = {"solos": self.solos, "notes": self.notes, "expectations": len(self.outcomes)}
        totals |= {"errors": self.count("error"), "set_aside": len(self.set_aside())}
        return totals | {"warnings": self.count("warning")} | warnings

    def lines(self, severity: str) -> list[str]:
        """One line for each failed expectation: its description, and the solos that fail it."""
        return [
            f"{severity}: {outcome.name}: expected that {outcome.description}; failed by: {_name(outcome.solos)}"
            for outcome in self.broken(severity)
        ]


def _name(solos: Sequence[str]) -> str:
    rest = f" and {len(solos) - _NAMED} more" if len(solos) > _NAMED else ""
    return ", ".join(solos[:_NAMED]) + rest


def read_scores(rows: Sequence[SoloRow], ingested: Path) -> dict[str, Score]:
    """The scores of ingested solos by id.

    Raises:
        InputError: a score is missing or unreadable.
    """
    progress = tqdm(rows, desc="reading scores", unit="solo", leave=False)
    return {row.solo: read_score(files.within(ingested, row.path)) for row in progress}


def validate(
    rows: Sequence[SoloRow], scores: Mapping[str, Score], config: ValidateConfig, docs: Path | None = None
) -> Verdict:
    """Check ingested solos against all expectations; replace the Data Docs (HTML) in `docs`, if given."""
    from yardbird.data import expectations

    manifest, notes = pd.DataFrame(map(asdict, rows)), note_table(scores)
    if docs is not None:
        shutil.rmtree(docs, ignore_errors=True)
    outcomes = expectations.check_tables(
        {
            "manifest": (_with_scores(manifest, scores), expectations.manifest_expectations(config)),
            "notes": (notes, expectations.note_expectations(config)),
        },
        docs,
    )
    return Verdict(len(manifest), len(notes), outcomes)


def refuse(verdict: Verdict, config: ValidateConfig, ingested: Path, docs: Path) -> None:
    """Stop the pipeline if `on_error` is `stop` and there is an error, or if every solo is set aside.

    Raises:
        InputError: one of the two is the case.
    """
    errors = verdict.broken("error")
    if not errors or (config.on_error == "set_aside" and len(verdict.set_aside()) < verdict.solos):
        return
    expected = "solos without errors" if config.on_error == "stop" else "at least one solo without errors"
    found = ", ".join(f"{outcome.name} ({len(outcome.solos)})" for outcome in errors)
    remedy = f"fix the files named above; {docs}/index.html shows all"
    raise InputError(ingested, expected=expected, found=found, remedy=remedy)


def note_table(scores: Mapping[str, Score]) -> pd.DataFrame:
    """One row per note, sorted by solo and onset."""
    tables = [pd.DataFrame({"solo": solo, **_columns(score)}) for solo, score in scores.items()]
    return pd.concat(tables, ignore_index=True)


def _columns(score: Score) -> dict[str, object]:
    return {name: score.notes[name] for name in score.notes.dtype.names or ()}


def _with_scores(manifest: pd.DataFrame, scores: Mapping[str, Score]) -> pd.DataFrame:
    """The manifest with the columns that the scores provide."""
    in_order = [scores[solo] for solo in manifest["solo"]]
    return manifest.assign(
        score_notes=[len(score.notes) for score in in_order],
        slowest_qpm=[min(tempo.qpm for tempo in score.tempos) for score in in_order],
        fastest_qpm=[max(tempo.qpm for tempo in score.tempos) for score in in_order],
    )
