"""`yardbird compare` and `dvc metrics show`, in a repository with real DVC experiments."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from in_process import yardbird
from ruamel.yaml import YAML
from tiny_pipeline import call

from yardbird import files
from yardbird.deciding_metrics import FOLDER, HEADING, METRICS
from yardbird.metrics.verdicts import VERDICTS
from yardbird.report_tables import Section, Table, write_sections

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 120  # of a terminal
METRIC_FILES = [f"reports/metrics/{metric}.json" for metric in METRICS]
STAGE = f"""\
import json, re
from pathlib import Path

heat = float(re.search(r"temperature: (.*)", Path("params.yaml").read_text())[1])
for path in {METRIC_FILES}:
    values = {{"music_transformer": 0.5, "music_vae": 0.25 + heat, "musicgen": 123.45}}
    if "changes" in path:
        values.pop("musicgen")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(values))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One commit with results, and an experiment that changes those of one family."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "stage.py").write_text(STAGE)
    (folder / "params.yaml").write_text("generate:\n  temperature: 1.0\n")
    metrics = [{path: {"cache": False}} for path in METRIC_FILES]
    stage = {"cmd": f"{sys.executable} stage.py", "params": ["generate"], "metrics": metrics}
    YAML().dump({"stages": {"compare": stage}}, folder / "dvc.yaml")
    call(folder, "git", "init", "-q", "-b", "trunk")
    call(folder, "dvc", "init", "-q")
    call(folder, "dvc", "config", "core.analytics", "false")
    call(folder, "dvc", "repro", "-q")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "results")
    call(folder, "dvc", "exp", "run", "-q", "--temp", "-n", "hot", "-S", "generate.temperature=1.5")
    return folder


def test_dvc_shows_the_ten_metrics_in_a_table_that_fits_a_terminal(repository: Path) -> None:
    lines = call(repository, "dvc", "metrics", "show").splitlines()
    assert [line.split()[0] for line in lines] == ["Path", *METRIC_FILES]
    assert max(map(len, lines)) <= 100
    assert lines[0].split()[1:] == ["music_transformer", "music_vae", "musicgen"]


def test_the_pipeline_lists_only_these_metrics() -> None:
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    listed = {name: entry.get("do", entry).get("metrics") for name, entry in stages.items()}
    assert {name: [*map(next, map(iter, own))] for name, own in listed.items() if own} == {"compare": METRIC_FILES}
    assert tuple(METRICS)[-len(VERDICTS) :] == VERDICTS


def test_experiments_are_rows_next_to_their_commit(repository: Path) -> None:
    done = yardbird(repository, "compare", "--experiments")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "hot: generate.temperature=1.5"
    table = [line.split() for line in lines if line.startswith(("trunk", "hot "))]
    assert table == [
        ["trunk", "1.25", "125.0", "%", "1.25", "1.25", "125.0", "%", "1.25", "yes", "yes", "yes", "yes"],
        ["hot", "1.75", "175.0", "%", "1.75", "1.75", "175.0", "%", "1.75", "yes", "yes", "yes", "yes"],
    ]
    assert lines[-1] == "equal in all rows: music_transformer, musicgen"
    assert max(map(len, lines)) <= WIDTH


def test_experiments_as_json_have_the_changed_parameters_and_all_values(repository: Path) -> None:
    rows = json.loads(yardbird(repository, "compare", "-e", "--json").stdout)
    assert [(row["name"], row["state"], row["changed"]) for row in rows] == [
        ("trunk", "", {}),
        ("hot", "", {"generate.temperature": "1.5"}),
    ]
    assert rows[1]["metrics"]["perplexity"] == {"music_transformer": 0.5, "music_vae": 1.75, "musicgen": 123.45}
    assert "musicgen" not in rows[1]["metrics"]["coherent_changes"]


def test_the_comparison_of_this_run_is_one_table(tmp_path: Path) -> None:
    table = Table(
        ["metric", "music_vae"], [["perplexity", "2.36 (n-gram 1.56)"], ["original", "yes"]], "In brackets: …"
    )
    write_sections(tmp_path / "reports/comparison_tables.json", [Section(HEADING, [table])])
    for metric in METRICS:
        files.write_json(tmp_path / FOLDER / f"{metric}.json", {"music_vae": 0.5})
    assert yardbird(tmp_path, "compare").stdout.splitlines() == [
        "metric      music_vae", "perplexity  2.36 (n-gram 1.56)", "original    yes", "", "In brackets: …",
    ]  # fmt: skip
    found = json.loads(yardbird(tmp_path, "compare", "--json").stdout)
    assert found == {metric: {"music_vae": 0.5} for metric in METRICS}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "comparison_tables.json: expected the comparison of a run, found no such file; run `yardbird run`"),
        (["--json"], "reports/metrics: expected a file for each of the ten metrics, found fewer; run `yardbird run`"),
        (["--experiments"], "you are not inside of a DVC repository"),
    ],
    ids=["table", "json", "experiments"],
)
def test_without_a_run_an_error_is_one_line(tmp_path: Path, options: list[str], message: str) -> None:
    done = yardbird(tmp_path, "compare", *options)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith("error: ")
    assert message in line


def test_without_experiments_the_command_says_how_to_start_one(repository: Path, tmp_path: Path) -> None:
    call(tmp_path, "git", "clone", "-q", str(repository), "clone")
    done = yardbird(tmp_path / "clone", "compare", "--experiments")
    assert done.stdout.startswith("no experiments of this commit; start one with `yardbird exp")


@pytest.mark.slow
def test_an_experiment_may_have_the_name_of_the_branch(repository: Path, tmp_path: Path) -> None:
    """Regression: it hid the row of its commit, and so did two experiments of one name."""
    folder = shutil.copytree(repository, tmp_path / "copy")
    heated = ("-n", "trunk", "-S", "generate.temperature=2.0")
    call(folder, "dvc", "exp", "run", "-q", "--temp", *heated)
    lines = yardbird(folder, "compare", "-e").stdout.splitlines()
    assert sorted(line.split()[1] for line in lines if line.startswith("trunk ")) == ["1.25", "2.25"]
