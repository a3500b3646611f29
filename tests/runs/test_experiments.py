"""`yardbird exp` and `yardbird restore` on a real DVC repository, with own data, queues and remotes."""

from pathlib import Path

import pytest
from tiny_pipeline import PARAMS, add_data, call, made_by, ran, yardbird

from yardbird import files

WEIGHTS, SOLO = "models/toy/weights.txt", "data/generated/toy/solo.wav"


def test_an_experiment_runs_in_its_own_folder_and_the_workspace_stays(demo: Path) -> None:
    """Regression: an experiment replaced the models, the solos and the report of the demo."""
    files.write_text(demo / "stages/step.py", (demo / "stages/step.py").read_text() + "# an uncommitted change\n")
    before = call(demo, "git", "status", "--porcelain")
    said = yardbird(demo, "exp", "-S", "seed=3", "--name", "three")
    assert "experiment three is recorded; its results: out/experiments/three/reports/index.html" in said
    folder = demo / "out/experiments/three"
    assert made_by(folder, SOLO)["seed"] == 3
    assert (folder / "params.yaml").read_text() == PARAMS.replace("seed: 0", "seed: 3")
    assert (folder / "stages/step.py").read_text().endswith("# an uncommitted change\n")
    assert call(demo, "git", "status", "--porcelain") == before
    assert made_by(demo, WEIGHTS)["seed"] == 0
    assert "three" in call(demo, "dvc", "exp", "list", "--name-only").split()
    assert "choose another --name, or --force to replace it" in yardbird(
        demo, "exp", "-S", "seed=4", "--name", "three", status=1
    )


@pytest.mark.slow
def test_after_experiments_in_the_workspace_one_command_brings_the_demo_back(demo: Path) -> None:
    for seed in ("5", "6"):
        said = yardbird(demo, "exp", "--here", "-S", f"seed={seed}", "--name", f"seed{seed}")
        assert f"experiment seed{seed} is recorded; back to the last committed run: yardbird restore" in said
    assert made_by(demo, SOLO)["seed"] == 6
    ran(demo)
    assert "restored" in yardbird(demo, "restore")
    assert ran(demo) == []
    assert made_by(demo, SOLO) == {"seed": 0, "machine": "mine"}
    assert call(demo, "git", "status", "--porcelain") == ""
    assert "up to date" in call(demo, "dvc", "status")
    call(demo, "git", "stash", "pop", "-q")
    assert "seed: 6 # of all random streams" in (demo / "params.yaml").read_text()
    call(demo, "git", "checkout", "-q", ".")
    call(demo, "dvc", "exp", "apply", "seed5")
    assert made_by(demo, SOLO)["seed"] == 5
    yardbird(demo, "restore")
    assert made_by(demo, SOLO)["seed"] == 0


def test_restore_trains_nothing_and_says_what_is_missing(mine: Path) -> None:
    said = yardbird(mine, "restore", status=1)
    assert "found models/toy and 2 others in neither; yardbird run" in said
    assert ran(mine) == []


def test_restore_on_a_commit_of_another_machine_changes_nothing_and_names_the_branch_with_a_run(demo: Path) -> None:
    """Regression: after `git switch main && git pull` it deleted the models, and left changes and stashes."""
    call(demo, "git", "switch", "-q", "main")
    files.write_text(demo / "params.yaml", PARAMS.replace("seed: 0", "seed: 7"))
    before = call(demo, "git", "status", "--porcelain")
    said = yardbird(demo, "restore", status=1)
    assert "git switch demo, which has a run, or yardbird run" in said
    assert made_by(demo, WEIGHTS) == {"seed": 0, "machine": "mine"}
    assert (call(demo, "git", "status", "--porcelain"), call(demo, "git", "stash", "list")) == (before, "")


def test_restore_keeps_changes_if_dvc_cannot_read_the_pipeline(demo: Path) -> None:
    files.write_text(demo / "params.yaml", PARAMS.replace("seed: 0", "seed: 7"))
    files.write_text(demo / "dvc.yaml", "stages: 1\n")
    assert "error: DVC: " in yardbird(demo, "restore", status=1)
    assert "seed: 7" in (demo / "params.yaml").read_text()
    assert call(demo, "git", "stash", "list") == ""


def test_restore_removes_the_ingested_solos_of_other_sources(demo: Path) -> None:
    """Regression: with them, the stages after ingest were not those of the last committed run."""
    stage = "  ingest:\n    cmd: python stages/step.py data/ingested/toy/a.mid\n    outs: [data/ingested/toy]\n"
    files.write_text(demo / "dvc.yaml", (demo / "dvc.yaml").read_text() + stage)
    yardbird(demo, "run")
    call(demo, "git", "commit", "-qam", "Ingest")
    files.write_text(demo / "data/ingested/mine/a.mid", "")
    yardbird(demo, "restore")
    assert [path.name for path in (demo / "data/ingested").iterdir()] == ["toy"]
    assert call(demo, "git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_an_interrupted_experiment_continues_in_its_folder(demo: Path) -> None:
    (demo / ".git/fail").touch()
    assert "failed to run" in yardbird(demo, "exp", "-S", "seed=3", status=1)
    (demo / ".git/fail").unlink()
    (demo / "out/experiments/exp/kept").touch()
    assert "experiment exp is recorded" in yardbird(demo, "exp", "-S", "seed=3")
    assert (demo / "out/experiments/exp/kept").exists()
    assert "experiment exp-2 runs in out/experiments/exp-2" in yardbird(demo, "exp", "-S", "seed=4")


@pytest.mark.slow
def test_an_experiment_has_the_present_data_and_code_and_records_new_files(demo: Path) -> None:
    """Regression: solos and modules that the workspace had no longer stayed in the folder of the experiment."""
    solo, module = Path("data/raw/parker/more.txt"), Path("stages/more.py")
    folder = demo / "out/experiments/three"
    for path in (solo, module):
        files.write_text(demo / path, "more")
    yardbird(demo, "exp", "-S", "seed=3", "--name", "three")
    assert (folder / solo).exists()
    refs = call(demo, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    (ref,) = [ref for ref in refs if ref.endswith("/three")]
    assert call(demo, "git", "show", f"{ref}:{module}") == "more"
    for path in (solo, module):
        (demo / path).unlink()
    files.write_text(folder / "notes.txt", "of the user")
    yardbird(demo, "exp", "-S", "seed=4", "--name", "three", "--force")
    assert [(folder / path).exists() for path in (solo, module, Path("notes.txt"))] == [False, False, True]


@pytest.mark.slow
def test_a_source_may_be_a_link_to_a_folder(demo: Path) -> None:
    source = demo / "data/raw/parker"
    source.rename(demo.parent / "solos")
    source.symlink_to(demo.parent / "solos")
    assert "is recorded" in yardbird(demo, "exp", "-S", "seed=3")
    assert (demo / "out/experiments/exp/data/raw/parker/solo.mid").read_text() == "a solo"
    source.unlink()
    (demo.parent / "solos").rename(source)
    assert "is recorded" in yardbird(demo, "exp", "-S", "seed=4")


@pytest.mark.parametrize("name", [".", "..", "a/b", "../../stages", "two words", "-x", "x.lock", "a..b", ""])
def test_the_name_of_an_experiment_cannot_be_another_folder(demo: Path, name: str) -> None:
    """Regression: `--name .` deleted the folders of all experiments."""
    files.write_text(demo / "out/experiments/mine/solo.mid", "a solo")
    said = yardbird(demo, "exp", "-S", "seed=3", f"--name={name}", status=1)
    assert said.startswith(f"error: --name: expected the name of an experiment, found {name!r}; use letters, digits")
    assert [path.name for path in (demo / "out/experiments").iterdir()] == ["mine"]
    assert (demo / "out/experiments/mine/solo.mid").exists()


def test_a_source_outside_the_repository_has_an_absolute_path(demo: Path) -> None:
    files.write_text(demo.parent / "elsewhere/solo.mid", "a solo")
    said = yardbird(demo, "exp", "-S", "+sources.other=../elsewhere", status=1)
    assert "sources.other: expected a folder inside the repository, found ../elsewhere; write an absolute path" in said


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("seed=three", "expected an integer, found 'three'; correct the value"),
        ("audio.sample_rate=0", "expected 4000 to 192000, found 0; correct the value"),
        ("+sources.other=othr", "expected a folder of solos, found no folder othr; correct the path, or add it"),
    ],
)
def test_a_wrong_override_is_named_before_the_experiment_starts(demo: Path, override: str, problem: str) -> None:
    said = yardbird(demo, "exp", "-S", override, status=1)
    assert said.startswith(f"error: -S {override}: {problem}")
    assert not (demo / "out/experiments").exists()


def test_a_wrong_value_of_a_preset_or_of_the_workspace_names_its_file(demo: Path) -> None:
    files.write_text(demo / "presets/wrong.yaml", "seed: three\n")
    wrong = "expected an integer, found 'three'; correct the value"
    assert yardbird(demo, "exp", "--preset", "wrong", status=1) == f"error: presets/wrong.yaml: seed: {wrong}\n"
    files.write_text(demo / "params.yaml", PARAMS.replace("seed: 0", "seed: three"))
    assert yardbird(demo, "exp", "-S", "audio.comping=true", status=1) == f"error: params.yaml: seed: {wrong}\n"


@pytest.mark.slow
def test_own_data_travels_through_a_remote_and_experiments_through_git(demo: Path, tmp_path: Path) -> None:
    """The commands of docs/own-data.md, with a folder as remote and a bare repository."""
    said = yardbird(demo, "exp", "-S", "seed=7", "--queue", status=1)
    assert "data/raw/parker: expected data in DVC, for --queue, found files that DVC does not track" in said
    assert "run dvc add data/raw/parker and git add data/raw/parker.dvc, or leave out --queue" in said
    call(tmp_path, "git", "init", "-q", "--bare", "hub.git")
    call(demo, "git", "remote", "set-url", "origin", str(tmp_path / "hub.git"))
    for command in (
        "dvc add -q data/raw/parker",
        f"dvc remote add --default storage {tmp_path / 'storage'}",
        "git add data/raw/parker.dvc .dvc/config",
        "git commit -qm Solos",
    ):
        call(demo, *command.split())
    assert "Queued experiment" in yardbird(demo, "exp", "-S", "seed=7", "--queue", "--name", "seven")
    assert "is recorded" in yardbird(demo, "exp", "-S", "seed=8", "--name", "eight")
    assert ran(demo)[0] == WEIGHTS
    call(demo, "git", "push", "-q", "origin", "HEAD")
    call(demo, "dvc", "push", "-q")
    call(demo, "dvc", "exp", "push", "-q", "origin", "eight")

    call(tmp_path, "git", "clone", "-q", "--branch", "demo", str(tmp_path / "hub.git"), "elsewhere")
    elsewhere = tmp_path / "elsewhere"
    call(elsewhere, "dvc", "pull", "-q")
    assert (elsewhere / "data/raw/parker/solo.mid").read_text() == "a solo"
    assert made_by(elsewhere, SOLO) == {"seed": 0, "machine": "mine"}
    add_data(elsewhere)
    assert " of 4, train: unchanged" in yardbird(elsewhere, "run", machine="another")
    call(elsewhere, "dvc", "exp", "pull", "-q", "origin", "eight")
    call(elsewhere, "dvc", "exp", "apply", "-q", "eight")
    assert made_by(elsewhere, SOLO) == {"seed": 8, "machine": "mine"}
