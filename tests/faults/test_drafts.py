"""A killed process leaves its drafts where no stage looks, and the next process that writes deletes them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from yardbird import files

WRITER = """
import os, sys, time
from pathlib import Path
from yardbird import files
with files.replacing_folder(Path("models/toy")) as draft:
    files.write_text(draft / "weights.txt", "new")
    print(draft, flush=True)
    if len(sys.argv) > 1:
        time.sleep(60)
"""


#: As on a disk that cannot exchange two folders, with a kill between the two renames.
KILLED = """
import os, signal
from pathlib import Path
from yardbird import files
files._exchanged = lambda one, other: False
rename = Path.rename
def rename_and_die(path, target):
    rename(path, target)
    os.kill(os.getpid(), signal.SIGKILL)
Path.rename = rename_and_die
with files.replacing_folder(Path("models/toy")) as draft:
    files.write_text(draft / "weights.txt", "new")
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(*arguments: str) -> tuple["subprocess.Popen[str]", Path]:
    """A process that writes a folder, and its draft. With an argument, it waits inside."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_draft_of_a_killed_process_is_in_no_output_and_the_next_process_deletes_it(repository: Path) -> None:
    files_before = set(repository.glob("*"))
    for _ in range(2):
        killed, draft = start("wait")
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert (draft / "weights.txt").exists()
        assert draft.is_relative_to(repository / ".dvc/tmp/drafts")
        assert list(Path("models").iterdir()) == []
    process, _ = start()
    process.communicate()
    assert [path.name for path in Path("models").rglob("*")] == ["toy", "weights.txt"]
    assert [path.name for path in (repository / ".dvc/tmp/drafts").iterdir()] == ["lock"]
    assert set(repository.glob("*")) == {*files_before, repository / "models"}


def test_the_draft_of_a_running_process_is_kept(repository: Path) -> None:
    running, draft = start("wait")
    try:
        process, _ = start()
        process.communicate()
        assert (draft / "weights.txt").exists()
        assert Path("models/toy/weights.txt").exists()
    finally:
        running.kill()
        running.communicate()


def test_the_next_use_puts_back_the_folder_of_a_process_killed_between_its_renames(repository: Path) -> None:
    """Regression: the old folder was only in the drafts, which the next process deleted."""
    files.write_text(Path("models/toy/weights.txt"), "old")
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not Path("models/toy").exists()
    with files.replacing_folder(Path("models/toy")) as draft:
        assert Path("models/toy/weights.txt").read_text() == "old"
        files.write_text(draft / "weights.txt", "new")
    assert [path.name for path in Path("models").rglob("*")] == ["toy", "weights.txt"]
    assert Path("models/toy/weights.txt").read_text() == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may not exchange folders")
def test_a_folder_that_is_replaced_is_there_at_every_moment(repository: Path) -> None:
    folder = Path("models/toy")
    files.write_text(folder / "weights.txt", "old")
    if not files._exchanged(folder, folder):
        pytest.skip("this disk cannot exchange folders")

    def replace() -> None:
        for number in range(200):
            with files.replacing_folder(folder) as draft:
                files.write_text(draft / "weights.txt", str(number))

    writer = Thread(target=replace)
    writer.start()
    while writer.is_alive():
        assert folder.exists()
    assert (folder / "weights.txt").read_text() == "199"


def test_a_draft_on_another_disk_or_outside_a_repository_is_next_to_its_target(
    tmp_path: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    with files.replacing_folder(outside / "out") as draft:
        assert draft.parent == outside
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk")
    folder = memory / f"yardbird_{os.getpid()}_{time.time_ns()}"
    folder.mkdir()
    try:
        (repository / "data").symlink_to(folder)
        with files.replacing_folder(repository / "data/out") as draft:
            files.write_text(draft / "a.txt", "a")
            assert draft.parent == repository / "data"
        assert (folder / "out/a.txt").read_text() == "a"
    finally:
        shutil.rmtree(folder)
