"""The roles of sources: `target` for the players to imitate, `background` for additional training music."""

from pathlib import Path
from typing import Any

from yardbird.config import BACKGROUND, PARAMS, Role, read_section
from yardbird.data.sources import read_sources
from yardbird.errors import ConfigError

_ROLES: Any = dict[str, Role]


def read_background(path: Path = PARAMS) -> frozenset[str]:
    """The names of the background sources, from the sections `sources` and `roles`; the other sources are targets.

    Raises:
        ConfigError: a role is unknown or belongs to no source, or no source is a target.
    """
    sources = read_sources(path)
    roles: dict[str, Role] = read_section("roles", _ROLES, path)
    for name in sorted(roles.keys() - set(sources)):
        raise ConfigError(path, f"roles.{name}", expected=f"one of the sources {', '.join(sources)}", found="no source")
    background = frozenset(name for name, role in roles.items() if role == BACKGROUND)
    if background == set(sources):
        raise ConfigError(path, "roles", expected="a source that is target", found="background alone")
    return background
