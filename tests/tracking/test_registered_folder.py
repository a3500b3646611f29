from pathlib import Path

import pytest

from yardbird.errors import InputError
from yardbird.tracking.registered_folder import fetch_model, registered_references
from yardbird.tracking.store import connect


@pytest.fixture
def registered(workspace: Path, tmp_path: Path) -> Path:
    """A database with version 1 of `tune`, the champion, logged as publishing does, and its folder of weights."""
    folder = tmp_path / "logged/artifacts/music_transformer"
    folder.mkdir(parents=True)
    client, _ = connect(workspace)
    client.create_registered_model("tune")
    client.create_model_version("tune", (tmp_path / "logged").as_uri())
    client.set_registered_model_alias("tune", "champion", "1")
    return folder


@pytest.mark.parametrize("reference", ["tune@champion", "tune@1"])
def test_a_model_is_found_by_alias_and_by_version(registered: Path, workspace: Path, reference: str) -> None:
    assert fetch_model(workspace, reference) == registered


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("reference", ["tune@challenger", "tune@2", "other@champion", "tune@"])
def test_an_unregistered_model_is_a_one_line_error(workspace: Path, reference: str) -> None:
    with pytest.raises(InputError, match="expected a registered model") as error:
        fetch_model(workspace, reference)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("; choose one of tune@champion, or give a folder")


def test_fetching_creates_no_database(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no database yet"):
        fetch_model(tmp_path, "tune@champion")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("registered")
def test_registered_models_are_listed_by_alias(workspace: Path) -> None:
    assert registered_references(workspace) == ["tune@champion"]


def test_listing_creates_no_database(tmp_path: Path) -> None:
    assert registered_references(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
