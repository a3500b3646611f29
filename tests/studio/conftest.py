"""The fixtures of these tests."""

from pathlib import Path

import pytest
from tiny_corpus import codec, data  # noqa: F401
from tiny_studio import make_tiny_studio

from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.reference_solos import ReferenceSolos
from yardbird.studio.studio_session import Session


@pytest.fixture(scope="session")
def project(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    return make_tiny_studio(tmp_path_factory.mktemp("project"), data)


@pytest.fixture(autouse=True)
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory is the project."""
    monkeypatch.chdir(project)


@pytest.fixture(scope="session")
def shelf(project: Path) -> ModelShelf:
    return ModelShelf(project / "models")


@pytest.fixture(scope="session")
def references(project: Path) -> ReferenceSolos:
    return ReferenceSolos(project / "data")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session.start(tmp_path / "out")
