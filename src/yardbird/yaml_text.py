"""Parses YAML of unknown origin, within limits of time and memory."""

import functools
import itertools
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

_DEEPEST = 100  # brackets inside each other
_MOST_VALUES = 100_000
_MOST_BITS = 1024  # Python converts no integer of thousands of digits to text


@functools.lru_cache(maxsize=8)
def parsed_yaml(content: bytes) -> Any:
    """The values of a text in YAML; each of the last texts is parsed once.

    Raises:
        RecursionError: brackets are inside each other too deep.
        ValueError: aliases repeat too many values, an integer is too long, or the text is not UTF-8.
        YAMLError: the text is not YAML; other errors are possible for values such as the date 2001-13-32.
    """
    if _depth(content) > _DEEPEST:
        raise RecursionError  # the parser would take seconds to find out
    loaded = YAML(typ="safe", pure=True).load(content.decode())
    _refuse_bomb(loaded)
    return loaded


def _refuse_bomb(content: Any) -> None:
    """Refuse aliases that contain each other or repeat so often that the values would fill the memory."""
    values = [content]
    for count in itertools.count(1):
        if not values:
            return
        value = values.pop()
        if count > _MOST_VALUES:
            raise ValueError(f"aliases repeat more than {_MOST_VALUES} values")
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise ValueError(f"an integer of more than {_MOST_BITS} bits")
        values += value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _depth(text: bytes) -> int:
    """How deep brackets and braces are inside each other, wherever they are in the text."""
    return max(itertools.accumulate((byte in b"[{") - (byte in b"]}") for byte in text), default=0)
