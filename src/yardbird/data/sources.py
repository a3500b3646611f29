"""The sources that params.yaml names: they are the corpus, whatever an earlier run has left in data/ingested."""

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from yardbird.config import PARAMS, read_section
from yardbird.errors import ConfigError

_SOURCES: Any = dict[str, str]


def read_sources(path: Path = PARAMS) -> tuple[str, ...]:
    """The names of section `sources`.

    Raises:
        ConfigError: there is none, or one is no name of a folder.
    """
    sources: dict[str, str] = read_section("sources", _SOURCES, path)
    if not sources:
        raise ConfigError(path, "sources", expected="at least one source", found="none")
    for name in sources:
        if name.startswith(".") or {"/", "\\"} & set(name):
            raise ConfigError(path, f"sources.{name}", expected="a name without slashes or a dot first", found=name)
    return tuple(sources)


def remove_other_sources(ingested: Path, sources: Collection[str]) -> list[str]:
    """Remove the folders of sources that are not named any more, and what a killed ingestion left; returns their names.

    DVC keeps the outputs of stages that are gone. In the folder that the stages after ingest depend on, they would make
    the corpus of a used clone another than that of a fresh one.
    """
    others = sorted(path for path in ingested.glob("*/") if path.name not in sources)
    for path in others:
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
    return [path.name for path in others]
