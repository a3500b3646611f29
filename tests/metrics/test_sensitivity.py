"""Solos are damaged in a known way: metrics that must react do, and the others do not.

docs/sensitivity.md shows by how much. `REGENERATE=1 pytest -n 0 tests/metrics/test_sensitivity.py` writes it; the part
on real solos only if these are available.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from yardbird.data.etudes.compose import etudes
from yardbird.metrics.solo_metrics import LEAST_SPREAD, describe
from yardbird.music.score import Score

HARMONY = ("*chord_tone_rate", "harmony_margin", "changes_found", "enclosure_rate", "chromatic_approach_rate",
           "bebop_scale_run_rate", "arpeggio_rate")  # fmt: skip
PITCHES = ("pitch_entropy", "h1", "h4", "interval_*")
RHYTHM = ("rhythm_diversity", "bar_pattern_diversity", "grooving_similarity", "swing_ratio")
PHRASES = ("phrase_length_*",)
CHANGES = ("chord_progression_irregularity",)


def shuffled_notes(score: Score) -> Score:
    """Pitches in another order, onsets unchanged."""
    notes = score.notes.copy()
    notes["pitch"] = np.random.default_rng(0).permutation(notes["pitch"])
    return replace(score, notes=notes)


def transposed_chords(score: Score) -> Score:
    """Chords a semitone higher, notes unchanged."""
    return replace(score, chords=score.transposed(1).chords)


def straightened_rhythm(score: Score) -> Score:
    """Notes of each bar distributed evenly over it."""
    bars = score.bar_of(score.onsets)
    first = np.searchsorted(bars, bars)  # the first note of each note's bar
    lengths = np.diff(np.append(score.bar_ticks, score.end_tick))[bars] // np.bincount(bars)[bars]
    notes = score.notes.copy()
    notes["onset_tick"] = score.bar_ticks[bars] + (np.arange(len(bars)) - first) * lengths
    notes["duration_tick"] = lengths
    return replace(score, notes=notes)


def swung_eighths(score: Score) -> Score:
    """Off-beat eighths moved to the third triplet of the beat."""
    notes = score.notes.copy()
    late = notes["onset_tick"] % score.ticks_per_beat == score.ticks_per_beat // 2
    notes["onset_tick"][late] += score.ticks_per_beat // 6
    notes["duration_tick"][late] -= np.minimum(score.ticks_per_beat // 6, notes["duration_tick"][late] - 1)
    return replace(score, notes=notes)


def closed_rests(score: Score) -> Score:
    """Rests removed: each note starts at the end of the previous one."""
    notes = score.notes.copy()
    notes["onset_tick"] = np.cumsum(notes["duration_tick"]) - notes["duration_tick"]
    return replace(score, notes=notes)


def one_octave(score: Score) -> Score:
    """All pitches moved into the octave above middle C."""
    notes = score.notes.copy()
    notes["pitch"] = 60 + notes["pitch"] % 12
    return replace(score, notes=notes)


def whole_tones(score: Score) -> Score:
    """Odd pitches a semitone lower."""
    notes = score.notes.copy()
    notes["pitch"] -= notes["pitch"] % 2
    return replace(score, notes=notes)


def reordered_chords(score: Score) -> Score:
    """The same chords at the same places in another order."""
    order = np.random.default_rng(0).permutation(len(score.chords))
    return replace(score, chords=tuple(change._replace(chord=score.chords[at].chord)
                                       for change, at in zip(score.chords, order, strict=True)))  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """Metrics that must fall under a damage, those that must rise, and those that must not move."""

    falls: tuple[str, ...]
    rises: tuple[str, ...]
    stays: tuple[str, ...]

    def sign(self, metric: str) -> int | None:
        """The claimed direction of a metric, 0: does not move; None: no claim."""
        claims = {-1: self.falls, 1: self.rises, 0: self.stays}
        found = [sign for sign, names in claims.items() if any(fnmatch(metric, name) for name in names)]
        assert len(found) <= 1, f"{metric} is claimed to move in two directions"
        return found[0] if found else None


#: Nothing is claimed about metrics that are not listed.
DAMAGES: dict[Callable[[Score], Score], Claim] = {
    shuffled_notes: Claim(
        falls=("interval_1", "interval_2", "interval_3_4", *HARMONY),
        rises=("interval_0", "interval_5_7", "interval_8_12", "interval_over_12"),
        stays=("pitch_entropy", *RHYTHM, *PHRASES, *CHANGES, "notes_per_bar"),
    ),
    transposed_chords: Claim(
        falls=("*chord_tone_rate", "harmony_margin", "changes_found"),
        rises=(),
        stays=(*PITCHES, *RHYTHM, *PHRASES, *CHANGES, "notes_per_bar"),
    ),
    reordered_chords: Claim(
        falls=("*chord_tone_rate", "harmony_margin", "changes_found"),
        rises=CHANGES,
        stays=(*PITCHES, *RHYTHM, *PHRASES, "notes_per_bar"),
    ),
    straightened_rhythm: Claim(
        falls=("bar_pattern_diversity", "grooving_similarity"),
        rises=("rhythm_diversity",),
        stays=(*PITCHES, *CHANGES, "notes_per_bar"),
    ),
    swung_eighths: Claim(
        falls=(),
        rises=("swing_ratio", "rhythm_diversity"),
        stays=(*PITCHES, *HARMONY, *PHRASES, *CHANGES, "bar_pattern_diversity", "notes_per_bar"),
    ),
    closed_rests: Claim(
        falls=("rhythm_diversity", "chord_tone_rate"),
        rises=(*PHRASES, "bar_pattern_diversity"),
        stays=("pitch_entropy", "interval_*", *CHANGES, "notes_per_bar"),
    ),
    one_octave: Claim(
        falls=("pitch_entropy",),
        rises=("interval_8_12",),
        stays=("h1", "h4", "*chord_tone_rate", "harmony_margin", "changes_found", *RHYTHM, *PHRASES, *CHANGES),
    ),
    whole_tones: Claim(
        falls=("pitch_entropy", "h1", "h4", "interval_1", "chromatic_approach_rate"),
        rises=("interval_2",),
        stays=(*RHYTHM, *PHRASES, *CHANGES, "notes_per_bar"),
    ),
}
LEAST = 0.5  # standard deviations of the solos by which a mean has to move
PAGE = Path(__file__).resolve().parents[2] / "docs/sensitivity.md"
HEADING = "## Values of real solos"


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
    """Change of the mean over solos, in standard deviations of the original solos."""
    before, after = tables["as written"][metric], tables[damage][metric]
    moved, spread = np.nanmean(after - before), np.nanstd(before, ddof=1)
    return (
        0.0
        if abs(moved) < 1e-12
        else float(moved / spread)
        if spread > LEAST_SPREAD
        else float(np.sign(moved) * np.inf)
    )


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_metric_moves_as_claimed_and_one_that_must_not_move_stays(tables, damage):
    for metric in tables["as written"]:
        sign, moved = DAMAGES[damage].sign(metric), effect(tables, damage.__name__, metric)
        assert sign != 0 or moved == 0, metric
        assert not sign or sign * moved > LEAST, metric


def test_every_metric_reacts_to_some_damage(tables):
    deaf = {metric for metric in tables["as written"] if not any(claim.sign(metric) for claim in DAMAGES.values())}
    assert deaf == {"notes_per_bar"}  # no damage adds or takes notes


def test_the_page_shows_by_how_much(tables):
    lines = [
        "# Sensitivity of the metrics",
        "",
        f"Means over {len(tables['as written']['h1'])} built-in etudes, original and damaged. In brackets: change of",
        "the mean in standard deviations of the original etudes (∞: they do not vary). An arrow is a claim:",
        f"↑ must rise and ↓ must fall by more than {LEAST} standard deviations. [Metrics](metrics.md) has definitions.",
        "`tests/metrics/test_sensitivity.py` writes this page, and fails if a metric does not react as claimed.",
        "",
        *(f"- **{damage.__name__.replace('_', ' ')}**: {damage.__doc__}" for damage in DAMAGES),
        "",
        f"| metric | {' | '.join(name.replace('_', ' ') for name in tables)} |",
        "|---|" + "---|" * len(tables),
    ]
    for metric, values in tables["as written"].items():
        cells = [f"{np.nanmean(values):.2f}"]
        for damage, claim in DAMAGES.items():
            moved = effect(tables, damage.__name__, metric)
            shown_change = plain(f"{moved:+.1f}") if moved else "0"
            arrow = {-1: " ↓", 1: " ↑"}.get(claim.sign(metric) or 0, "")
            cells.append(f"{np.nanmean(tables[damage.__name__][metric]):.2f} ({shown_change}{arrow})")
        lines.append(f"| {metric.replace('_', ' ')} | {' | '.join(cells)} |")
    hold("\n".join(lines) + "\n\n", of_real_solos=False)


#: Metrics shown for real solos on the page; and means that Parker's timed solos had in an earlier measurement.
SHOWN = (
    "swing_ratio", "bar_pattern_diversity", "chromatic_approach_rate", "bebop_scale_run_rate", "arpeggio_rate",
)  # fmt: skip
EARLIER = {
    "chord_tone_rate": 0.53, "on_beat_chord_tone_rate": 0.57, "enclosure_rate": 0.095,
    "chord_progression_irregularity": 0.49,
}  # fmt: skip
EDITIONS = {
    "Parker, scores": ("parker/omnibook", "parker/kern"),
    "Parker, timed": ("parker/wjazzd",),
    "Coltrane, timed": ("coltrane/wjazzd",),
}


def test_the_page_shows_the_values_of_real_solos(real_solos):
    tables = {name: [describe(score) for key in keys for score in real_solos[key]] for name, keys in EDITIONS.items()}
    scores, timed, coltrane = tables.values()
    lines = [
        HEADING,
        "",
        f"Transcribed solos that are not in this repository: {len(scores)} of Parker as scores",
        f"({len(real_solos['parker/omnibook'])} of the Omnibook, {len(real_solos['parker/kern'])} of jazzodata), "
        f"{len(timed)} of Parker and {len(coltrane)} of Coltrane as timed",
        "performances (Weimar Jazz Database). Mean (10th to 90th percentile), and the number of solos if some",
        "have no value. Scores write swung eighths as even",
        "ones, and bars of timed performances hardly ever repeat exactly: compare like with like.",
        "",
        f"| metric | {' | '.join(tables)} |",
        "|---|" + "---|" * len(tables),
    ]
    for metric in SHOWN:
        cells = []
        for table in tables.values():
            values = known(table, metric)
            low, high = np.quantile(values, [0.1, 0.9])
            number = "" if len(values) == len(table) else f", {len(values)} solos"
            cells.append(f"{values.mean():.3f} ({low:.3f}–{high:.3f}){number}")
        lines.append(f"| {metric.replace('_', ' ')} | {' | '.join(cells)} |")
    entropies = known([*scores, *timed], "pitch_entropy")
    low, high = np.quantile(entropies, [0.1, 0.9])
    lines += [
        "",
        f"Pitch entropy of Parker's {len(entropies)} solos: {low:.2f} to {high:.2f} (10th to 90th percentile).",
    ]
    hold("\n".join(lines) + "\n", of_real_solos=True)


def test_timed_solos_of_parker_agree_with_an_earlier_measurement(real_solos):
    """11 of the 17 solos of the database are available: their means may differ by two standard errors."""
    timed = [describe(score) for score in real_solos["parker/wjazzd"]]
    for metric, earlier in EARLIER.items():
        values = known(timed, metric)
        errors = (values.mean() - earlier) / (values.std(ddof=1) / np.sqrt(len(values)))
        assert abs(errors) < 2, metric


def known(table: list[dict[str, float | None]], metric: str) -> np.ndarray:
    return np.array([row[metric] for row in table if row[metric] is not None])


def plain(number: str) -> str:
    return number.replace("inf", "∞").replace("-", "−")


def hold(text: str, *, of_real_solos: bool) -> None:
    """Check that this part of the page equals the measurement; with REGENERATE, write this part only."""
    if os.environ.get("REGENERATE"):
        damaged, _, real = PAGE.read_text(encoding="utf-8").partition(HEADING)
        PAGE.write_text(damaged + text if of_real_solos else text + HEADING + real, encoding="utf-8")
    damaged, heading, real = PAGE.read_text(encoding="utf-8").partition(HEADING)
    assert (heading + real if of_real_solos else damaged) == text
