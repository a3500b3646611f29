"""The settings in params.yaml: one strict reader, and constraints for the fields of a section."""

import dataclasses
import functools
import itertools
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from annotated_types import Ge, GroupedMetadata, Gt, Interval, Predicate
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from yardbird.errors import ConfigError, InputError
from yardbird.yaml_text import parsed_yaml

if TYPE_CHECKING:  # the import of pydantic takes a tenth of a second, so only the functions that use it import it
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import ErrorDetails

PARAMS = Path("params.yaml")

#: The use of a source: the players to imitate, or additional solos to train on before them.
Role = Literal["target", "background"]
TARGET: Role = "target"
BACKGROUND: Role = "background"

#: What a solo is used for: learning, choosing the best epoch, or the evaluation.
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = typing.get_args(Split)

PositiveInt = Annotated[int, Ge(1)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
#: A share; 0 and 1 are allowed.
Share = Annotated[float, Interval(ge=0, le=1)]
#: A share below 1, such as dropout.
ShareBelowOne = Annotated[float, Interval(ge=0, lt=1)]
PositiveShare = Annotated[float, Interval(gt=0, le=1)]
#: Layers of a network, and the width of one: bounds against a slip that would fill the memory.
Layers = Annotated[int, Interval(ge=1, le=256)]
Width = Annotated[int, Interval(ge=1, le=65_536)]
MidiNumber = Annotated[int, Interval(ge=0, le=127)]

Config = TypeVar("Config")


@dataclasses.dataclass(frozen=True)
class Check(Predicate):
    """A constraint that bounds cannot express: a function of the value, and the text for its error message."""

    expected: str


NOT_EMPTY = Check(bool, "one or more")
ASCENDING = Check(lambda pair: len(pair) == 2 and pair[0] < pair[1], "lowest, highest")


class Settings:
    """Base class of the sections of params.yaml: frozen dataclasses without defaults, with constraints on the fields.

    The constraints are checked for every instance, also if it is built in code or by `dataclasses.replace`. To check a
    condition on several fields, override `__post_init__` and call this one first. Errors outside the reader name
    `section`, or the class if it has no section.

    >>> @dataclasses.dataclass(frozen=True)
    ... class ComposeConfig(Settings, section="compose"):
    ...     solos: PositiveInt
    >>> ComposeConfig(solos=0)
    Traceback (most recent call last):
    yardbird.errors.ConfigError: params.yaml: compose.solos: expected 1 or more, found 0
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"allow_inf_nan": False}
    section: ClassVar[str]

    def __init_subclass__(cls, *, section: str = "") -> None:
        cls.section = section

    def __post_init__(self) -> None:
        from pydantic import ValidationError

        config: Any = type(self)
        for name, adapter in _adapters(config).items():
            try:
                adapter.validate_python(getattr(self, name), strict=True)
            except ValidationError as error:
                raise _first_error(error, config, self.section, self._file(), (name,)) from None

    def require(self, holds: bool, key: str, expected: str) -> None:
        """Raise a `ConfigError` for field `key` if a condition on several fields does not hold."""
        if not holds:
            found = _show(getattr(self, key))
            raise ConfigError(self._file(), _join(self.section, key), expected=expected, found=found)

    def _file(self) -> Path | str:
        return PARAMS if self.section else type(self).__name__


def read_params(path: Path = PARAMS) -> Mapping[str, Any]:
    """The whole file as plain mappings (ruamel reads 1e-3 as a number, like DVC); an unchanged file is parsed once."""
    try:
        content = parsed_yaml(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            path, expected="the parameters", found="no such file", remedy="run from the repository's root"
        ) from None
    except RecursionError:
        found = "brackets or sections inside each other, too deep to read"
        raise InputError(path, expected="valid YAML", found=found, remedy="correct it") from None
    except YAMLError as error:
        raise InputError(path, expected="valid YAML", found=_fault(error), remedy="correct that line") from None
    except UnicodeDecodeError:
        raise InputError(path, expected="UTF-8 text", found="another encoding", remedy="save it as UTF-8") from None
    except Exception as error:  # ruamel raises many types of errors for values such as the date 2001-13-32
        found = f"a value that cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:80]})"
        raise InputError(path, expected="valid YAML", found=found, remedy="correct it") from None
    if not isinstance(content, dict):
        raise ConfigError(path, "(top level)", expected="sections", found=_show(content))
    return content


def _fault(error: YAMLError) -> str:
    """The error of a YAML parser in one line that names each place once."""
    if not isinstance(error, MarkedYAMLError):
        return " ".join(str(error).replace(' in "<unicode string>",', " at").split())
    parts = ((error.context, error.context_mark), (error.problem, error.problem_mark))
    places = (f"{text} in line {mark.line + 1}, column {mark.column + 1}" for text, mark in parts if text and mark)
    return ", ".join(places).removeprefix("found ")


def read_section(section: str, config: type[Config], path: Path = PARAMS) -> Config:
    """Read one section, e.g. `read_section("split", SplitConfig)`; dots descend: `music_transformer.training`.

    Raises:
        ConfigError: a key is unknown or missing, or its value has the wrong type or violates a constraint.
    """
    return typing.cast(Config, _parse(_value_at(read_params(path), section, path), config, section, path))


def section_problems(content: Mapping[str, Any], section: str, config: Any, path: Path = PARAMS) -> list[ConfigError]:
    """All errors that `read_section` could raise for a section of the file's `content`, each once.

    A condition on several fields is checked only where each field is valid.
    """
    from pydantic import ValidationError

    try:
        _validate(_value_at(content, section, path), config, section, path)
    except ConfigError as error:
        return [error]
    except ValidationError as error:
        return _all_errors(error, config, section, path)
    return []


def _value_at(content: Any, section: str, path: Path) -> Any:
    value = content
    for depth, key in enumerate(section.split(".")):
        if not isinstance(value, dict) or key not in value:
            name = ".".join(section.split(".")[: depth + 1])
            raise ConfigError(path, name, expected="a section", found="nothing")
        value = value[key]
    return value


def read_seed(path: Path = PARAMS) -> int:
    """The seed from which all stages derive their random streams."""
    return typing.cast(int, _parse(read_params(path).get("seed"), int, "seed", path))


def flatten(section: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as dotted key → value, written as in params.yaml: `{"a": {"b": True}}` → `{"a.b": "true"}`."""
    flat: dict[str, str] = {}
    for name, value in section.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": _plain(value)}
    return flat


def _plain(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _parse(value: Any, kind: Any, key: str, path: Path) -> Any:
    from pydantic import ValidationError

    try:
        return _validate(value, kind, key, path)
    except ValidationError as error:
        raise _first_error(error, kind, key, path) from None


def _validate(value: Any, kind: Any, key: str, path: Path) -> Any:
    from pydantic import TypeAdapter

    # As JSON, because strict validation of Python values accepts no list for a tuple and no mapping for a dataclass.
    text = json.dumps(_checked(value, key, path))
    return TypeAdapter(kind).validate_json(text, strict=True, extra="forbid")


def _checked(value: Any, key: str, path: Path) -> Any:
    """The value with text as keys. Dates, bytes and broken Unicode, which YAML can contain, are refused."""
    if isinstance(value, Mapping):
        return {str(name): _checked(item, f"{key}.{name}", path) for name, item in value.items()}
    if isinstance(value, list):
        return [_checked(item, f"{key}[{index}]", path) for index, item in enumerate(value)]
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise ConfigError(path, key, expected="text of whole characters", found=repr(value))
    if not isinstance(value, str | int | float | None):
        raise ConfigError(path, key, expected="text, a number, true, false or null", found=repr(value))
    return value


@functools.cache
def _adapters(config: type) -> "dict[str, TypeAdapter[Any]]":
    """A validator for each field that is not a nested section."""
    from pydantic import ConfigDict, TypeAdapter

    finite = ConfigDict(allow_inf_nan=False)
    hints = typing.get_type_hints(config, include_extras=True)
    names = [field.name for field in dataclasses.fields(config)]
    plain = [name for name in names if not dataclasses.is_dataclass(hints[name])]
    return {name: TypeAdapter(hints[name], config=finite) for name in plain}


#: Pydantic appends it to the location of an error in the key of a mapping.
_KEY = "[key]"

#: Kind of a pydantic error → the text after "expected"; bounds and checks have their own texts.
_EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a section",
    "missing": "a value",
}


def _first_error(
    error: "ValidationError", kind: Any, key: str, path: Path | str, outer: tuple[int | str, ...] = ()
) -> ConfigError:
    """The first of pydantic's errors in one line."""
    return _all_errors(error, kind, key, path, outer)[0]


def _all_errors(
    error: "ValidationError", kind: Any, key: str, path: Path | str, outer: tuple[int | str, ...] = ()
) -> list[ConfigError]:
    """Pydantic's errors, a line each; unknown keys are first, as they may be misspelt missing keys.

    Args:
        kind: the type of the value named `key`; the errors are at `outer`, followed by the location from pydantic.
    """
    found = sorted(error.errors(), key=lambda one: one["type"] != "unexpected_keyword_argument")
    return [_one_error(one, kind, key, path, outer) for one in found]


def _one_error(
    found: "ErrorDetails", kind: Any, key: str, path: Path | str, outer: tuple[int | str, ...]
) -> ConfigError:
    location, value = (*outer, *found["loc"]), found["input"]
    name = functools.reduce(_join, location, key)
    if found["type"] == "unexpected_keyword_argument":
        known = ", ".join(field.name for field in dataclasses.fields(_type_at(kind, location[:-1])[0]))
        return ConfigError(path, name, expected=f"one of {known}", found="an unknown key")
    constraints = _type_at(kind, location)[1]
    if found["type"] == "predicate_failed":
        checks = (constraint for constraint in constraints if isinstance(constraint, Check))
        expected = next(check.expected for check in checks if not check.func(value))
    elif found["type"] == "literal_error":
        expected = found["ctx"]["expected"]
    else:
        expected = _EXPECTED.get(found["type"]) or _bounds(constraints)
    return ConfigError(path, name, expected=expected, found="nothing" if found["type"] == "missing" else _show(value))


def _type_at(kind: Any, location: tuple[int | str, ...]) -> tuple[Any, list[Any]]:
    """The type at a location inside `kind`, without None and annotations, and its constraints."""
    constraints: list[Any] = []
    while typing.get_origin(kind) in (Annotated, typing.Union, types.UnionType):
        if typing.get_origin(kind) is Annotated:
            kind, *annotations = typing.get_args(kind)
            constraints += annotations
        else:
            (kind,) = (choice for choice in typing.get_args(kind) if choice is not type(None))
    if not location:
        return kind, constraints
    if location[1:] == (_KEY,):
        return _type_at(typing.get_args(kind)[0], ())
    if dataclasses.is_dataclass(kind):
        inner = typing.get_type_hints(kind, include_extras=True)[str(location[0])]
    else:
        inner = typing.get_args(kind)[0 if typing.get_origin(kind) is tuple else 1]
    return _type_at(inner, location[1:])


def _bounds(constraints: list[Any]) -> str:
    """The text for all bounds of a number."""
    single = itertools.chain.from_iterable(
        constraint if isinstance(constraint, GroupedMetadata) else [constraint] for constraint in constraints
    )
    bounds = {
        name: value
        for bound in single
        if not isinstance(bound, Check)
        for name, value in dataclasses.asdict(bound).items()
    }
    low = f"{bounds['ge']}" if "ge" in bounds else f"above {bounds['gt']}" if "gt" in bounds else ""
    high = f"at most {bounds['le']}" if "le" in bounds else f"below {bounds['lt']}" if "lt" in bounds else ""
    if "ge" not in bounds:
        return ", ".join(filter(None, (low, high)))
    return f"{low} to {high.removeprefix('at most ')}" if high else f"{low} or more"


def _join(key: str, part: int | str) -> str:
    """Append a part of the path to `key`: an index in brackets, or a name after a dot."""
    if isinstance(part, int):
        return f"{key}[{part}]"
    return key if part == _KEY else f"{key}.{part}" if key else part


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"a section of {', '.join(map(str, value)) or 'nothing'}"
    return repr(list(value) if isinstance(value, tuple) else value)
