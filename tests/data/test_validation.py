"""A corpus in which every solo fails one expectation, and a corpus that fails none."""

import dataclasses
import html
import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from opened_page import CHROMIUM, opened

from yardbird import files
from yardbird.config import read_params
from yardbird.data.manifest import SetAside, SoloRow, read_solos
from yardbird.data.validate_config import ValidateConfig
from yardbird.data.validation import Verdict, note_table, read_scores, validate
from yardbird.errors import ConfigError, InputError
from yardbird.music.midi import write_score
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.tables.copies_table import read_copies
from yardbird.tables.typed_table import read_table, write_table

CONFIG = ValidateConfig(
    on_error="set_aside", qpm_range=(40.0, 400.0), pitch_range=(36, 96), min_bars=4, min_chord_coverage=0.8
)


def validate_folder(ingested: Path, docs: Path | None = None, sources: tuple[str, ...] = ("mine",)) -> Verdict:
    rows = read_solos(ingested, sources)
    return validate(rows, read_scores(rows, ingested), CONFIG, docs)


def add_solo(ingested: Path, stem: str, score: Score, **changes: object) -> None:
    """Add a solo to the source `mine` as the ingest stage would, with `changes` to its row."""
    path = f"mine/scores/{stem}.mid"
    write_score(score, ingested / path)
    row = SoloRow(
        solo=f"mine/{stem}", path=path, source="mine", file=f"{stem}.mid", artist="Ann", title=stem, tune_group=stem,
        key="C major", form="", licence="", notes=len(score.notes), bars=score.bar_count, seconds=score.seconds,
        qpm=score.mean_qpm, chord_coverage=1.0, content_hash=stem, interval_hash=stem, program=65, trimmed_overlaps=0,
        reduced_notes=0, unended_notes=0, part="", parts_left="", notes_left=0, flags="",
    )  # fmt: skip
    manifest = ingested / "mine" / "manifest.csv"
    earlier = read_solos(ingested, ["mine"]) if manifest.exists() else []
    write_table(manifest, SoloRow, [*earlier, dataclasses.replace(row, **changes)])


@pytest.fixture(scope="module")
def sound() -> Score:
    notes = [(place * 240, 240, 60 + place % 12, 80) for place in range(32)]
    return Score(480, make_notes(notes), 7680)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, sound: Score) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("clean")
    for stem in ("one", "two"):
        add_solo(folder / "ingested", stem, sound)
    return folder / "ingested", folder / "docs"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, sound: Score) -> Verdict:
    folder = tmp_path_factory.mktemp("broken")
    high, overlapping = sound.notes.copy(), sound.notes.copy()
    high["pitch"] += 50
    overlapping["duration_tick"][5] += 1
    jumpy = dataclasses.replace(sound, tempos=(Tempo(0, 120.0), Tempo(960, 6.0), Tempo(961, 500.0), Tempo(962, 120.0)))
    for stem, score, changes in [
        ("sound", sound, {}),
        ("no_artist", sound, {"artist": " "}),
        ("nameless", sound, {"title": "", "tune_group": ""}),
        ("crawl", dataclasses.replace(sound, tempos=(Tempo(0, 39.0),)), {}),
        ("jumpy", jumpy, {}),
        ("short", sound, {"bars": 3}),
        ("miscounted", sound, {"notes": 31}),
        ("bare", sound, {"chord_coverage": 0.79}),
        ("same", sound, {"content_hash": "x", "interval_hash": "x"}),
        ("again", sound, {"content_hash": "x", "interval_hash": "x"}),
        ("thick", sound, {"reduced_notes": 4}),
        ("hanging", sound, {"unended_notes": 1}),
        ("high", dataclasses.replace(sound, notes=high), {}),
        ("overlapping", dataclasses.replace(sound, notes=overlapping), {}),
    ]:
        add_solo(folder / "ingested", stem, score, **changes)
    return validate_folder(folder / "ingested")


def test_sound_solos_pass(clean):
    verdict = validate_folder(clean[0])
    assert (verdict.solos, verdict.notes) == (2, 64)
    assert verdict.lines("error") == verdict.lines("warning") == []
    assert verdict.metrics()["errors"] == verdict.metrics()["warnings"] == 0


def test_each_defect_is_found_by_its_own_expectation_and_names_its_solo(broken):
    found = {outcome.name: [solo.removeprefix("mine/") for solo in outcome.solos] for outcome in broken.outcomes}
    assert {name: solos for name, solos in found.items() if solos} == {
        "artist_present": ["no_artist"],
        "title_present": ["nameless"],
        "tune_group_present": ["nameless"],
        "tempo": ["crawl"],
        "slowest_moment": ["crawl", "jumpy"],
        "fastest_moment": ["jumpy"],
        "length": ["short"],
        "counts_agree": ["miscounted"],
        "chord_coverage": ["bare"],
        "same_content": ["again", "same"],
        "same_intervals": ["again", "same"],
        "polyphony_reduced": ["thick"],
        "unended_notes": ["hanging"],
        "range": ["high"],
        "monophony": ["overlapping"],
    }


def test_errors_and_warnings_are_counted_separately(broken):
    metrics = broken.metrics()
    errors = {outcome.name for outcome in broken.outcomes if outcome.severity == "error" and outcome.solos}
    assert errors == {"artist_present", "tune_group_present", "tempo", "length", "counts_agree", "monophony"}
    assert metrics["errors"] == 6
    assert metrics["set_aside"] == 6
    assert metrics["warnings"] == 12
    assert metrics["same_content"] == 2
    assert "artist_present" not in metrics


def test_a_line_names_the_expectation_and_the_solos_that_fail_it(broken):
    assert "error: length: expected that a solo has at least 4 bars; failed by: mine/short" in broken.lines("error")


def test_many_solos_are_named_in_part():
    from yardbird.data.expectations import Outcome

    outcome = Outcome("range", "warning", "pitches are 36 … 96", tuple(f"a/{number}" for number in range(12)))
    (line,) = Verdict(12, 99, [outcome]).lines("warning")
    assert line.endswith("a/8, a/9 and 2 more")


@pytest.mark.parametrize(
    ("column", "value", "name"),
    [
        ("onset_tick", -1, "onset"),
        ("duration_tick", 0, "duration"),
        ("pitch", 128, "pitch"),
        ("velocity", 0, "velocity"),
    ],
)
def test_values_out_of_range_are_errors_of_the_note_table(sound, column, value, name):
    from yardbird.data.expectations import check_tables, note_expectations

    table = note_table({"a/one": sound, "a/two": sound})
    table.loc[32, column] = value  # the first note of the second solo
    outcomes = check_tables({"notes": (table, note_expectations(CONFIG))})
    broken = {outcome.name: (outcome.severity, outcome.solos) for outcome in outcomes if outcome.solos}
    assert broken.pop("range", None) in (None, ("warning", ("a/two",)))
    assert broken == {name: ("error", ("a/two",))}


def test_a_solo_may_start_while_the_one_before_it_in_the_table_sounds(sound):
    from yardbird.data.expectations import check_tables, note_expectations

    table = note_table({"a/one": sound, "a/two": sound})
    assert table["onset_tick"].iloc[32] < table["onset_tick"].iloc[31]
    assert not any(outcome.solos for outcome in check_tables({"notes": (table, note_expectations(CONFIG))}))


def test_data_docs_are_one_page_of_the_last_run_which_is_the_same_for_the_same_solos(clean):
    ingested, docs = clean
    pages = []
    for _ in range(2):
        files.write_text(docs / "earlier.html", "of an earlier run")
        verdict = validate_folder(ingested, docs)
        assert list(docs.iterdir()) == [docs / "index.html"]
        pages.append((docs / "index.html").read_text())
    assert pages[0] == pages[1]
    assert pages[0].count("✓ met") == len(verdict.outcomes)
    assert "a note ends before the next one starts" in pages[0]


def test_data_docs_name_every_failing_solo_with_its_values(broken, tmp_path):
    from yardbird.data.data_docs import write_data_docs

    write_data_docs(tmp_path / "index.html", broken.solos, broken.notes, broken.outcomes)
    text = re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", "", (tmp_path / "index.html").read_text())))
    assert "Not met with severity error: 6" in text
    assert "✗ error a solo has at least 4 bars length, severity error: expect_column_values_to_be_between(" in text
    assert f"{broken.solos} rows checked, 1 fail solos: 1 mine/short: bars 3" in text
    for outcome in broken.outcomes:
        assert all(f"{solo}: " in text for solo in outcome.solos)
    first = text.index("Solos: one row for each")
    assert text.index("✗", first) < text.index("✓", first), "what fails comes first"


def test_data_docs_escape_the_names_and_values_of_solos(broken, tmp_path):
    from yardbird.data.data_docs import write_data_docs

    hostile = "<img src=x onerror='alert(1)'>"
    failed = next(outcome for outcome in broken.outcomes if outcome.solos)
    hostile_outcome = dataclasses.replace(failed, solos=(hostile,), values={hostile: [hostile]})
    write_data_docs(tmp_path / "index.html", 1, 1, [hostile_outcome])
    page = (tmp_path / "index.html").read_text()
    assert "<img" not in page
    assert html.unescape(page).count(hostile) == 2


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_data_docs_need_no_internet(broken, tmp_path):
    from yardbird.data.data_docs import write_data_docs

    write_data_docs(tmp_path / "index.html", broken.solos, broken.notes, broken.outcomes)
    with opened(tmp_path / "index.html", width=390) as (page, requests):
        assert page.locator("li:visible", has_text="mine/short").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.title() == "Data Docs: the checks of the ingested solos"
    assert requests == [(tmp_path / "index.html").as_uri()]


def test_a_folder_without_ingested_solos_gives_a_one_line_error(tmp_path):
    with pytest.raises(InputError, match="expected ingested solos, found none; run the ingest stage first"):
        validate_folder(tmp_path / "ingested")


def test_a_title_of_digits_stays_text_and_remains_of_a_killed_ingestion_are_no_source(tmp_path, sound):
    """Regression: pandas read titles of digits as numbers; the remains of a killed ingestion were read as a source."""
    ingested = tmp_path / "ingested"
    add_solo(ingested, "one", sound, title="1951", tune_group="007")
    shutil.copytree(ingested / "mine", ingested / ".mine.x1y2z3")
    (solo,) = read_solos(ingested, ["mine"])
    assert (solo.title, solo.tune_group) == ("1951", "007")
    verdict = validate_folder(ingested)
    assert (verdict.solos, verdict.broken("error")) == (1, [])


def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path, sound):
    add_solo(tmp_path / "ingested", "one", sound, path="../elsewhere.mid")
    with pytest.raises(InputError, match="a path that leaves it"):
        validate_folder(tmp_path / "ingested")


def test_a_range_needs_two_ascending_ends():
    with pytest.raises(ConfigError, match=r"validate.qpm_range: expected lowest, highest, found \[400, 40\]"):
        dataclasses.replace(CONFIG, qpm_range=(400, 40))


def test_each_solo_with_errors_is_set_aside_once_with_all_its_reasons(broken):
    from yardbird.data.expectations import Outcome

    reasons = {entry.solo.removeprefix("mine/"): entry.reason for entry in broken.set_aside()}
    assert list(reasons) == ["crawl", "miscounted", "nameless", "no_artist", "overlapping", "short"]
    assert reasons["short"] == "length: expected that a solo has at least 4 bars"
    two = Verdict(2, 9, [Outcome("a", "error", "one", ("x/1",)), Outcome("b", "error", "two", ("x/1",))])
    assert two.set_aside() == [SetAside("x/1", "a: expected that one; b: expected that two")]


@pytest.fixture
def run_stage(tmp_path, root, monkeypatch):
    """Runs a stage in a folder with the repository's params.yaml, some of its lines replaced."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    parameters = (root / "params.yaml").read_text().replace("etudes: data/etudes", "mine: data/raw/mine")

    def run(name: str, **replaced: str) -> None:
        text = parameters
        for key, value in replaced.items():
            text, count = re.subn(rf"(?m)^(\s+{key}:) \S+", rf"\1 {value}", text)
            assert count == 1, f"params.yaml has one {key}"
        (tmp_path / "params.yaml").write_text(text)
        runpy.run_path(str(root / f"stages/{name}.py"), run_name="__main__")

    return run


def test_a_solo_with_an_error_is_set_aside_and_the_later_stages_read_the_others(tmp_path, sound, run_stage, capsys):
    """Regression: one file with an error stopped the pipeline."""
    for number in range(12):
        add_solo(tmp_path / "data/ingested", f"tune{number}", sound, interval_hash=str(number))
    add_solo(tmp_path / "data/ingested", "no_artist", sound, artist="")
    (tmp_path / "data/ingested/gone").mkdir()
    run_stage("validate")
    printed = capsys.readouterr()
    assert "removed data/ingested/gone, which belongs to no source in params.yaml" in printed.out
    assert not (tmp_path / "data/ingested/gone").exists()
    assert "error: artist_present: expected that every solo has: artist; failed by: mine/no_artist" in printed.err
    assert "13 solos, set aside: 1, warnings: " in printed.out
    assert json.loads((tmp_path / "reports/validate.json").read_text())["validate"]["set_aside"] == 1
    assert read_table(tmp_path / "data/set_aside.csv", SetAside) == [
        SetAside("mine/no_artist", "artist_present: expected that every solo has: artist")
    ]
    run_stage("split", linked_share="1.0", salt="0")
    assert "mine/no_artist" not in (tmp_path / "data/split.csv").read_text()
    run_stage("augment", target_size="15")
    copies = read_copies(tmp_path / "data/augmented")
    assert {copy.solo for copy in copies} == {f"mine/tune{number}" for number in range(12)}


def test_the_stage_stops_and_names_the_solos_if_configured_to(tmp_path, sound, run_stage, capsys):
    add_solo(tmp_path / "data/ingested", "no_artist", sound, artist="")
    add_solo(tmp_path / "data/ingested", "somebody", sound)
    with pytest.raises(
        SystemExit, match=r"expected solos without errors, found artist_present \(1\); fix the files named above"
    ):
        run_stage("validate", on_error="stop")
    named = "error: artist_present: expected that every solo has: artist; failed by: mine/no_artist"
    assert named in capsys.readouterr().err.splitlines()
    assert '"errors": 1' in (tmp_path / "reports/validate.json").read_text()
    assert not (tmp_path / "data/set_aside.csv").exists()


def test_the_stage_stops_if_every_solo_has_an_error(tmp_path, sound, run_stage):
    add_solo(tmp_path / "data/ingested", "no_artist", sound, artist="")
    with pytest.raises(SystemExit, match=r"at least one solo without errors, found artist_present \(1\)"):
        run_stage("validate")


def test_ingest_uses_only_files_within_the_limits_of_the_later_stages(root):
    """Regression: ingest used a tempo of 38 or 420 qpm, or a bar of nine beats, and a later stage refused it."""
    parameters = read_params(root / "params.yaml")
    ingest, validation, events = parameters["ingest"], parameters["validate"], parameters["encode"]["events"]
    assert validation["qpm_range"][0] <= ingest["qpm_range"][0]
    assert validation["qpm_range"][1] >= ingest["qpm_range"][1]
    assert validation["min_bars"] <= ingest["min_bars"]
    assert events["longest_bar_beats"] >= ingest["longest_bar_beats"]


def test_real_solos_pass(ingested):
    verdict = validate_folder(ingested, sources=("coltrane", "parker"))
    assert verdict.solos == 73
    assert verdict.lines("error") == []
    assert [outcome.name for outcome in verdict.outcomes if outcome.solos] == ["slowest_moment"]
