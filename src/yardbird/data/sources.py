"""The sources in params.yaml. They alone are the corpus, even if data/ingested has others from earlier runs."""

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from yardbird.config import PARAMS, read_section
from yardbird.errors import ConfigError

_SOURCES: Any = dict[str, str]


def read_sources(path: Path = PARAMS) -> tuple[str, ...]:
    """The names in section `sources`.

    Raises:
        ConfigError: there are no sources, or a name is not valid for a folder.
    """
    sources: dict[str, str] = read_section("sources", _SOURCES, path)
    if not sources:
        raise ConfigError(path, "sources", expected="at least one source", found="none")
    for name in sources:
        if name.startswith(".") or {"/", "\\"} & set(name):
            raise ConfigError(path, f"sources.{name}", expected="a name without slashes or a dot first", found=name)
    return tuple(sources)


def remove_other_sources(ingested: Path, sources: Collection[str]) -> list[str]:
    """Remove the folders of removed sources and of killed ingestions, and return their names.

    DVC keeps the outputs of removed stages. The stages after ingest depend on the whole folder, so their corpus would
    differ between a used and a fresh clone.
    """
    others = sorted(path for path in ingested.glob("*/") if path.name not in sources)
    for path in others:
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
    return [path.name for path in others]
