"""The inputs of the page: the run, the data, the tables."""

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from table_rows import filled
from tiny_run import HOSTILE

from yardbird import files
from yardbird.metrics.set_rows import SELF
from yardbird.report.charts import histogram
from yardbird.report.figures import originality_chart, read_originality
from yardbird.report.quality import read_quality
from yardbird.report.run_details import read_run
from yardbird.report.strip import read_ways
from yardbird.tables.copies_table import CopyRow, write_copies


def test_settings_and_hashes_are_those_of_the_lock_file(run: Path) -> None:
    found = read_run(run)
    assert found.settings == {"seed": "3", "split.salt": "1", "split.name": HOSTILE}
    assert found.hashes == {"data/augmented": "0123abcd.dir"}


def test_the_commit_is_named_with_uncommitted_changes(tmp_path: Path) -> None:
    assert (read_run(tmp_path).commit, read_run(tmp_path).changed) == ("", False)
    (tmp_path / "params.yaml").write_text("seed: 0\n")
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert len(read_run(tmp_path).commit) == 40
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    assert not read_run(tmp_path).changed, "only code and settings count"
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    assert read_run(tmp_path).changed


def test_sources_splits_copies_rejects_and_duplicates_are_counted(run: Path) -> None:
    quality = read_quality(run / "data", run / "reports", ["mine"])
    (source,) = quality.sources
    assert (source.name, source.solos, source.copies) == ("mine", {"test": 2, "train": 2}, 0)
    assert (quality.synthetic, quality.solos) == (4, 4)
    assert quality.rejected == [
        ("ingested/mine", HOSTILE, HOSTILE, HOSTILE),
        ("validate", "mine/solo_9", HOSTILE, "correct the file, or the limits of section validate"),
    ]
    assert quality.health == files.read_json(run / "reports/data_health.json")
    assert quality.alike == [("all intervals", "mine/solo_0, mine/solo_1")]
    assert quality.losses == {"events": {"notes": 100, "merged_share": 0.0125}}


def test_a_histogram_has_the_share_of_each_bin() -> None:
    (trace,) = histogram("h", "", {"a": [100, 109, 110, 131]}, width=10, unit="").figure["data"]
    assert trace["x"] == [105, 115, 135]
    assert trace["y"] == [0.5, 0.25, 0.25]


def test_an_interpolation_has_its_steps_in_order_and_the_titles_of_its_ends(run: Path) -> None:
    (way,) = read_ways(run / "data")
    assert [step.alpha for step in way.steps] == [0, 0.5, 1]
    assert [step.to_second for step in way.steps] == pytest.approx([1, 0.5, 0])
    assert way.first == f"{HOSTILE} by A"


def test_the_ends_of_an_interpolation_are_found_by_known_names(run: Path, tmp_path: Path) -> None:
    """Regression: a title that contains `_to_` was split."""
    titles = {"mine/easy_to_love": "Easy to Love", "mine/how_to": "How to", "mine/a": "A"}
    rows = [filled(CopyRow, solo=solo, title=title, artist="P") for solo, title in titles.items()]
    write_copies(tmp_path / "augmented", rows)
    ends = [("mine_easy_to_love", "mine_a"), ("mine_a", "mine_easy_to_love"), ("mine_how_to", "mine_a"), ("x", "y")]
    tables = []
    for first, second in ends:
        pair = f"{first}_to_{second}"
        source = run / "data/explored/interpolation"
        shutil.copytree(source / "mine_solo_0_to_mine_solo_1", tmp_path / "explored/interpolation" / pair)
        tables.append(pd.read_csv(source / "steps.csv").assign(pair=pair))
    pd.concat(tables).to_csv(tmp_path / "explored/interpolation/steps.csv", index=False)
    assert [(way.first, way.second) for way in read_ways(tmp_path)] == [
        ("Easy to Love by P", "A by P"), ("A by P", "Easy to Love by P"), ("How to by P", "A by P"), ("x", "y"),
    ]  # fmt: skip


def test_the_same_solo_in_two_sources_is_listed_once(run: Path, tmp_path: Path) -> None:
    """Regression: it was listed again as equal in another key."""
    shutil.copytree(run / "data/ingested", tmp_path / "ingested")
    path = tmp_path / "ingested/mine/manifest.csv"
    table = pd.read_csv(path)
    table.loc[[2, 3], ["content_hash", "interval_hash"]] = "both"
    table.to_csv(path, index=False)
    assert read_quality(tmp_path, tmp_path, ["mine"]).alike == [
        ("all notes", "mine/solo_2, mine/solo_3"),
        ("all intervals", "mine/solo_0, mine/solo_1"),
    ]


HEADER = "row,solo,notes,coverage_4,coverage_6,coverage_8,coverage_10,longest_run,source\n"


def write_originality(reports: Path, name: str, solos: str, rows: str = "") -> None:
    folder = reports / "evaluate"
    files.write_text(folder / f"{name}_originality.csv", HEADER + solos)
    files.write_text(folder / f"{name}_rows.csv", f"row,metric,mean,sd,n,distance\n{rows}")
    files.write_json(folder / f"{name}.json", {name: {}})


def test_numeric_solo_names_stay_text(tmp_path: Path) -> None:
    solos = "".join(f"musicgen,{number},20,0.5,0,0,0,4,\n" for number in (0, 1, 10)) + "ngram,0,20,0.5,0,0,0,5,\n"
    write_originality(tmp_path, "musicgen", solos)
    found = read_originality(tmp_path)["musicgen"]
    assert [solo.label for solo in found.solos] == ["0", "1", "10"]
    assert [(own.label, own.longest_run) for own in found.sets] == [("ngram (mean)", 5)]
    assert found.longest is None
    figure = originality_chart("musicgen", found).figure
    assert figure["data"][0]["y"] == ["0", "1", "10", "ngram (mean)"]
    assert figure["layout"]["yaxis"]["type"] == "category", "numbers would make a numeric axis"


def test_without_known_notes_there_is_no_originality(tmp_path: Path) -> None:
    """The table of recordings has only a header."""
    write_originality(tmp_path, "musicgen", "")
    assert read_originality(tmp_path) == {}


def test_the_yardstick_is_that_of_the_verdict(tmp_path: Path) -> None:
    solos = "model,a,20,0.5,0.3,0.2,0,12,\n"
    write_originality(tmp_path, "model", solos, f"{SELF},coverage_8,0.1,,1,\n{SELF},longest_run,8,,1,\n")
    found = read_originality(tmp_path)["model"]
    (yardstick,) = found.sets
    assert (list(yardstick.shares), yardstick.longest_run) == ([None, None, 0.1, None], 8)
    assert originality_chart("model", found).figure["data"][0]["y"] == ["a", "self quotation, as long (mean)"]
