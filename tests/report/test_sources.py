"""What is read for the page: the run, the data, the tables."""

import subprocess
from pathlib import Path

import pytest
from tiny_run import HOSTILE

from yardbird.report.charts import histogram
from yardbird.report.figures import read_tables
from yardbird.report.quality import read_quality
from yardbird.report.run import read_run
from yardbird.report.strip import read_ways


def test_settings_and_hashes_are_those_of_the_lock_file(run: Path) -> None:
    found = read_run(run)
    assert found.settings == {"seed": {"": "3"}, "split": {"salt": "1", "name": HOSTILE}}
    assert found.hashes == {"data/augmented": "0123abcd.dir"}


def test_the_commit_is_named_and_whether_the_code_is_another(tmp_path: Path) -> None:
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


def test_sources_splits_copies_rejects_and_likenesses_are_counted(run: Path) -> None:
    quality = read_quality(run / "data", run / "reports")
    (source,) = quality.sources
    assert (source.name, source.solos, source.copies) == ("mine", {"test": 2, "train": 2}, 0)
    assert quality.synthetic
    assert quality.rejected == [("ingested/mine", HOSTILE, HOSTILE, HOSTILE)]
    assert quality.alike == [("all intervals", "mine/solo_0, mine/solo_1")]
    assert quality.losses == {"events": {"notes": 100, "merged_share": 0.0125}}


def test_a_histogram_counts_shares_of_what_falls_in_each_bin() -> None:
    (trace,) = histogram("h", "", {"a": [100, 109, 110, 131]}, width=10, unit="").figure["data"]
    assert trace["x"] == [105, 115, 135]
    assert trace["y"] == [0.5, 0.25, 0.25]


def test_a_way_has_its_steps_in_order_under_the_titles_of_its_ends(run: Path) -> None:
    (way,) = read_ways(run / "data")
    assert [step.alpha for step in way.steps] == [0, 0.5, 1]
    assert [step.to_second for step in way.steps] == pytest.approx([1, 0.5, 0])
    assert way.first == f"{HOSTILE} by A"


def test_tables_of_the_comparison_hold_text_and_no_links(run: Path) -> None:
    tables = read_tables(run / "reports/comparison.md")
    assert list(tables) == ["Strengths and weaknesses", "Training"]
    assert "<td>1.5</td>" in tables["Strengths and weaknesses"]
    assert "<li>(+) fast</li>" in tables["Strengths and weaknesses"]
    assert "<script>" not in "".join(tables.values())
    assert "<a" not in tables["Training"]
