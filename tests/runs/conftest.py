"""Repositories with a tiny pipeline, made once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from tiny_pipeline import clone, make_repository, ran, yardbird


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a dvc.lock from another machine."""
    return make_repository(tmp_path_factory.mktemp("theirs") / "repository")


@pytest.fixture(scope="session")
def recorded(theirs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of it, in which the pipeline has run on this machine and is recorded."""
    made = clone(theirs, tmp_path_factory.mktemp("recorded") / "repository")
    yardbird(made, "run", "--record", "demo")
    ran(made)
    return made


@pytest.fixture
def mine(theirs: Path, tmp_path: Path) -> Path:
    """A fresh clone on this machine."""
    return clone(theirs, tmp_path / "mine")


@pytest.fixture
def demo(recorded: Path, tmp_path: Path) -> Path:
    """A clone in which the pipeline has run and is recorded."""
    return shutil.copytree(recorded, tmp_path / "mine")
