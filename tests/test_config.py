import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt
from ruamel.yaml import YAML

from yardbird.config import NOT_EMPTY, Check, PositiveInt, Settings, flatten, read_section
from yardbird.errors import ConfigError, InputError
from yardbird.generation.orders import GenerateConfig


@dataclass(frozen=True)
class Inner(Settings):
    rate: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class Outer(Settings):
    size: int
    kind: Literal["a", "b"]
    limit: int | None
    inner: Inner


GOOD = "stage:\n  size: 3\n  kind: a\n  limit: null\n  inner: {rate: 1e-3, names: [x, y]}\n"


def read(tmp_path: Path, text: str) -> Outer:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return read_section("stage", Outer, path)


PLAIN = "expected text, a number, true, false or null"


def test_a_section_becomes_its_dataclass_and_1e_3_is_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == Outer(3, "a", None, Inner(0.001, ("x", "y")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
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
        ("rate: 1e-3", "rate: .inf", "stage.inner.rate: expected a finite number, found inf"),
        ("rate: 1e-3", "rate: '1e-3'", "stage.inner.rate: expected a number, found '1e-3'"),
        ("rate: 1e-3", "rate: true", "stage.inner.rate: expected a number, found True"),
        ("rate: 1e-3, ", "tare: 1, ", "stage.inner.tare: expected one of rate, names, found an unknown key"),
        ("size: 3", "size: {three: 3}", "stage.size: expected an integer, found a section of three"),
        ("size: 3", "size: {2024-01-01: 3}", "stage.size: expected an integer, found a section of 2024-01-01"),
        ("[x, y]", "[x, 2024-01-01]", f"stage.inner.names[1]: {PLAIN}, found datetime.date(2024, 1, 1)"),
        ("kind: a", "kind: !!binary aGk=", f"stage.kind: {PLAIN}, found b'hi'"),
        ("kind: a", r'kind: "\ud800"', r"stage.kind: expected text of whole characters, found '\ud800'"),
        ("stage:", "stages:", "stage: expected a section, found nothing"),
    ],
)
def test_a_mismatch_is_one_line_naming_file_section_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, GOOD.replace(old, new))
    assert str(error.value) == f"{tmp_path / 'params.yaml'}: {message}"


@pytest.mark.parametrize("change", [{"bars": 0}, {"lowest_pitch": 127}, {"qpm": 5.0}, {"best_of": 0}, {"measured": 0}])
def test_an_invalid_value_is_reported_with_its_file_and_section(root: Path, change: dict[str, float]) -> None:
    """Regression: the message was `generate: bars: …`, as if generate were a file."""
    config = read_section("generate", GenerateConfig, root / "params.yaml")
    with pytest.raises(ConfigError, match=rf"^params\.yaml: generate\.{next(iter(change))}: expected"):
        replace(config, **change)


@dataclass(frozen=True)
class Bounded(Settings, section="stage"):
    least: Annotated[int, Ge(2)]
    above: Annotated[float, Gt(0)]
    most: Annotated[int, Le(9)]
    below: Annotated[float, Lt(1)]
    between: Annotated[float, Interval(ge=0, le=1)]
    inside: Annotated[float, Interval(gt=0, lt=1)]
    optional: PositiveInt | None
    even: Annotated[int, Ge(0), Check(lambda number: number % 2 == 0, "an even number")]
    many: Annotated[tuple[PositiveInt, ...], NOT_EMPTY]
    named: Mapping[Annotated[str, Check(str.isdecimal, "a number as a name")], tuple[PositiveInt, ...]]


SOUND = Bounded(2, 0.1, 9, 0.9, 1, 0.5, None, 4, (1, 2), {"65": (1,)})


@pytest.mark.parametrize(
    ("name", "value", "key", "message"),
    [
        ("least", 1, "least", "2 or more, found 1"),
        ("least", True, "least", "an integer, found True"),
        ("least", 2.0, "least", "an integer, found 2.0"),
        ("above", 0.0, "above", "above 0, found 0.0"),
        ("most", 10, "most", "at most 9, found 10"),
        ("below", 1, "below", "below 1, found 1"),
        ("between", 1.5, "between", "0 to 1, found 1.5"),
        ("between", float("nan"), "between", "a finite number, found nan"),
        ("inside", 1.0, "inside", "above 0, below 1, found 1.0"),
        ("optional", 0, "optional", "1 or more, found 0"),
        ("even", 3, "even", "an even number, found 3"),
        ("even", -2, "even", "0 or more, found -2"),
        ("many", (), "many", "one or more, found []"),
        ("many", (1, 0), "many[1]", "1 or more, found 0"),
        ("named", {"alto": (1,)}, "named.alto", "a number as a name, found 'alto'"),
        ("named", {"65": (0,)}, "named.65[0]", "1 or more, found 0"),
    ],
)
def test_a_constraint_is_checked_when_a_section_is_read_and_when_it_is_changed(
    tmp_path: Path, name: str, value: object, key: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        replace(SOUND, **{name: value})  # type: ignore[arg-type]  # that is the mistake
    assert str(error.value) == f"params.yaml: stage.{key}: expected {message}"
    path = tmp_path / "params.yaml"
    YAML(typ="safe").dump({"stage": to_plain(SOUND)}, path)
    assert read_section("stage", Bounded, path) == SOUND
    YAML(typ="safe").dump({"stage": to_plain(SOUND) | to_plain({name: value})}, path)
    with pytest.raises(ConfigError) as error:
        read_section("stage", Bounded, path)
    assert str(error.value) == f"{path}: stage.{key}: expected {message}"


def to_plain(values: Any) -> Any:
    """Tuples as lists, because YAML has no tuples."""
    values = asdict(values) if isinstance(values, Settings) else values
    if isinstance(values, dict):
        return {name: to_plain(value) for name, value in values.items()}
    return list(values) if isinstance(values, tuple) else values


def test_every_dataclass_of_settings_that_is_read_states_its_constraints(root: Path) -> None:
    """A dataclass that is not derived from `Settings` would be checked only when it is read."""
    configs = re.findall(r"^class (\w*Config)\b(.*):$", "\n".join(map(Path.read_text, root.glob("src/**/*.py"))), re.M)
    assert len(configs) > 20
    assert [name for name, bases in configs if "Settings" not in bases and "TransformerConfig" not in bases] == []


def test_commands_that_read_no_settings_do_not_import_pydantic() -> None:
    code = "import sys, yardbird.cli, yardbird.config; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_file_and_broken_yaml_give_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; run from the repository's root"):
        read_section("stage", Outer, tmp_path / "params.yaml")
    with pytest.raises(InputError, match="expected valid YAML"):
        read(tmp_path, "stage: [")


def test_nested_parameters_become_dotted_keys_with_values_as_in_the_file() -> None:
    nested = {"a": {"b": 1, "c": {"d": None}}, "e": "x", "f": {"g": True, "h": [1, 2]}}
    assert flatten(nested) == {"a.b": "1", "a.c.d": "null", "e": "x", "f.g": "true", "f.h": "[1, 2]"}
