"""One page of a tiny run, made once."""

from pathlib import Path

import pytest
from tiny_run import make_tiny_run

from yardbird.report.page import write_report


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a pipeline seems to have run."""
    return make_tiny_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def page(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    write_report(run, path)
    return path
