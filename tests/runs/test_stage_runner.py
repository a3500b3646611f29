"""`yardbird run` on a real DVC repository of three stages: its lines, Ctrl-C, failures, and locks of other machines."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path
from unittest.mock import Mock

import pytest
from dvc.dependency import param
from dvc.stage import PipelineStage
from dvc.utils.serialize import dumps_yaml, load_yaml
from tiny_pipeline import call, clone, environment, made_by, ran, yardbird

from yardbird import files
from yardbird.dvc_lock import read_lock
from yardbird.runs import stage_runner
from yardbird.runs.dvc_stage import SharedRepo, _LockFile
from yardbird.runs.stage_runner import about, cores, default_jobs, read_seconds

WEIGHTS, SOLO, ANALYSIS = "models/toy/weights.txt", "data/generated/toy/solo.wav", "analysis.txt"


def test_a_demo_says_each_stage_its_time_and_where_the_first_solo_is(mine: Path) -> None:
    files.write_text(mine / "reports/stage_seconds.yaml", "train: 170.0\n")
    lines = yardbird(mine, "run", "--jobs", "1").splitlines()
    assert lines == [
        "3 stages, about 3 minutes if all of them run",
        "stage 1 of 3, train, about 3 minutes",
        "stage 2 of 3, generate",
        f"  the first solos are ready; listen to {SOLO}",
        "stage 3 of 3, analyse",
    ]
    measured = read_seconds(mine)
    assert list(measured) == ["train", "generate", "analyse"]
    assert max(measured.values()) < 60
    again = yardbird(mine, "run").splitlines()
    assert [line.partition(", ")[0] for line in again[1:]] == [f"stage {number} of 3" for number in (1, 2, 3)]
    assert sorted(line.partition(", ")[2] for line in again[1:]) == [f"{name}: unchanged" for name in sorted(measured)]


@pytest.mark.slow
def test_stages_side_by_side_leave_the_bytes_of_a_run_one_after_another(theirs: Path, tmp_path: Path) -> None:
    alone, together, by_dvc = (clone(theirs, tmp_path / name) for name in ("alone", "together", "dvc"))
    yardbird(alone, "run", "--jobs", "1")
    assert ran(alone) == [WEIGHTS, SOLO, ANALYSIS]
    (together / ".git/wait").write_text(WEIGHTS)
    with running(together, "run", "--jobs", "2"):
        wait_for((together / ANALYSIS).exists)
        assert not (together / WEIGHTS).exists()
        (together / ".git/wait").unlink()
    assert sorted(ran(together)) == sorted([WEIGHTS, ANALYSIS, SOLO])
    written = (alone / "dvc.lock").read_text()
    assert (together / "dvc.lock").read_text() == written == dumps_yaml(load_yaml(alone / "dvc.lock")), "as by DVC"
    assert cache(together) == cache(alone)
    call(by_dvc, "dvc", "repro", "-q")
    assert cache(by_dvc) == cache(alone)
    assert read_lock(by_dvc / "dvc.lock") == read_lock(alone / "dvc.lock")
    ran(alone)
    call(alone, "dvc", "repro", "-q")
    assert ran(alone) == []


def test_parameters_are_parsed_once_until_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(param, "load_path", lambda path, fs: parsed.append(path) or {"values": [len(parsed)]})
    path = tmp_path / "params.yaml"
    path.write_text("seed: 1")
    with SharedRepo(tmp_path, print):
        param.load_path(str(path), None)["values"].append(7)  # a change of what was read
        assert param.load_path(str(path), None) == {"values": [1]}
        path.write_text("seed: 2")
        assert param.load_path(str(path), None) == {"values": [2]}
    assert param.load_path(str(path), None) == {"values": [3]}, "outside of a run DVC reads as usual"


def test_entries_that_another_program_writes_during_a_run_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dvc.stage.serialize.to_lockfile", lambda stage: {stage.name: {"cmd": "python step.py"}})
    lock, path = _LockFile(), tmp_path / "dvc.lock"
    stages = [PipelineStage.__new__(PipelineStage) for _ in range(3)]
    for stage, name in zip(stages, "cba", strict=True):
        stage.name, stage.repo = name, Mock(root_dir=str(tmp_path))
    lock.record(stages[0], "abc")
    lock.record(stages[1], "abc")
    assert list(read_lock(path)) == ["b", "c"]
    path.write_text(path.read_text() + "  d@e:\n    cmd: echo\n")
    lock.record(stages[2], "abc")
    assert path.read_text() == dumps_yaml(load_yaml(path))
    assert list(read_lock(path)) == ["a", "b", "c", "d@e"]


@pytest.mark.slow
def test_two_clones_have_the_same_bytes_one_computed_and_one_from_the_cache(theirs: Path, tmp_path: Path) -> None:
    computed, cached = clone(theirs, tmp_path / "computed"), clone(theirs, tmp_path / "another folder")
    yardbird(computed, "run")
    shutil.copytree(computed / ".dvc/cache", cached / ".dvc/cache", dirs_exist_ok=True)
    shutil.copy(computed / "dvc.lock", cached)
    yardbird(cached, "run")
    assert (sorted(ran(computed)), ran(cached)) == (sorted([WEIGHTS, SOLO, ANALYSIS]), [])
    for path in (WEIGHTS, SOLO, ANALYSIS, "dvc.lock"):
        assert (cached / path).read_bytes() == (computed / path).read_bytes()


def test_missing_outputs_come_from_a_copied_cache_and_others_are_computed(mine: Path) -> None:
    """Regression: a cache without the reports, which are in Git, did not count, and the trainings began again."""
    yardbird(mine, "run")
    before = (mine / WEIGHTS).read_bytes(), (mine / "dvc.lock").read_bytes()
    assert len(ran(mine)) == 3
    shutil.rmtree(mine / ".dvc/cache/runs")
    report = md5((mine / "reports/train.json").read_bytes()).hexdigest()
    (mine / ".dvc/cache/files/md5" / report[:2] / report[2:]).unlink()
    shutil.rmtree(mine / "models")
    assert "train: from the cache" in yardbird(mine, "run")
    assert ran(mine) == []
    assert ((mine / WEIGHTS).read_bytes(), (mine / "dvc.lock").read_bytes()) == before
    shutil.rmtree(mine / "models")
    (mine / "reports/train.json").unlink()  # it is in no cache
    yardbird(mine, "run")
    assert ran(mine) == [WEIGHTS]


def test_stages_side_by_side_share_the_cores(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_runner, "cores", lambda: 2)
    yardbird(mine, "run", "--jobs", "2")
    workers = dict(line.split() for line in (mine / ".git/workers.txt").read_text().splitlines())
    assert workers[WEIGHTS] == "2"
    assert workers[ANALYSIS] == "1"


def test_with_a_gpu_stages_run_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert default_jobs() == cores()
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    assert default_jobs() == 1


def cache(folder: Path) -> dict[str, bytes]:
    """The objects and the run cache of a repository."""
    root = folder / ".dvc/cache"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_after_a_recorded_demo_git_is_clean_and_the_usual_way_back_works(mine: Path) -> None:
    """Regression: after a demo on another processor, `git checkout . && dvc checkout` deleted the models."""
    main = call(mine, "git", "rev-parse", "main")
    assert "committed on the local branch demo; main is unchanged" in yardbird(mine, "run", "--record", "demo")
    assert made_by(mine, WEIGHTS) == {"seed": 0, "machine": "mine"}
    assert call(mine, "git", "status", "--porcelain") == ""
    assert call(mine, "git", "rev-parse", "main") == main
    files.write_text(mine / "dvc.lock", "schema: '2.0'\nstages: {}\n")
    (mine / WEIGHTS).unlink()
    call(mine, "git", "checkout", "-q", ".")
    call(mine, "dvc", "checkout", "-q")
    assert made_by(mine, WEIGHTS) == {"seed": 0, "machine": "mine"}
    assert "up to date" in call(mine, "dvc", "status")
    assert "results are those of the current commit" in yardbird(mine, "run", "--record", "demo")


@pytest.mark.slow
def test_new_code_from_main_continues_with_what_this_machine_has_computed(demo: Path) -> None:
    """DVC asks its run cache only if dvc.lock has no fitting entry, and that of main fits and names other bytes."""
    call(demo, "git", "switch", "-q", "main")
    call(demo, "dvc", "checkout", "-q", "--force", status=255)  # the bytes of main are on the other machine
    assert not (demo / WEIGHTS).exists()
    ran(demo)
    said = yardbird(demo, "run", "--record", "demo")
    assert " of 3, train: from the cache" in said
    assert ran(demo) == []
    assert made_by(demo, WEIGHTS) == {"seed": 0, "machine": "mine"}
    assert "committed on the local branch demo-2" in said
    assert call(demo, "git", "status", "--porcelain") == ""


def test_results_of_changed_code_are_not_committed_for_the_user(mine: Path) -> None:
    params = mine / "params.yaml"
    files.write_text(params, params.read_text().replace("seed: 0", "seed: 1"))
    said = yardbird(mine, "run", "--record", "demo")
    assert "not committed, because params.yaml differs from the commit, too: use git commit -a" in said
    assert call(mine, "git", "branch", "--show-current") == "main\n"
    assert made_by(mine, WEIGHTS)["seed"] == 1


def test_a_failed_stage_is_one_line_and_the_next_run_continues_with_it(demo: Path) -> None:
    (demo / ".git/fail").touch()
    files.write_text(demo / "data/raw/parker/more.txt", "another solo")
    said = yardbird(demo, "run", "--jobs", "1", status=1).splitlines()
    assert said[-2] == "error: no more space"
    assert said[-1].startswith("error: stage 1 of 3, train: failed to run: python stages/step.py")
    (demo / ".git/fail").unlink()
    ran(demo)
    yardbird(demo, "run")
    assert sorted(ran(demo)) == sorted([WEIGHTS, ANALYSIS])


def test_a_wrong_parameter_is_found_before_the_first_stage(mine: Path) -> None:
    """Regression: a stage failed with a raw Errno 2, or after the others had run."""
    solo = mine / "data/raw/parker/solo.mid"
    said = "error: params.yaml: sources.parker: expected a folder of solos, found no {}; correct the path, or add it\n"
    solo.unlink()
    assert yardbird(mine, "run", status=1) == said.format("music in data/raw/parker")
    solo.parent.rmdir()
    assert yardbird(mine, "run", status=1) == said.format("folder data/raw/parker")
    assert ran(mine) == []


def test_a_stage_beside_a_failed_one_ends_and_keeps_its_result(demo: Path) -> None:
    files.write_text(demo / "data/raw/parker/more.txt", "another solo")
    (demo / ".git/wait").write_text(ANALYSIS)
    (demo / ".git/fail").write_text(WEIGHTS)
    with running(demo, "run", "--jobs", "2") as process:
        assert process.stdout is not None
        while "train failed; waiting for analyse" not in (line := process.stdout.readline()):
            assert line
        (demo / ".git/wait").unlink()
        last = process.communicate(timeout=60)[0].splitlines()[-1]
    assert process.returncode == 1
    assert ", train: failed to run: python stages/step.py" in last
    (demo / ".git/fail").unlink()
    ran(demo)
    yardbird(demo, "run")
    assert ran(demo) == [WEIGHTS]


@pytest.mark.slow
def test_each_of_two_stages_that_fail_side_by_side_is_one_line(demo: Path) -> None:
    files.write_text(demo / "data/raw/parker/more.txt", "another solo")
    (demo / ".git/wait").touch()
    (demo / ".git/fail").touch()
    with running(demo, "run", "--jobs", "2") as process:
        wait_for(lambda: log_of(demo) >= {WEIGHTS, ANALYSIS})
        (demo / ".git/wait").unlink()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert {line.partition(": failed")[0].partition(", ")[2] for line in said.splitlines()[-2:]} == {"train", "analyse"}
    assert all(line.startswith("error: stage ") for line in said.splitlines()[-2:])


def log_of(demo: Path) -> set[str]:
    log = demo / ".git/ran.txt"
    return set(log.read_text().splitlines()) if log.exists() else set()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextlib.contextmanager
def running(demo: Path, *arguments: str, background: bool = False) -> Iterator["subprocess.Popen[str]"]:
    """A command in a separate process group; at the end of the block, it is waited for.

    Args:
        background: ignore Ctrl-C, as commands in the background of a script do.
    """
    ran(demo)
    process = subprocess.Popen(
        [sys.executable, "-m", "yardbird.cli", *arguments],
        cwd=demo,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if background else None,
    )
    try:
        yield process
    finally:
        (demo / ".git/wait").unlink(missing_ok=True)
        process.wait(timeout=60)


@contextlib.contextmanager
def waiting_run(demo: Path) -> Iterator["subprocess.Popen[str]"]:
    """`yardbird run` with another seed; the block runs during its first stage."""
    files.write_text(demo / "params.yaml", (demo / "params.yaml").read_text().replace("seed: 0", "seed: 1"))
    (demo / ".git/wait").touch()
    with running(demo, "run") as process:
        wait_for(lambda: WEIGHTS in log_of(demo))
        yield process


@pytest.mark.parametrize("ended", [pytest.param("Ctrl-C", marks=pytest.mark.slow), "kill"])
def test_an_interrupted_run_stops_its_stages_and_the_next_run_continues_there(demo: Path, ended: str) -> None:
    """Regression: after `kill` the stages went on, beside those of the next run."""
    files.write_text(demo / "data/raw/parker/more.txt", "another solo")
    (demo / ".git/wait").touch()
    with running(demo, "run", "--jobs", "2", background=ended == "kill") as process:
        wait_for(lambda: log_of(demo) >= {WEIGHTS, ANALYSIS})
        if ended == "kill":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and to the stages
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "error: interrupted; the same command continues"
    ran(demo)
    yardbird(demo, "run")
    assert sorted(ran(demo)) == sorted([WEIGHTS, ANALYSIS])


def test_while_a_run_lasts_no_command_changes_its_parameters(demo: Path) -> None:
    """DVC's lock is free while a stage runs: `restore` would change the parameters of the stages to come."""
    with waiting_run(demo) as process:
        changed = call(demo, "git", "diff", "HEAD")
        for command in (("run",), ("restore",), ("exp", "--here", "-S", "seed=3")):
            said = yardbird(demo, *command, status=1)
            assert "expected one run at a time, found a running dvc or yardbird command; wait for it" in said
        assert call(demo, "git", "diff", "HEAD") == changed
    assert process.returncode == 0
    assert made_by(demo, SOLO)["seed"] == 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("params.yaml", ": params.yaml: expected valid YAML, found while parsing a flow node"),
        ("dvc.yaml", ": DVC: unable to read: 'dvc.yaml', YAML file structure is corrupted; fix it"),
        (
            "reports/stage_seconds.yaml",
            "/reports/stage_seconds.yaml: expected valid YAML, found while parsing a flow node",
        ),
    ],
)
def test_a_broken_file_of_the_pipeline_is_one_line(mine: Path, file: str, message: str) -> None:
    with (mine / file).open("a") as broken:
        broken.write("broken: [")
    (line,) = yardbird(mine, "run", status=1).splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.slow
def test_a_reader_that_stops_ends_the_run_without_an_error(demo: Path) -> None:
    """`yardbird run | head -1`"""
    command = [sys.executable, "-m", "yardbird.cli", "run"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=demo, env=environment(), stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, "")


def test_an_invalid_branch_is_reported_before_the_run(mine: Path) -> None:
    said = yardbird(mine, "run", "--record", "my demo", status=1)
    assert said == "error: git check-ref-format: 'my demo' is not a valid branch name\n"
    assert ran(mine) == []


def test_a_folder_in_the_repository_is_not_its_root(mine: Path) -> None:
    said = yardbird(mine / "stages", "run", status=1)
    assert "expected a DVC repository, found no .dvc folder; run the command in the root of the repository" in said


def test_a_folder_that_is_no_repository_is_one_line(tmp_path: Path) -> None:
    said = yardbird(tmp_path, "run", status=1)
    assert "expected a DVC repository, found no .dvc folder; run the command in the root of the repository" in said


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "about 5 seconds"), (44, "about 40 seconds"), (70, "about 1 minute"), (630, "about 10 minutes")],
)
def test_durations_are_rounded(seconds: float, words: str) -> None:
    assert about(seconds) == words
