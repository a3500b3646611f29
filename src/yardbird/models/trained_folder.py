"""Open the folder of a trained model and read its provenance."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.config import PARAMS
from yardbird.devices import best_device
from yardbird.errors import ConfigError, InputError
from yardbird.models.family import Family, load_family
from yardbird.models.family_names import REMEDY, family_of, unfitting


def open_family(folder: Path, family_name: str | None = None) -> tuple[Family, Mapping[str, Any]]:
    """Load a family from a folder, onto the GPU if there is one. Return it with the provenance of its weights.

    Args:
        family_name: None: read it from `trained.json` in the folder, or else use the folder's name.

    Raises:
        InputError: the folder does not hold a trained model of this project, or is replaced while it is read.
    """
    before = _state(folder)
    name, trained = family_of(folder, family_name)
    try:
        family = load_family(name).load(folder)
    except FileNotFoundError as error:
        found = f"no {Path(error.filename).name}" if error.filename else "a missing file"
        raise InputError(folder, expected="a trained model", found=found, remedy=REMEDY) from None
    except ConfigError as error:  # the settings are those of the folder
        raise unfitting(folder, ValueError(str(error).removeprefix(f"{PARAMS}: "))) from None
    except InputError:
        raise
    except Exception as error:  # settings and weights of another origin fail in many places
        raise unfitting(folder, error) from None
    try:
        sha256 = files.sha256_folder(folder)
    except FileNotFoundError:  # a file that is being replaced
        sha256 = ""
    if not sha256 or _state(folder) != before:  # codec and weights may be those of two trainings
        expected, found = "a model that stays the same while it is read", "one that a running pipeline replaces"
        raise InputError(folder, expected=expected, found=found, remedy="run the command again")
    family.model.to(best_device())
    return family, {"family": name, "sha256": sha256, "trained": trained}


def _state(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """What identifies the files of a folder without reading them: number, time of change and size."""
    try:
        found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    except FileNotFoundError:  # deleted in between
        return {}
    return {path: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}
