"""Tunes that share a melody or changes, from `related.csv` in this folder, which users can extend."""

import csv
import functools
from collections.abc import Mapping
from importlib.resources import files as package_files

from yardbird.data.manifest import fold
from yardbird.errors import InputError

_RELATIONS = ("same", "contrafact", "form")


@functools.cache
def _relations() -> tuple[tuple[str, str, str], ...]:
    text = package_files("yardbird.data.tunes").joinpath("related.csv").read_text(encoding="utf-8")
    return parse_relations(text)


def parse_relations(text: str) -> tuple[tuple[str, str, str], ...]:
    """The lines of `related.csv`: folded tune, relation, folded other tune.

    Raises:
        InputError: a line is invalid.
    """
    rows = []
    for number, line in enumerate(text.splitlines()[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in next(csv.reader([line]))]
        if len(fields) != 3 or fields[1] not in _RELATIONS or not (fold(fields[0]) and fold(fields[2])):
            expected = f"tune,relation,of with a relation of {', '.join(_RELATIONS)}"
            raise InputError(
                "related.csv", expected=expected, found=f"{line!r} in line {number}", remedy="correct the line"
            )
        rows.append((fold(fields[0]), fields[1], fold(fields[2])))
    return tuple(rows)


@functools.cache
def known_tunes() -> frozenset[str]:
    """The folded names of all tunes in the list."""
    return frozenset(name for tune, _, other in _relations() for name in (tune, other))


def canonical(tune: str) -> str:
    """The main name of a melody: if the list has a folded name as another name of a tune, that of the tune."""
    same, seen = _same(), {tune}
    while (other := same.get(tune, tune)) not in seen:  # names may be chained, also in cycles, in an extended list
        seen.add(other)
        tune = other
    return tune


@functools.cache
def _same() -> Mapping[str, str]:
    return {tune: other for tune, relation, other in _relations() if relation == "same"}


@functools.cache
def _changes() -> Mapping[str, str]:
    return {canonical(tune): canonical(other) for tune, relation, other in _relations() if relation == "contrafact"}


def changes_of(tune: str) -> str:
    """The tune whose changes a tune group uses: the standard for a contrafact, otherwise the tune itself."""
    tune = canonical(tune)
    changes, seen = _changes(), {tune}
    while (standard := changes.get(tune, tune)) not in seen:
        seen.add(standard)
        tune = standard
    return tune
