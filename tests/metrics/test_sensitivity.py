"""Must-fail: whoever claims to hear something has to notice when it is broken, and nobody else may.

By how much stands in docs/sensitivity.md, which this writes: `REGENERATE=1 pytest tests/metrics/test_sensitivity.py`.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from yardbird.data.corpus.compose import etudes
from yardbird.metrics.table import describe
from yardbird.music.score import Score

HARMONY = ("*chord_tone_rate", "harmony_margin", "changes_found", "enclosure_rate", "chromatic_approach_rate",
           "bebop_scale_run_rate", "arpeggio_rate")  # fmt: skip
PITCHES = ("pitch_entropy", "h1", "h4", "interval_*")
RHYTHM = ("rhythm_diversity", "bar_pattern_diversity", "grooving_similarity", "swing_ratio")
PHRASES = ("phrase_length_*",)
CHANGES = ("chord_progression_irregularity",)


def shuffled_notes(score: Score) -> Score:
    """The pitches in another order, each onset where it was."""
    notes = score.notes.copy()
    notes["pitch"] = np.random.default_rng(0).permutation(notes["pitch"])
    return replace(score, notes=notes)


def transposed_chords(score: Score) -> Score:
    """The changes a semitone higher, under the same notes."""
    return replace(score, chords=score.transposed(1).chords)


def straightened_rhythm(score: Score) -> Score:
    """The notes of each bar spread evenly over it."""
    bars = score.bar_of(score.onsets)
    first = np.searchsorted(bars, bars)  # the first note of each note's bar
    lengths = np.diff(np.append(score.bar_ticks, score.end_tick))[bars] // np.bincount(bars)[bars]
    notes = score.notes.copy()
    notes["onset_tick"] = score.bar_ticks[bars] + (np.arange(len(bars)) - first) * lengths
    notes["duration_tick"] = lengths
    return replace(score, notes=notes)


def swung_eighths(score: Score) -> Score:
    """Each eighth off the beat a triplet later than written."""
    notes = score.notes.copy()
    late = notes["onset_tick"] % score.ticks_per_beat == score.ticks_per_beat // 2
    notes["onset_tick"][late] += score.ticks_per_beat // 6
    notes["duration_tick"][late] -= np.minimum(score.ticks_per_beat // 6, notes["duration_tick"][late] - 1)
    return replace(score, notes=notes)


def closed_rests(score: Score) -> Score:
    """Every note as long as it is, at once after the one before."""
    notes = score.notes.copy()
    notes["onset_tick"] = np.cumsum(notes["duration_tick"]) - notes["duration_tick"]
    return replace(score, notes=notes)


def one_octave(score: Score) -> Score:
    """Every pitch in the octave from middle C."""
    notes = score.notes.copy()
    notes["pitch"] = 60 + notes["pitch"] % 12
    return replace(score, notes=notes)


def whole_tones(score: Score) -> Score:
    """Every odd pitch a semitone lower."""
    notes = score.notes.copy()
    notes["pitch"] -= notes["pitch"] % 2
    return replace(score, notes=notes)


def reordered_chords(score: Score) -> Score:
    """The same chords at the same places, in another order."""
    order = np.random.default_rng(0).permutation(len(score.chords))
    return replace(score, chords=tuple(replace(change, chord=score.chords[at].chord)
                                       for change, at in zip(score.chords, order, strict=True)))  # fmt: skip


#: Damage → (the metrics that have to move, those that may not move at all); of the others nothing is claimed.
DAMAGES: dict[Callable[[Score], Score], tuple[tuple[str, ...], tuple[str, ...]]] = {
    shuffled_notes: (
        ("interval_*", *HARMONY),
        ("pitch_entropy", *RHYTHM, *PHRASES, *CHANGES, "notes_per_bar"),
    ),
    transposed_chords: (
        ("*chord_tone_rate", "harmony_margin", "changes_found"),
        (*PITCHES, *RHYTHM, *PHRASES, *CHANGES, "notes_per_bar"),
    ),
    reordered_chords: (
        ("*chord_tone_rate", "harmony_margin", "changes_found", *CHANGES),
        (*PITCHES, *RHYTHM, *PHRASES, "notes_per_bar"),
    ),
    straightened_rhythm: (
        ("rhythm_diversity", "bar_pattern_diversity", "grooving_similarity"),
        (*PITCHES, *CHANGES, "notes_per_bar"),
    ),
    swung_eighths: (
        ("swing_ratio", "rhythm_diversity"),
        (*PITCHES, *HARMONY, *PHRASES, *CHANGES, "bar_pattern_diversity", "notes_per_bar"),
    ),
    closed_rests: (
        (*PHRASES, "rhythm_diversity", "bar_pattern_diversity", "chord_tone_rate"),
        ("pitch_entropy", "interval_*", *CHANGES, "notes_per_bar"),
    ),
    one_octave: (
        ("pitch_entropy", "interval_8_12"),
        ("h1", "h4", "*chord_tone_rate", "harmony_margin", "changes_found", *RHYTHM, *PHRASES, *CHANGES),
    ),
    whole_tones: (
        ("pitch_entropy", "h1", "h4", "interval_1", "interval_2", "chromatic_approach_rate"),
        (*RHYTHM, *PHRASES, *CHANGES, "notes_per_bar"),
    ),
}
LEAST = 0.5  # standard deviations of the solos by which a mean has to move
PAGE = Path(__file__).resolve().parents[2] / "docs/sensitivity.md"


@pytest.fixture(scope="module")
def solos() -> list[Score]:
    return [etude.score for etude in etudes(0, 24)]


@pytest.fixture(scope="module")
def tables(solos) -> dict[str, dict[str, np.ndarray]]:
    """Damage → metric → value of every solo."""

    def measured(scores):
        rows = [describe(score) for score in scores]
        return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}

    return {"as written": measured(solos)} | {
        damage.__name__: measured([damage(score) for score in solos]) for damage in DAMAGES
    }


def effect(tables, damage: str, metric: str) -> float:
    """How far the mean over solos moves, in standard deviations of the solos as written."""
    before, after = tables["as written"][metric], tables[damage][metric]
    moved, spread = np.nanmean(after - before), np.nanstd(before, ddof=1)
    return 0.0 if abs(moved) < 1e-12 else float(moved / spread) if spread else float(np.sign(moved) * np.inf)


@pytest.mark.parametrize("damage", [damage.__name__ for damage in DAMAGES])
def test_the_metric_that_claims_to_hear_it_moves_and_one_that_does_not_stays(tables, damage):
    heard, unheard = next(claims for function, claims in DAMAGES.items() if function.__name__ == damage)
    for metric in tables["as written"]:
        if any(fnmatch(metric, name) for name in heard):
            assert abs(effect(tables, damage, metric)) > LEAST, metric
        if any(fnmatch(metric, name) for name in unheard):
            assert effect(tables, damage, metric) == 0, metric


def test_every_metric_claims_to_hear_something(tables):
    claims = [name for heard, _ in DAMAGES.values() for name in heard]
    deaf = {metric for metric in tables["as written"] if not any(fnmatch(metric, name) for name in claims)}
    assert deaf == {"notes_per_bar"}  # no damage adds or takes notes


def test_the_page_tells_by_how_much(tables):
    lines = [
        "# What the metrics hear",
        "",
        f"Means over {len(tables['as written']['h1'])} built-in etudes, as written and damaged; in brackets, by",
        "how many standard deviations of the etudes as written the mean has moved (∞: these do not vary).",
        "`tests/metrics/test_sensitivity.py` writes this page, says what each damage is, and fails where a metric",
        "does not hear what it claims to hear, or hears what it should not.",
        "",
        f"| metric | {' | '.join(name.replace('_', ' ') for name in tables)} |",
        "|---|" + "---|" * len(tables),
    ]
    for metric, values in tables["as written"].items():
        cells = [f"{np.nanmean(values):.2f}"]
        for damage in list(tables)[1:]:
            moved = effect(tables, damage, metric)
            told = f"{moved:+.1f}".replace("inf", "∞").replace("-", "−") if moved else "0"
            cells.append(f"{np.nanmean(tables[damage][metric]):.2f} ({told})")
        lines.append(f"| {metric.replace('_', ' ')} | {' | '.join(cells)} |")
    page = "\n".join(lines) + "\n"
    if os.environ.get("REGENERATE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
