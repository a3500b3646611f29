"""The locked packages, every module and some tests on the other supported versions of Python that this machine has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTED = [
    "tests/music",
    "tests/nn",
    "tests/tables",
    "tests/models/test_pretrained.py",
    "tests/tracking/test_hub_export.py",
]
UNREACHABLE = ("error sending request", "Failed to fetch", "Failed to download")  # messages of uv
VENV_GB = 15  # the packages, and their copy in uv's cache
IMPORT_ALL = """
import importlib, pkgutil, yardbird
for module in pkgutil.walk_packages(yardbird.__path__, "yardbird."):
    if not module.name.startswith("yardbird.serving.registered."):  # executed by MLflow, with a model
        importlib.import_module(module.name)
"""


def interpreter(version: str) -> Path | None:
    """A Python of a version: on the path, or installed by pyenv, whose commands on the path may not run it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = shutil.which(f"python{version}")
    for path in [*([Path(named)] if named else []), *sorted(pyenv.glob(f"{version}.*/bin/python"))]:
        found = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if found.stdout.startswith(f"Python {version}."):
            return path
    return None


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_locked_packages_install_and_the_library_works(version: str, root: Path, tmp_path: Path) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("this Python, which runs all tests")
    if (python := interpreter(version)) is None:
        pytest.skip(f"there is no Python {version} on this machine")
    if (free := shutil.disk_usage(tmp_path).free / 1e9) < VENV_GB:
        pytest.skip(f"a virtual environment may need {VENV_GB} GB, there are {free:.0f}")
    venv, uv = tmp_path / "venv", [sys.executable, "-m", "uv", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}

    def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, capture_output=True, text=True, cwd=root, env=environment, timeout=1000, check=False
        )

    run(*uv, "venv", "--python", python, venv)
    try:
        installed = run(*uv, "pip", "install", "--python", venv, "--requirement", "requirements.lock")
        if any(text in installed.stderr for text in UNREACHABLE):
            pytest.skip(f"no access to the package index: {installed.stderr.splitlines()[0]}")
        assert installed.returncode == 0, installed.stderr
        imported = run(venv / "bin/python", "-c", IMPORT_ALL)
        assert imported.returncode == 0, imported.stderr
        tested = run(venv / "bin/python", "-m", "pytest", "-m", "not slow", *TESTED)
        assert tested.returncode == 0, tested.stdout
        print(version, tested.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(tmp_path, ignore_errors=True)  # gigabytes
