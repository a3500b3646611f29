"""A repository with a pipeline of three stages that run in milliseconds, and whose bytes depend on the machine."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from dvc.cli import main as dvc_main  # before stdout is redirected: DVC's log handlers keep that of the first import

from yardbird import files
from yardbird.cli import app

ROOT = Path(__file__).resolve().parents[1]
AUDIO = re.search(r"^audio:.*?(?=^\w)", (ROOT / "params.yaml").read_text(encoding="utf-8"), re.M | re.S)
PARAMS = f"""\
# the only place for defaults
seed: 0 # of all random streams
sources: # name: folder
  parker: data/raw/parker
{AUDIO[0]}bars: [1, 2] # in one line
"""
PIPELINE = """\
stages:
  train:
    cmd: python stages/step.py models/toy/weights.txt reports/train.json
    params: [seed]
    deps: [data/raw/parker, stages/step.py]
    outs: [models/toy]
    metrics:
      - reports/train.json:
          cache: false
  analyse:
    cmd: python stages/step.py analysis.txt
    deps: [data/raw/parker, stages/step.py]
    outs: [analysis.txt]
  generate:
    cmd: python stages/step.py data/generated/toy/solo.wav
    deps: [models/toy, stages/step.py]
    outs: [data/generated/toy]
"""
#: A stage: writes what identifies seed and machine, and notes that it ran. It waits or fails if a file says so, which
#: may name the output of one stage.
STEP = """\
import json, os, re, sys, time
from pathlib import Path

log = Path(os.environ["DVC_ROOT"]) / ".git" / "ran.txt"
log.open("a").write(sys.argv[1] + "\\n")
log.with_name("workers.txt").open("a").write(sys.argv[1] + " " + os.environ.get("LOKY_MAX_CPU_COUNT", "") + "\\n")
def says(name):
    file = Path(os.environ["DVC_ROOT"]) / ".git" / name
    return file.exists() and file.read_text() in ("", sys.argv[1])

while says("wait"):
    time.sleep(0.05)
if says("fail"):
    sys.exit("error: no more space")
seed = re.search(r"seed: (\\d+)", Path("params.yaml").read_text())[1]
for path in map(Path, sys.argv[1:]):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"seed": int(seed), "machine": os.environ.get("MACHINE", "mine")}
    path.write_text(json.dumps(made, indent=2 if "reports" in path.parts else None))
"""


def environment(machine: str = "mine") -> dict[str, str]:
    """The environment of a process on some machine, where Git knows a user and reads no settings of ours."""
    people = {f"GIT_{who}_{what}": "user@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return inherited | people | git | {"PATH": path, "MACHINE": machine, "DVC_NO_ANALYTICS": "1"}


def call(folder: Path, *command: str, machine: str = "mine", status: int = 0) -> str:
    """The output of a command, stdout and stderr together; `status` is the expected exit status."""
    if command[0] == "dvc":
        return _inside(folder, lambda: sys.exit(dvc_main(list(command[1:]))), machine, status)
    done = subprocess.run(
        command, cwd=folder, env=environment(machine), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def yardbird(folder: Path, *arguments: str, machine: str = "mine", status: int = 0) -> str:
    """The output of the command line and of the stages it runs."""
    return _inside(folder, lambda: app(arguments), machine, status)


def _inside(folder: Path, run: Callable[[], object], machine: str, status: int) -> str:
    """The output of a program that runs in this process, since importing DVC takes a second."""
    stdout, stderr = os.dup(1), os.dup(2)
    code: object = 0
    with tempfile.TemporaryFile("w+", buffering=1) as output:
        try:
            for number in (1, 2):
                os.dup2(output.fileno(), number)
            with (
                patch.dict(os.environ, environment(machine), clear=True),
                contextlib.chdir(folder),
                contextlib.redirect_stdout(output),
                contextlib.redirect_stderr(output),
            ):
                run()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            os.close(stdout)
            os.close(stderr)
        output.seek(0, os.SEEK_END)
        if isinstance(code, str):  # as Python does at the end of a process
            output.write(f"{code}\n")
            code = 1
        output.seek(0)
        said = output.read()
    assert code == status, said
    return said


def ran(folder: Path) -> list[str]:
    """The outputs whose stages really ran since the last call."""
    log = folder / ".git/ran.txt"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def make_repository(folder: Path) -> Path:
    """A repository whose pipeline has run on another machine: its dvc.lock names bytes that no cache here has."""
    folder.mkdir(parents=True)
    for path, text in (("params.yaml", PARAMS), ("dvc.yaml", PIPELINE), ("stages/step.py", STEP)):
        files.write_text(folder / path, text)
    shutil.copy(ROOT / ".gitignore", folder)
    add_data(folder)
    for command in (
        ["git", "init", "-q", "--initial-branch=main"],
        ["dvc", "init", "-q"],
        ["dvc", "config", "core.autostage", "false"],
        ["dvc", "repro", "-q"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "Run the pipeline"],
    ):
        call(folder, *command, machine="theirs")
    ran(folder)
    return folder


def add_data(folder: Path) -> None:
    """Solos of the user, which Git ignores, and a folder of recordings."""
    files.write_text(folder / "data/raw/parker/solo.mid", "a solo")
    files.write_text(folder / "data/recordings/README.md", "none")


def clone(repository: Path, folder: Path) -> Path:
    """A fresh clone with the data of its user, but without the cache of the repository."""
    call(folder.parent, "git", "clone", "-q", str(repository), str(folder))
    add_data(folder)
    return folder


def made_by(folder: Path, path: str) -> dict[str, object]:
    """Seed and machine of an output."""
    content: dict[str, object] = files.read_json(folder / path)
    return content
