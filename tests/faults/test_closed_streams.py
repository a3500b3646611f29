"""Commands whose streams are closed or full, or whose folder is deleted, end in one line or as they should."""

import subprocess
import sys
from pathlib import Path

import pytest

from yardbird.cli import app
from yardbird.errors import WriteError

DELETED = "error: working directory: expected a folder, found that it was deleted; change to the repository with cd\n"


def in_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `$yardbird` is the command."""
    line = f"yardbird='{sys.executable} -m yardbird.cli'; {line}"
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def parameters(root: Path, tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    return tmp_path


def test_a_command_in_a_deleted_folder_is_one_line(tmp_path: Path) -> None:
    """Regression: `yardbird generate` ended in a traceback, and `yardbird doctor` in a fatal error of a library."""
    folder = tmp_path / "deleted"
    folder.mkdir()
    done = in_shell("rmdir ../deleted; $yardbird generate", folder)
    assert (done.returncode, done.stderr) == (1, DELETED)


def test_a_folder_that_is_deleted_during_a_command_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(**_: object) -> None:
        folder.rmdir()
        raise WriteError(Path("out/a.mid"), 1, OSError())

    monkeypatch.setattr("yardbird.cli._cli", write)
    with pytest.raises(SystemExit) as ended:
        app(["generate"])
    assert f"{ended.value}\n" == DELETED


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_closed_stream_changes_no_exit_status(parameters: Path, closed: str) -> None:
    """Regression: with stderr closed, progress ended a command with status 1 and nothing printed."""
    program = (
        "import sys; from yardbird.cli import _open_closed_streams as o; o(); sys.stderr.write(''); sys.stdin.read()"
    )
    assert in_shell(f"{sys.executable} -c \"{program}; print('', end='')\" {closed}", parameters).returncode == 0


def test_a_full_or_closed_pipe_is_no_traceback(parameters: Path) -> None:
    full = in_shell("$yardbird --help > /dev/full", parameters)
    assert full.returncode == 1
    assert full.stderr.startswith("error: No space left on device")
    assert full.stderr.count("\n") == 1
    closed = in_shell("$yardbird --help | true; exit ${PIPESTATUS[0]}", parameters)
    assert (closed.returncode, closed.stderr) == (1, "")
