from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from yardbird.config import flatten, read_section
from yardbird.errors import ConfigError, InputError
from yardbird.generation.orders import GenerateConfig


@dataclass(frozen=True)
class Inner:
    rate: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    size: int
    kind: Literal["a", "b"]
    limit: int | None
    inner: Inner


GOOD = "stage:\n  size: 3\n  kind: a\n  limit: null\n  inner: {rate: 1e-3, names: [x, y]}\n"


def read(tmp_path: Path, text: str) -> Outer:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return read_section("stage", Outer, path)


def test_a_section_becomes_its_dataclass_and_1e_3_is_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == Outer(3, "a", None, Inner(0.001, ("x", "y")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size: 3", "size: three", "stage.size: expected an integer, found 'three'"),
        ("size: 3", "size: true", "stage.size: expected an integer, found True"),
        ("size: 3", "size: 3.5", "stage.size: expected an integer, found 3.5"),
        ("kind: a", "kind: c", "stage.kind: expected 'a' or 'b', found 'c'"),
        ("limit: null", "limit: x", "stage.limit: expected an integer, found 'x'"),
        ("  size: 3\n", "", "stage.size: expected a value, found nothing"),
        ("size: 3", "size: 3\n  sise: 4", "stage.sise: expected one of size, kind, limit, inner, found an unknown key"),
        ("[x, y]", "[x, 2]", "stage.inner.names[1]: expected text, found 2"),
        ("[x, y]", "x", "stage.inner.names: expected a list, found 'x'"),
        ("{rate: 1e-3, names: [x, y]}", "4", "stage.inner: expected a section, found 4"),
        ("stage:", "stages:", "stage: expected a section, found nothing"),
    ],
)
def test_a_mismatch_is_one_line_naming_file_section_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, GOOD.replace(old, new))
    assert str(error.value) == f"{tmp_path / 'params.yaml'}: {said}"


@pytest.mark.parametrize("change", [{"bars": 0}, {"lowest_pitch": 127}, {"qpm": 5.0}, {"best_of": 0}, {"measured": 0}])
def test_an_invalid_value_is_reported_with_its_file_and_section(root: Path, change: dict[str, float]) -> None:
    """Regression: the message was `generate: bars: …`, as if generate were a file."""
    config = read_section("generate", GenerateConfig, root / "params.yaml")
    with pytest.raises(ConfigError, match=rf"^params\.yaml: generate\.{next(iter(change))}: expected"):
        replace(config, **change)


def test_a_missing_file_and_broken_yaml_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; run from the repository's root"):
        read_section("stage", Outer, tmp_path / "params.yaml")
    with pytest.raises(InputError, match="expected valid YAML"):
        read(tmp_path, "stage: [")


def test_nested_parameters_become_dotted_keys_with_values_as_in_the_file() -> None:
    nested = {"a": {"b": 1, "c": {"d": None}}, "e": "x", "f": {"g": True, "h": [1, 2]}}
    assert flatten(nested) == {"a.b": "1", "a.c.d": "null", "e": "x", "f.g": "true", "f.h": "[1, 2]"}
