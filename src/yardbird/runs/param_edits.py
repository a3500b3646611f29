"""Changes of params.yaml that keep its comments, its order and the form of all other lines."""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from yardbird import files
from yardbird.config import PARAMS
from yardbird.errors import ConfigError, InputError

_LONGEST = 1_000  # characters of an override: Python reads no number of 4,300 digits, and Hydra's parser is slow
_PLAIN = re.compile(r"[A-Za-z_./][\w./ -]*")
_READS_AS_OTHER = re.compile(r"true|false|null|yes|no|on|off|[.]?(inf|nan)|~", re.I)


def with_overrides(text: str, overrides: Sequence[str]) -> str:
    """params.yaml with overrides in DVC's syntax (that of Hydra).

    DVC writes the whole file in another form. Here only the lines of the changed values differ.

    Raises:
        ConfigError: an override cannot be applied.
        InputError: the overrides remove every key of a section.
    """
    if not overrides:
        return text
    for override in overrides:
        if len(override) > _LONGEST:
            expected, found = f"at most {_LONGEST:,} characters", f"{len(override):,}"
            raise ConfigError("-S", f"{override[:40]}…", expected=expected, found=found)
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS.name
        files.write_text(path, text)
        try:
            apply_overrides(path, [re.sub(rf"^([+~]*){re.escape(PARAMS.name)}:", r"\1", each) for each in overrides])
        except DvcException as error:
            found = str(error.__cause__ or error).splitlines()[0]
            raise ConfigError("-S", " ".join(overrides), expected="an override", found=found) from None
        by_dvc = path.read_text(encoding="utf-8")
    try:
        wanted = _read(by_dvc)
    except YAMLError:  # DVC's writer puts `{}` after a comment on the next line, without indent
        where, remedy = f"-S {' '.join(overrides)}", "leave one, or edit params.yaml"
        raise InputError(where, expected="a section with a key", found="one without", remedy=remedy) from None
    if wanted.keys() != _read(text).keys():  # a section was added or removed
        return by_dvc
    edited = _edited(text, wanted)
    return edited if _read(edited) == wanted else by_dvc


def _edited(text: str, wanted: Mapping[str, Any]) -> str:
    lines = text.splitlines()
    changes = sorted(_changes(YAML().load(text), wanted), key=lambda change: -change[0])  # the last line first
    for line, indent, value in changes:
        head, comment = _split_comment(lines[line])
        key = re.match(r"\s*(\"[^\"]*\"|'[^']*'|[^:]+):", head)
        assert key is not None
        end = line + 1
        while end < len(lines) and _belongs(lines[end], indent):
            end += 1
        block = isinstance(value, Mapping) and value
        written = "" if block else f" {_as_text(value)}"
        inner = (
            [f"{' ' * (indent + 2)}{_as_text(name)}: {_as_text(entry)}" for name, entry in value.items()]
            if block
            else []
        )
        lines[line:end] = [f"{key[0]}{written}{comment}", *inner]
    return "\n".join(lines) + "\n"


def _changes(old: Any, new: Mapping[str, Any]) -> list[tuple[int, int, Any]]:
    """(line, indent, value) of each key whose value changed; a mapping with other keys is one change."""
    found = []
    for name, value in new.items():
        line, indent = old.lc.key(name)
        if isinstance(value, Mapping) and isinstance(old[name], Mapping) and value.keys() == old[name].keys():
            if value:
                found += _changes(old[name], value)
        elif value != old[name] or type(value) is not type(_plain(old[name])):
            found.append((line, indent, value))
    return found


def _plain(value: Any) -> Any:
    """A value without ruamel's classes, which keep the form of numbers and texts."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def _belongs(line: str, indent: int) -> bool:
    """Whether a line is part of the value of a key with this indent, above it."""
    inside = len(line) - len(line.lstrip()) > indent or line.lstrip().startswith("- ")
    return bool(line.strip()) and inside


def _split_comment(line: str) -> tuple[str, str]:
    found = re.search(r"\s+#.*$", line)
    return (line[: found.start()], found[0]) if found else (line, "")


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_as_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_as_text(name)}: {_as_text(entry)}' for name, entry in value.items())}}}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _READS_AS_OTHER.fullmatch(value):
        return value if value == value.strip() else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def _read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)
