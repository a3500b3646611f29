"""A repository that was moved with its .venv: `make` notices it, and the scripts run the Python of the new folder."""

import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = "import sys\nprint(sys.prefix)\n"


@pytest.fixture
def moved(root: Path, tmp_path: Path) -> Path:
    """A repository with an installed .venv, in another folder than the one in which it was made."""
    first = tmp_path / "first place"
    (first / ".ci").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(root / name, first)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=first, check=True)
    scripts = first / ".venv/bin"
    heads = {"plain": f"#!{scripts}/python", "quoted": f"#!/bin/sh\n'''exec' \"{scripts}/python\" \"$0\" \"$@\"\n' '''"}
    for name, head in heads.items():
        (scripts / name).write_text(f"{head}\n{SCRIPT}")
        (scripts / name).chmod(0o755)
    (scripts / "tool").write_text("#!/bin/sh\necho a shell script\n")
    (first / ".venv/.installed").touch()
    os.utime(first / ".venv/.installed", (time.time() + 9, time.time() + 9))
    return first.rename(tmp_path / 'second "place" $HOME 50% `x` ü')


def test_scripts_of_a_moved_environment_run_its_python(root: Path, moved: Path) -> None:
    scripts = moved / ".venv/bin"
    relocate = runpy.run_path(str(root / ".ci/relocate.py"))["relocate"]
    assert relocate(scripts) == 2
    assert relocate(scripts) == 0
    for name in ("plain", "quoted"):
        said = subprocess.run([scripts / name], capture_output=True, text=True, check=True).stdout
        assert said == f"{moved}/.venv\n"
    assert (scripts / "tool").read_text() == "#!/bin/sh\necho a shell script\n"


def test_make_installs_again_only_if_the_environment_was_made_in_another_folder(moved: Path) -> None:
    """Regression: after `mv`, all targets failed, because `make` ran the scripts of the former folder."""

    def planned(folder: Path) -> str:
        command = ["make", "-n", f"PYTHON={sys.executable}", ".venv/.installed"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout

    assert ".ci/relocate.py .venv/bin" in planned(moved)
    back = moved.rename(moved.parent / "first place")
    assert "up to date" in planned(back)
    link = moved.parent / "link"  # a repository whose .venv is elsewhere
    link.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(back / name, link)
    (link / ".venv").symlink_to(back / ".venv")
    assert "relocate" not in planned(link)
