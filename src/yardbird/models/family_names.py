"""The names of the families, and the family of a trained folder. It imports no model, so it is fast."""

import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yardbird.models
from yardbird import files
from yardbird.errors import InputError

#: File that the train stage writes next to the weights: family, seed, hash of the training data, conditions.
TRAINED = "trained.json"
REMEDY = "run `yardbird run` or wait until it has ended, or name the folder of a trained model"


def family_names() -> list[str]:
    """The names of all families, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(yardbird.models.__path__) if module.ispkg)


def family_of(folder: Path, family_name: str | None = None) -> tuple[str, Mapping[str, Any]]:
    """The name of the family in a folder, and the content of `trained.json`, which may be missing.

    Args:
        family_name: None: read it from `trained.json`, or else use the folder's name.

    Raises:
        InputError: there is no such folder, or it names no family.
    """
    if not folder.is_dir():
        raise InputError(folder, expected="the folder of a trained model", found="no such folder", remedy=REMEDY)
    try:
        trained = dict(files.read_json(folder / TRAINED)) if (folder / TRAINED).is_file() else {}
    except (ValueError, TypeError, RecursionError) as error:
        raise unfitting(folder, error) from None
    name = family_name or trained.get("family") or folder.resolve().name
    if name not in family_names():
        expected = f"a family, one of {', '.join(family_names())}"
        raise InputError(folder, expected=expected, found=repr(name), remedy="name it with --family")
    return name, trained


def unfitting(folder: Path, error: Exception) -> InputError:
    """The error for a folder whose files cannot be loaded together."""
    found = f"files that do not fit together ({(str(error).splitlines() or ['?'])[0][:120]})"
    return InputError(folder, expected="a trained model", found=found, remedy=REMEDY)
