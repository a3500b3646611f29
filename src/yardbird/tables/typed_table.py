"""Tables on disk whose columns are the fields of a dataclass. The module that declares the dataclass owns the table.

A field is `str`, `int`, `float`, a `Literal` of texts, one of these or None (written as an empty field), or
`tuple[str, ...]` (written as a JSON list).
"""

import csv
import json
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin

from yardbird import files
from yardbird.errors import InputError

_REMEDY = "run dvc repro, which writes the table again"


class Columns(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Row = TypeVar("Row", bound=Columns)


def write_table(path: Path, kind: type[Row], rows: Iterable[Row]) -> None:
    """Write a header with the names of the fields and one line for each row; the file is replaced atomically."""
    names = [field.name for field in fields(kind)]
    converted = [
        (place, write) for place, field in enumerate(fields(kind)) if (write := _type_of(field.type).write) is not None
    ]

    def line(row: Row) -> list[Any]:
        values = [getattr(row, name) for name in names]
        for place, write in converted:
            values[place] = write(values[place])
        return values

    files.write_lines(path, names, map(line, rows))


def join_tables(
    path: Path, kind: type[Row], tables: Iterable[tuple[Path, Callable[[list[str]], list[str]]]], column: str
) -> None:
    """Write the rows of tables that `write_table` wrote as one table. The rows stay texts, which is faster.

    Args:
        tables: the path of each, and a function from the texts in its column `column` to the new ones. One table at a
            time is in memory.
    """
    names = [field.name for field in fields(kind)]
    place = names.index(column)

    def lines() -> Iterator[Sequence[str]]:
        for table, change in tables:
            with table.open(newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))[1:]
            for row, value in zip(rows, change([row[place] for row in rows]), strict=True):
                row[place] = value
                yield row

    files.write_lines(path, names, lines())


def read_table(path: Path, kind: type[Row]) -> list[Row]:
    """The rows of a table that `write_table` wrote; errors as in `iterate_table`."""
    return list(iterate_table(path, kind))


def iterate_table(path: Path, kind: type[Row]) -> Iterator[Row]:
    """The rows of a table that `write_table` wrote, one at a time.

    Raises:
        InputError: the file is missing, a column is missing or unknown, or a value does not have its column's type.
    """
    names, types_ = [field.name for field in fields(kind)], [_type_of(field.type) for field in fields(kind)]
    readers = [type_.read for type_ in types_]
    expected = f"a UTF-8 table with the columns {', '.join(names)}"

    def refused(found: str, expected: str = expected) -> InputError:
        return InputError(path, expected=expected, found=found, remedy=_REMEDY)

    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            if odd := sorted(set(names) ^ set(header)):
                raise refused(f"no column {odd[0]}" if odd[0] in names else f"the unknown column {odd[0]}")
            if len(header) != len(names):
                raise refused("a repeated column")
            places = [header.index(name) for name in names]
            for line in lines:
                if len(line) != len(header):
                    raise refused(f"{len(line)} in line {lines.line_num}", f"{len(header)} fields")
                texts = [line[place] for place in places]
                try:
                    row = kind(*[read(text) for read, text in zip(readers, texts, strict=True)])
                except ValueError:
                    odd_place = next(i for i, type_ in enumerate(types_) if not type_.holds(texts[i]))
                    where = f"{types_[odd_place].words} as {names[odd_place]} in line {lines.line_num}"
                    raise refused(repr(texts[odd_place]), where) from None
                yield row
    except FileNotFoundError:
        expected = "a file that an earlier stage writes"
        raise InputError(path, expected=expected, found="no such file", remedy="run dvc repro") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise refused(str(error)) from None


def read_header(path: Path) -> list[str]:
    """The column names of a table; an empty list if the file is empty, missing or not a table."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), [])
    except (FileNotFoundError, UnicodeDecodeError, csv.Error):
        return []


@dataclass(frozen=True)
class _Type:
    """How the values of a column are read and written, and their name in error messages."""

    words: str
    read: Callable[[str], Any]
    write: Callable[[Any], Any] | None = None  # None: as csv writes the value

    def holds(self, text: str) -> bool:
        try:
            self.read(text)
        except ValueError:
            return False
        return True


def _read_texts(text: str) -> tuple[str, ...]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(text)
    return tuple(values)


def _write_texts(texts: tuple[str, ...]) -> str:
    return json.dumps(texts, ensure_ascii=False)


_TYPES: dict[Any, _Type] = {
    str: _Type("text", str),
    int: _Type("a whole number", int),
    float: _Type("a number", float),
    tuple[str, ...]: _Type("a JSON list of texts", _read_texts, _write_texts),
}


def _type_of(annotation: Any) -> _Type:
    if get_origin(annotation) is Literal:
        known = get_args(annotation)
        return _Type(" or ".join(known), lambda text: known[known.index(text)])  # ValueError if it is unknown
    if isinstance(annotation, types.UnionType):
        (inner,) = (_type_of(part) for part in get_args(annotation) if part is not types.NoneType)
        return _Type(f"{inner.words} or nothing", lambda text: inner.read(text) if text else None)
    return _TYPES[annotation]
