"""The health of a corpus: notes lost on the grids, duplicates, and findings about each file."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from yardbird.config import PARAMS, read_section
from yardbird.data.findings import SAID_BY, explain, kind_of, rank
from yardbird.data.manifest import SoloRow
from yardbird.data.splitting import interval_grams, linked
from yardbird.data.validation import Verdict
from yardbird.music.grid import quantise
from yardbird.music.score import Score
from yardbird.music.swing import swing_ratio
from yardbird.progress import progress

Edition = Literal["written", "timed"]
#: Steps a beat. The models' own grid, `encode.*.steps_per_beat`, is 12 by default.
GRIDS = (4, 8, 12, 16, 24)
#: At least 97 % of the onsets of a written solo are on twelfths or eighths of the beat, and at most 16 % of those of a
#: performance (measured on 47 written and 445 timed solos).
_WRITTEN = 0.9
#: A grid that loses more than this share of the notes is a finding. At 12 steps, Parker's performances lose 0.65 %.
_GRID_LOSS = 0.02
_FINEST_JITTER = 96  # ticks per beat; from here on, a rounding error of a tick is less than a grid step


@dataclass(frozen=True)
class Limits:
    """The limits that the stages after ingest set for a solo, from their sections of params.yaml."""

    steps_per_beat: int  # of the models' grid
    tempo_range: tuple[float, ...]  # of the models, in quarter notes a minute
    linked_share: float


@dataclass(frozen=True)
class GridLoss:
    """The effect of a grid on a solo or a source."""

    steps_per_beat: int
    notes: int
    lost: int  # notes on a step that is already taken
    moved: int  # notes that do not start on a step
    error_ms: float  # mean distance of the onsets from their steps

    @property
    def lost_share(self) -> float:
        return self.lost / max(1, self.notes)


@dataclass(frozen=True)
class Finding:
    """One finding about one solo, file or source: `kind` is a key of `KINDS`, `detail` gives the amount or the name."""

    kind: str
    where: str
    detail: str = ""


@dataclass(frozen=True)
class SoloHealth:
    """The measurements of a solo."""

    row: SoloRow
    grids: tuple[GridLoss, ...]  # one for each of `GRIDS`
    edition: Edition
    swing: float | None  # ratio of two eighths, of a timed solo


@dataclass(frozen=True)
class SourceHealth:
    """The measurements of a source."""

    name: str
    solos: int
    notes: int
    grids: tuple[GridLoss, ...]
    editions: Mapping[str, int]
    swing: float | None  # median of its timed solos
    qpm: tuple[float, float, float]  # lowest, median, highest mean tempo
    pitches: tuple[int, int]


@dataclass(frozen=True)
class Health:
    """The measurements of a corpus: its sources, its solos in the order of the rows, and all findings."""

    sources: tuple[SourceHealth, ...]
    solos: tuple[SoloHealth, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The sources and the findings, for JSON; solos appear only by name, in the findings."""
        sources = {source.name: asdict(source) for source in self.sources}
        return {"sources": sources, "findings": summarise(self.findings)}


def read_limits(path: Path = PARAMS) -> Limits:
    """Read the limits from the sections `encode.events` and `split` of params.yaml."""
    tempo_range: Any = tuple[float, ...]
    return Limits(
        steps_per_beat=read_section("encode.events.steps_per_beat", int, path),
        tempo_range=read_section("encode.events.tempo_range", tempo_range, path),
        linked_share=read_section("split.linked_share", float, path),
    )


def examine(rows: Sequence[SoloRow], scores: Mapping[str, Score], verdict: Verdict, limits: Limits) -> Health:
    """Measure ingested solos, one by one and as a corpus; for a solo with an error, report only the error.

    Args:
        scores: the scores by id.
        verdict: the result of stage validate for the same solos.
    """
    broken = {solo.solo for solo in verdict.set_aside()}
    sound = [row for row in rows if row.solo not in broken]
    solos = tuple(_measure(row, scores[row.solo]) for row in progress(sound, doing="examine", unit="solo"))
    found: dict[str, list[Finding]] = {row.solo: [] for row in rows}
    single = (finding for solo in solos for finding in _single(solo, limits))
    for finding in (*_expectations(verdict, rows, scores), *single, *_alike(sound, scores, limits)):
        found[finding.where].append(finding)
    names = sorted({row.source for row in sound})
    sources = tuple(_source(name, [solo for solo in solos if solo.row.source == name], scores) for name in names)
    of_solos = (finding for findings in found.values() for finding in findings)
    return Health(sources, solos, (*_of_sources(sources), *of_solos))


def summarise(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """One entry per kind, the most severe first, then the most frequent: its explanation and where it was found."""
    places: dict[str, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.kind, []).append(finding.where)
    unique = {kind: list(dict.fromkeys(where)) for kind, where in places.items()}
    ranked = sorted(unique, key=lambda kind: (rank(kind), -len(unique[kind]), kind))
    return [
        {"kind": kind, **asdict(explain(kind)), "count": len(unique[kind]), "where": unique[kind]} for kind in ranked
    ]


def grid_losses(score: Score) -> tuple[GridLoss, ...]:
    """The effect of each of `GRIDS` on a score."""
    losses = []
    for steps in GRIDS:
        places = score.onsets * steps / score.ticks_per_beat
        off = np.abs(places - np.rint(places)) / steps  # in beats
        error_ms = float(off.mean()) * 60_000 / score.mean_qpm
        lost = quantise(score, steps).merged_notes
        losses.append(GridLoss(steps, len(score.notes), lost, int(np.count_nonzero(off)), round(error_ms, 3)))
    return tuple(losses)


def edition_of(score: Score) -> Edition:
    """`written` if the onsets are within a tick of twelfths or eighths of the beat; `timed` for a performance.

    Below 96 ticks per beat, a tick is more than a rounding error, so the onsets must match exactly.
    """
    tolerance = int(score.ticks_per_beat >= _FINEST_JITTER)
    off = np.full(len(score.onsets), np.inf)  # in ticks
    for steps in (8, 12):
        places = score.onsets * steps / score.ticks_per_beat
        off = np.minimum(off, np.abs(places - np.rint(places)) * score.ticks_per_beat / steps)
    return "written" if np.mean(off <= tolerance + 1e-6) >= _WRITTEN else "timed"


def _measure(row: SoloRow, score: Score) -> SoloHealth:
    edition = edition_of(score)
    return SoloHealth(row, grid_losses(score), edition, swing_ratio(score) if edition == "timed" else None)


def _expectations(verdict: Verdict, rows: Sequence[SoloRow], scores: Mapping[str, Score]) -> Iterator[Finding]:
    by_id = {row.solo: row for row in rows}
    for outcome in verdict.outcomes:
        for solo in outcome.solos:
            without_chords = outcome.name == "chord_coverage" and not scores[solo].chords  # ingest has flagged it
            if outcome.name not in SAID_BY and not without_chords:
                detail = _detail(outcome.name, by_id[solo], scores[solo])
                yield Finding(outcome.name, solo, detail or f"expected that {outcome.description}")


def _detail(name: str, row: SoloRow, score: Score) -> str:
    """The measured value; empty if the text of the expectation is enough."""
    tempos = [tempo.qpm for tempo in score.tempos]
    details = {
        "tempo": f"{row.qpm:.4g} qpm",
        "slowest_moment": f"{min(tempos):.4g} qpm",
        "fastest_moment": f"{max(tempos):.4g} qpm",
        "length": f"{row.bars} bars",
        "range": f"MIDI pitches {score.pitches.min()} … {score.pitches.max()}" if len(score.notes) else "",
        "chord_coverage": f"{row.chord_coverage:.0%} of the notes are under a chord",
        "unended_notes": f"{row.unended_notes} notes",
    }
    return details.get(name, "")


def _single(solo: SoloHealth, limits: Limits) -> Iterator[Finding]:
    """The findings in the row and the measurements of one solo."""
    row = solo.row
    for flag in filter(None, row.flags.split("|")):
        detail = f"{row.reduced_notes} notes left out" if flag == "polyphonic" else flag.removeprefix(kind_of(flag))
        yield Finding(kind_of(flag), row.solo, detail.lstrip(": "))
    if row.trimmed_overlaps:
        yield Finding("trimmed_overlaps", row.solo, f"{row.trimmed_overlaps} notes")
    slowest, fastest = limits.tempo_range
    if not slowest <= row.qpm <= fastest:
        yield Finding("tempo_outside", row.solo, f"{row.qpm:.4g} qpm, outside {slowest:g} … {fastest:g}")
    for loss in solo.grids:
        if loss.steps_per_beat == limits.steps_per_beat and loss.lost_share > _GRID_LOSS:
            found = f"{loss.lost} of {loss.notes} notes ({loss.lost_share:.1%}) at {loss.steps_per_beat} steps a beat"
            yield Finding("grid_loss", row.solo, found)


def _alike(rows: Sequence[SoloRow], scores: Mapping[str, Score], limits: Limits) -> Iterator[Finding]:
    """Pairs of solos, each reported at the later one: the same notes, the same intervals, or many intervals shared."""
    first_content: dict[str, SoloRow] = {}
    first_intervals: dict[str, SoloRow] = {}
    reported: set[tuple[str, str]] = set()
    for row in rows:
        same = first_content.setdefault(row.content_hash, row)
        moved = first_intervals.setdefault(row.interval_hash, row)
        if same is not row:
            yield Finding("duplicate", row.solo, f"the same notes as {same.solo}")
        elif moved is not row and "transposed_copy_of" not in row.flags:  # ingest flags those of one source
            yield Finding("transposed_copy_of", row.solo, moved.solo)
        reported |= {(same.solo, row.solo), (moved.solo, row.solo)}
    grams = {row.solo: interval_grams(scores[row.solo].pitches) for row in rows}
    order = {row.solo: place for place, row in enumerate(rows)}
    for pair in linked(grams, limits.linked_share):
        early, late = sorted(pair, key=order.__getitem__)
        if (early, late) not in reported:
            share = len(grams[early] & grams[late]) / min(len(grams[early]), len(grams[late]))
            yield Finding("near_duplicate", late, f"{share:.0%} of the runs of ten intervals are in {early}")


def _source(name: str, solos: Sequence[SoloHealth], scores: Mapping[str, Score]) -> SourceHealth:
    notes = sum(solo.row.notes for solo in solos)
    swings = [solo.swing for solo in solos if solo.swing is not None]
    tempos = [solo.row.qpm for solo in solos]
    pitches = [scores[solo.row.solo].pitches for solo in solos]
    return SourceHealth(
        name=name,
        solos=len(solos),
        notes=notes,
        grids=tuple(_together(losses) for losses in zip(*(solo.grids for solo in solos), strict=True)),
        editions=dict(sorted(Counter[str](solo.edition for solo in solos).items())),
        swing=round(statistics.median(swings), 3) if swings else None,
        qpm=(min(tempos), round(statistics.median(tempos), 3), max(tempos)),
        pitches=(int(min(own.min() for own in pitches)), int(max(own.max() for own in pitches))),
    )


def _together(losses: Sequence[GridLoss]) -> GridLoss:
    notes = sum(loss.notes for loss in losses)
    error = sum(loss.error_ms * loss.notes for loss in losses) / max(1, notes)
    lost, moved = sum(loss.lost for loss in losses), sum(loss.moved for loss in losses)
    return GridLoss(losses[0].steps_per_beat, notes, lost, moved, round(error, 3))


def _of_sources(sources: Sequence[SourceHealth]) -> Iterator[Finding]:
    for source in sources:
        if len(source.editions) > 1:
            counts = ", ".join(f"{count} {edition}" for edition, count in source.editions.items())
            yield Finding("mixed_editions", source.name, counts)
