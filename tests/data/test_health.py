"""The measurements of solos and sources, and the findings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from solo_rows import row, solo

from yardbird.data.findings import KINDS
from yardbird.data.health import (
    GRIDS,
    Finding,
    Health,
    Limits,
    edition_of,
    examine,
    grid_losses,
    read_limits,
    summarise,
)
from yardbird.data.manifest import SoloRow
from yardbird.data.validate_config import ValidateConfig
from yardbird.data.validation import validate
from yardbird.music.score import Score, Tempo, make_notes

LIMITS = Limits(steps_per_beat=12, tempo_range=(40, 360), linked_share=0.11)
VALIDATE = ValidateConfig("set_aside", (20, 600), (36, 96), 1, 0.8)


def examined(scores: dict[str, Score], **changes: dict[str, object]) -> Health:
    rows = [filled(name, score, **changes.get(name.partition("/")[2], {})) for name, score in scores.items()]
    return examine(rows, scores, validate(rows, scores, VALIDATE), LIMITS)


def filled(name: str, score: Score, **changes: object) -> SoloRow:
    own = {"notes": len(score.notes), "bars": score.bar_count, "qpm": score.mean_qpm}
    return replace(row(name), **{**own, **changes})


def kinds(health: Health, where: str) -> dict[str, str]:
    return {finding.kind: finding.detail for finding in health.findings if finding.where == where}


def test_one_of_two_notes_on_one_step_is_lost_and_the_onset_error_is_in_milliseconds():
    notes = make_notes([(0, 20, 60, 90), (20, 20, 62, 90), (480, 20, 64, 90), (840, 20, 65, 90)])
    losses = grid_losses(Score(480, notes, 1920, (Tempo(0, 120.0),)))
    assert [loss.steps_per_beat for loss in losses] == list(GRIDS)
    four, *_, finest = losses
    assert (four.notes, four.lost, four.moved) == (4, 1, 1)
    assert four.error_ms == pytest.approx(20 / 480 * 500 / 4, abs=1e-3)  # a beat lasts 500 ms
    assert (finest.lost, finest.moved) == (0, 0)


def test_the_losses_of_a_grid_agree_with_a_plain_count_of_the_steps():
    rng = np.random.default_rng(3)
    onsets = np.sort(rng.choice(9600, 200, replace=False)).tolist()
    gaps = np.diff([*onsets, 9600]).tolist()
    score = Score(480, make_notes([(at, gap, 60, 90) for at, gap in zip(onsets, gaps, strict=True)]), 9600)
    for loss in grid_losses(score):
        steps = {min((2 * at * loss.steps_per_beat + 480) // 960, 20 * loss.steps_per_beat - 1) for at in onsets}
        assert loss.lost == 200 - len(steps)


@pytest.mark.parametrize(
    ("ticks_per_beat", "onsets", "edition"),
    [
        (480, [0, 240, 480, 640, 800, 960, 1080], "written"),  # eighths, triplets, a sixteenth
        (480, [0, 239, 481, 640, 801, 960, 1080], "written"),  # to a tick
        (480, [7, 259, 467, 655, 818, 993, 1107], "timed"),
        (24, [0, 12, 24, 32, 40, 48, 54], "written"),
        (24, [1, 13, 23, 35, 41, 49, 55], "timed"),
    ],
)
def test_onsets_exactly_on_divisions_of_the_beat_mean_a_written_edition(ticks_per_beat, onsets, edition):
    assert edition_of(Score(ticks_per_beat, make_notes([(at, 5, 60, 90) for at in onsets]), 1200)) == edition


def test_real_editions_are_recognised(real_solos):
    for name, score in real_solos.items():
        assert edition_of(score) == ("timed" if "wjazzd" in name else "written"), name


def test_the_same_solo_is_found_in_two_sources_in_two_keys_and_in_part():
    first, other = solo(1, notes=80), solo(2, notes=80)
    half = replace(other, notes=np.concatenate([first.notes[:40], other.notes[40:]]))
    scores = {"a/one": first, "b/one": first, "b/two": first.transposed(3), "b/half": half, "b/other": other}
    same = {"content_hash": "x", "interval_hash": "y"}
    health = examined(scores, one=same, two={"interval_hash": "y"})
    assert kinds(health, "b/one")["duplicate"] == "the same notes as a/one"
    assert kinds(health, "b/two")["transposed_copy_of"] == "a/one"
    assert kinds(health, "b/half")["near_duplicate"] == "43% of the runs of ten intervals are in b/two"
    assert "near_duplicate" in kinds(health, "b/other")
    assert kinds(health, "a/one") == {}


def test_flags_counts_and_tempos_become_findings_with_their_numbers():
    slow = replace(solo(1), tempos=(Tempo(0, 30.0),))
    flags = "unread_chords:3|polyphonic|new_flag:7"
    health = examined({"a/slow": slow}, slow={"flags": flags, "reduced_notes": 5, "trimmed_overlaps": 2})
    assert kinds(health, "a/slow") == {
        "unread_chords": "3",
        "polyphonic": "5 notes left out",
        "new_flag": "7",
        "trimmed_overlaps": "2 notes",
        "tempo_outside": "30 qpm, outside 40 … 360",
    }


def test_a_grid_that_loses_many_notes_is_a_finding():
    notes = make_notes([(30 * place, 30, 60 + place % 12, 90) for place in range(200)])
    health = examined({"a/fast": Score(480, notes, 6000)}, fast={"chord_coverage": 1.0})
    assert kinds(health, "a/fast")["grid_loss"] == "50 of 200 notes (25.0%) at 12 steps a beat"


def test_a_source_that_mixes_editions_is_found_and_measured():
    notes = solo(2).notes.copy()
    notes["onset_tick"] += np.random.default_rng(0).integers(0, 40, len(notes))
    health = examined({"a/written": solo(1), "a/timed": replace(solo(2), notes=notes)})
    (source,) = health.sources
    assert source.editions == {"timed": 1, "written": 1}
    assert (source.solos, source.notes, source.pitches) == (2, 80, (55, 75))
    assert kinds(health, "a") == {"mixed_editions": "1 timed, 1 written"}


def test_a_solo_with_an_error_is_found_but_not_measured():
    health = examined({"a/good": solo(1), "a/bad": solo(2)}, bad={"artist": ""})
    assert [own.row.solo for own in health.solos] == ["a/good"]
    assert kinds(health, "a/bad") == {"artist_present": "expected that every solo has: artist"}


def test_missing_chords_are_found_once():
    bare = replace(solo(1), chords=())
    health = examined({"a/bare": bare}, bare={"flags": "no_chords", "chord_coverage": 0.0})
    assert kinds(health, "a/bare") == {"no_chords": ""}


def test_the_summary_has_the_most_severe_first_then_the_most_frequent():
    found = [
        Finding("key_estimated", "a"), Finding("key_estimated", "b"), Finding("no_chords", "a"),
        Finding("unread_chords", "a", "1"), Finding("unread_chords", "b", "2"), Finding("rejected", "c"),
    ]  # fmt: skip
    summary = summarise(found)
    assert [entry["kind"] for entry in summary] == ["rejected", "unread_chords", "no_chords", "key_estimated"]
    assert summary[1] == {
        "kind": "unread_chords",
        "severity": "warning",
        "pipeline": KINDS["unread_chords"].pipeline,
        "remedy": KINDS["unread_chords"].remedy,
        "count": 2,
        "where": ["a", "b"],
    }


def test_the_limits_are_those_of_the_stages(root: Path):
    assert read_limits(root / "params.yaml") == LIMITS
