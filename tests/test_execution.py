"""Work over several processes gives what a loop gives, in the same order, and ends when it should."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from worker_functions import double, fill_the_disk, refuse_some, working_folder

from yardbird.errors import ConfigError, InputError, WriteError
from yardbird.execution import ExecutionConfig, over_processes, use_workers

LOCAL = ExecutionConfig(backend="local", address=None, workers=None)
Workers = Callable[[ExecutionConfig], None]


@pytest.fixture
def workers() -> Iterator[Workers]:
    yield use_workers
    use_workers(LOCAL)


def doubled(count: int, items_per_worker: int = 1) -> tuple[list[int], set[int]]:
    """The results and the processes that computed them."""
    found = list(over_processes(double, range(count), doing="double", unit="number", items_per_worker=items_per_worker))
    return [number for number, _ in found], {process for _, process in found}


def test_two_processes_give_what_a_loop_gives_in_its_order(workers: Workers) -> None:
    workers(replace(LOCAL, workers=2))
    numbers, processes = doubled(40)
    assert numbers == [2 * number for number in range(40)]
    assert os.getpid() not in processes


def test_few_items_are_computed_by_this_process_unless_workers_are_requested(workers: Workers) -> None:
    assert doubled(9, items_per_worker=5) == ([2 * number for number in range(9)], {os.getpid()})
    workers(replace(LOCAL, workers=1))
    assert doubled(9)[1] == {os.getpid()}


def test_the_error_of_the_first_bad_item_is_raised_as_it_was(workers: Workers) -> None:
    workers(replace(LOCAL, workers=2))
    found = over_processes(refuse_some, range(20), doing="check", unit="number")
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError) as caught:
        next(found)
    assert str(caught.value) == "3.mid: expected an even number, found 3; add one"
    assert (caught.value.what, caught.value.remedy) == ("3.mid", "add one")


@pytest.mark.filterwarnings("error")
def test_items_are_taken_as_they_are_needed(workers: Workers) -> None:
    workers(replace(LOCAL, workers=2))
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        while taken < 8000:
            taken += 1
            yield taken

    results = over_processes(double, numbers(), doing="double", unit="number", total=8000)
    assert next(results)[0] == 2
    assert taken < 200
    results.close()  # type: ignore[attr-defined]  # the iterator is a generator
    assert doubled(5)[0] == [0, 2, 4, 6, 8]  # later work is not disturbed


def test_a_backend_that_is_not_installed_is_refused(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    workers(ExecutionConfig(backend="ray", address=None, workers=2))
    with pytest.raises(ConfigError, match=r"execution\.backend: expected an installed .* pip install '\.\[ray\]'"):
        doubled(3)


#: A stage with two workers, each of which leaves its number and sleeps for a minute.
STAGE = textwrap.dedent("""
    from yardbird.errors import exit_on_error
    from yardbird.execution import ExecutionConfig, over_processes, use_workers
    from worker_functions import sleep
    @exit_on_error
    def main():
        use_workers(ExecutionConfig(backend="local", address=None, workers=2))
        list(over_processes(sleep, range(8), doing="sleep", unit="number"))
    main()
""")


@contextmanager
def stage_with_workers(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", list[Path]]]:
    """A stage whose two workers work, and the folders of their processes."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", STAGE], cwd=folder, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as stage:
        while len(started := list(folder.glob("*.pid"))) < 2:
            assert stage.poll() is None
            time.sleep(0.05)
        yield stage, [Path("/proc") / worker.stem for worker in started]


def test_ctrl_c_ends_the_workers_without_a_traceback(tmp_path: Path) -> None:
    with stage_with_workers(tmp_path) as (stage, workers):
        os.killpg(stage.pid, signal.SIGINT)  # as a terminal does
        _, errors = stage.communicate(timeout=60)
    assert (stage.returncode, errors) == (130, "")
    assert not any(worker.exists() for worker in workers)


def test_the_workers_of_a_killed_stage_end(tmp_path: Path) -> None:
    """Regression: they kept their memory and the open files of the stage, such as a pipe, for minutes."""
    with stage_with_workers(tmp_path) as (stage, _):
        stage.kill()
        _, errors = stage.communicate(timeout=30)  # until no worker has its stderr open any more
    assert stage.returncode == -signal.SIGKILL
    assert "Traceback" not in errors  # joblib may warn that it cleans up


def test_a_worker_whose_parent_was_killed_before_it_started_ends() -> None:
    worker = "from yardbird.execution import _start_worker; import time; _start_worker(1); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", worker], timeout=30, check=False).returncode == 1


def test_a_full_disk_in_a_worker_is_the_error_of_the_parent(workers: Workers, tmp_path: Path) -> None:
    workers(replace(LOCAL, workers=2))
    with pytest.raises(WriteError, match=r"solo\.mid: cannot write 2 kB \(No space left on device"):
        list(over_processes(fill_the_disk, [tmp_path] * 4, doing="write", unit="file"))


def test_relative_paths_are_those_of_the_parent(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers(replace(LOCAL, workers=2))
    doubled(4)  # the workers exist before the change
    monkeypatch.chdir(tmp_path)
    assert set(over_processes(working_folder, range(4), doing="look", unit="item")) == {str(tmp_path)}
