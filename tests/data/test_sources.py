"""The corpus is the sources that params.yaml names."""

from pathlib import Path

import pytest
from solo_rows import row, solo, write_ingested

from yardbird.data.manifest import read_solos
from yardbird.data.sources import read_sources, remove_other_sources
from yardbird.errors import ConfigError, InputError


@pytest.fixture
def ingested(tmp_path: Path) -> Path:
    """Two sources, and the folder of a killed ingestion."""
    names = ["mine/a", "mine/b", "his/a"]
    write_ingested(tmp_path, {name: solo(seed) for seed, name in enumerate(names)}, [row(name) for name in names])
    (tmp_path / ".mine.x1y2z3").mkdir()
    return tmp_path


def test_only_the_named_sources_are_read(ingested: Path) -> None:
    assert [entry.solo for entry in read_solos(ingested, ["mine"])] == ["mine/a", "mine/b"]
    assert [entry.solo for entry in read_solos(ingested, ["mine", "his"])] == ["his/a", "mine/a", "mine/b"]


def test_a_source_that_is_not_ingested_gives_a_one_line_error(ingested: Path) -> None:
    with pytest.raises(InputError, match="yours: expected ingested solos, found none; run the ingest stage first"):
        read_solos(ingested, ["mine", "yours"])


def test_other_sources_are_removed_and_links_are_not_followed(ingested: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept.mid").touch()
    (ingested / "linked").symlink_to(elsewhere)
    assert remove_other_sources(ingested, ["his"]) == [".mine.x1y2z3", "linked", "mine"]
    assert [path.name for path in ingested.iterdir()] == ["his"]
    assert (elsewhere / "kept.mid").exists()
    assert remove_other_sources(ingested / "nowhere", ["his"]) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sources: {}", "sources: expected at least one source, found none"),
        ("sources: {../mine: a}", "sources.../mine: expected a name without slashes or a dot first, found ../mine"),
        ("sources: {a/b: a}", "sources.a/b: expected a name without slashes or a dot first, found a/b"),
        ("sources: {mine: 3}", "sources.mine: expected text, found 3"),
    ],
)
def test_invalid_sources_give_a_one_line_error(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_sources(tmp_path / "params.yaml")
    assert str(raised.value).endswith(error)
