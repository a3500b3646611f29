"""Open the folder of a trained model and read its provenance."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from yardbird import files
from yardbird.config import PARAMS
from yardbird.devices import best_device
from yardbird.errors import ConfigError, InputError
from yardbird.models.family import TRAINED, Family, family_names, load_family


def open_family(folder: Path, family_name: str | None = None) -> tuple[Family, Mapping[str, Any]]:
    """Load a family from a folder, onto the GPU if there is one. Return it with the provenance of its weights.

    Args:
        family_name: None: read it from `trained.json` in the folder, or else use the folder's name.

    Raises:
        InputError: the folder does not hold a trained model of this project.
    """
    remedy = "run `dvc repro`, or name the folder of a trained model"
    if not folder.is_dir():
        raise InputError(folder, expected="the folder of a trained model", found="no such folder", remedy=remedy)
    try:
        trained = dict(files.read_json(folder / TRAINED)) if (folder / TRAINED).is_file() else {}
        name = family_name or trained.get("family") or folder.resolve().name
        if name not in family_names():
            expected = f"a family, one of {', '.join(family_names())}"
            raise InputError(folder, expected=expected, found=repr(name), remedy="name it with --family")
        family = load_family(name).load(folder)
    except FileNotFoundError as error:
        found = f"no {Path(error.filename).name}" if error.filename else "a missing file"
        raise InputError(folder, expected="a trained model", found=found, remedy=remedy) from None
    except (ValueError, TypeError, KeyError, RuntimeError, SafetensorError, ConfigError) as error:
        text = str(error).removeprefix(f"{PARAMS}: ")  # the settings are those of the folder
        found = f"files that do not fit together ({(text.splitlines() or ['?'])[0][:120]})"
        raise InputError(folder, expected="a trained model", found=found, remedy=remedy) from None
    family.model.to(best_device())
    return family, {"family": name, "sha256": files.sha256_folder(folder), "trained": trained}
