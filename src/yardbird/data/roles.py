"""Which sources are the players to learn, and which are only background that every player's music is learnt from."""

from pathlib import Path
from typing import Any

from yardbird.config import BACKGROUND, PARAMS, Role, read_section
from yardbird.data.sources import read_sources
from yardbird.errors import ConfigError

_ROLES: Any = dict[str, Role]


def read_background(path: Path = PARAMS) -> frozenset[str]:
    """The names of the background sources, from the sections `sources` and `roles`. A source without a role is target.

    Raises:
        ConfigError: a role is unknown, belongs to no source, or no source is left as target.
    """
    sources = read_sources(path)
    roles: dict[str, Role] = read_section("roles", _ROLES, path)
    for name in sorted(roles.keys() - set(sources)):
        raise ConfigError(path, f"roles.{name}", expected=f"one of the sources {', '.join(sources)}", found="no source")
    background = frozenset(name for name, role in roles.items() if role == BACKGROUND)
    if background == set(sources):
        raise ConfigError(path, "roles", expected="a source that is target", found="background alone")
    return background
