"""One strict reader for params.yaml: a frozen dataclass a section, no defaults, every mismatch one clear line."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from yardbird.errors import ConfigError, InputError

PARAMS = Path("params.yaml")

#: What a source is for: the players to learn, or more solos to learn from before them.
Role = Literal["target", "background"]
TARGET: Role = "target"
BACKGROUND: Role = "background"

Config = TypeVar("Config")

_NAMES: dict[type, str] = {int: "an integer", float: "a number", str: "text", bool: "true or false"}


def read_params(path: Path = PARAMS) -> Mapping[str, Any]:
    """The whole file as plain mappings (ruamel reads 1e-3 as a number, as DVC does)."""
    try:
        content = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise InputError(
            path, expected="the parameters", found="no such file", remedy="run from the repository's root"
        ) from None
    except YAMLError as error:
        line = " ".join(str(error).split())
        raise InputError(path, expected="valid YAML", found=line, remedy="mend the line named") from None
    if not isinstance(content, dict):
        raise ConfigError(path, "(top level)", expected="sections", found=_show(content))
    return content


def read_section(section: str, config: type[Config], path: Path = PARAMS) -> Config:
    """Read one section, e.g. `read_section("split", SplitConfig)`; dots descend: `music_transformer.training`.

    Raises:
        ConfigError: a key is unknown, missing, or its value has the wrong type.
    """
    value: Any = read_params(path)
    for depth, key in enumerate(section.split(".")):
        if not isinstance(value, dict) or key not in value:
            name = ".".join(section.split(".")[: depth + 1])
            raise ConfigError(path, name, expected="a section", found="nothing")
        value = value[key]
    return typing.cast(Config, _convert(value, config, section, path))


def read_seed(path: Path = PARAMS) -> int:
    """The one seed from which every stage derives its random streams."""
    return typing.cast(int, _convert(read_params(path).get("seed"), int, "seed", path))


def flatten(section: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as dotted key → value, written as in params.yaml: `{"a": {"b": True}}` → `{"a.b": "true"}`."""
    flat: dict[str, str] = {}
    for name, value in section.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": _plain(value)}
    return flat


def _plain(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _convert(value: Any, kind: Any, key: str, path: Path) -> Any:
    """`value` as `kind`: dataclasses, tuples, mappings, literals, optionals and plain types."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _convert_section(value, typing.cast(type, kind), key, path)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _convert(value, inner, key, path)
    if origin is Literal:
        if value not in arguments or type(value) not in {type(argument) for argument in arguments}:
            raise ConfigError(path, key, expected=" or ".join(map(repr, arguments)), found=_show(value))
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(path, key, expected="a list", found=_show(value))
        return tuple(_convert(item, arguments[0], f"{key}[{index}]", path) for index, item in enumerate(value))
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise ConfigError(path, key, expected="a mapping", found=_show(value))
        return {str(name): _convert(item, arguments[1], f"{key}.{name}", path) for name, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(path, key, expected=_NAMES[kind], found=_show(value))
    return value


def _convert_section(value: Any, kind: type, key: str, path: Path) -> Any:
    if not isinstance(value, dict):
        raise ConfigError(path, key, expected="a section", found=_show(value))
    hints = typing.get_type_hints(kind)
    for unknown in value.keys() - hints.keys():
        raise ConfigError(path, f"{key}.{unknown}", expected=f"one of {', '.join(hints)}", found="an unknown key")
    for missing in [name for name in hints if name not in value]:
        raise ConfigError(path, f"{key}.{missing}", expected="a value", found="nothing")
    return kind(**{name: _convert(value[name], hint, f"{key}.{name}", path) for name, hint in hints.items()})


def _show(value: Any) -> str:
    return "a section" if isinstance(value, dict) else repr(value)
