"""A trained model's folder, opened for drawing solos, and what is known of where it comes from."""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from safetensors import SafetensorError

import yardbird.models
from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.errors import InputError
from yardbird.generation.solos import Generate
from yardbird.models.base import TRAINED, best_device, load_family


@dataclass(frozen=True)
class Source:
    """What draws tokens, the codec that reads them, and the provenance of the weights."""

    generate: Generate
    codec: EventCodec
    provenance: Mapping[str, Any]


class _DrawsEvents(Protocol):
    codec: EventCodec
    generate: Generate


def open_source(folder: Path, family_name: str | None = None) -> Source:
    """Load a family's folder onto the GPU where there is one.

    Args:
        family_name: else what `trained.json` in the folder says, else the folder's name.

    Raises:
        InputError: no trained model of ours lies there.
    """
    remedy = "run `dvc repro`, or name the folder of a trained model"
    if not folder.is_dir():
        raise InputError(folder, expected="the folder of a trained model", found="no such folder", remedy=remedy)
    try:
        trained = dict(files.read_json(folder / TRAINED)) if (folder / TRAINED).is_file() else {}
        name = family_name or trained.get("family") or folder.resolve().name
        if name not in _families():
            expected = f"a family, one of {', '.join(_families())}"
            raise InputError(folder, expected=expected, found=repr(name), remedy="name it with --family")
        family = load_family(name).load(folder)
    except FileNotFoundError as error:
        found = f"no {Path(error.filename).name}" if error.filename else "a file missing"
        raise InputError(folder, expected="a trained model", found=found, remedy=remedy) from None
    except (ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        found = f"files that do not fit together ({(str(error).splitlines() or ['?'])[0][:120]})"
        raise InputError(folder, expected="a trained model", found=found, remedy=remedy) from None
    family.model.to(best_device())
    drawer = cast(_DrawsEvents, family)
    provenance = {"family": name, "sha256": files.sha256_folder(folder), "trained": trained}
    return Source(drawer.generate, drawer.codec, provenance)


def _families() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(yardbird.models.__path__) if module.ispkg)
