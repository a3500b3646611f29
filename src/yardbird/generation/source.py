"""A trained model's folder, opened for drawing solos, and what is known of where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError

from yardbird import files
from yardbird.errors import InputError
from yardbird.generation import prior, tokens
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import Solo
from yardbird.models.base import TRAINED, Family, best_device, family_names, load_family


class Draw(Protocol):
    """Solos for all orders; solo i depends on its order, the seed and i."""

    def __call__(self, orders: Sequence[Order], config: GenerateConfig, seed: int, /) -> list[Solo]: ...


@dataclass(frozen=True)
class Source:
    """What draws solos, and the provenance of its weights.

    Attributes:
        ignored: the settings of section `generate` that this kind of model does not look at; in the provenance too.
        alike_at_zero: at temperature 0 it draws one solo, however many are asked for.
    """

    draw: Draw
    provenance: Mapping[str, Any]
    ignored: tuple[str, ...]
    alike_at_zero: bool


def open_source(folder: Path, family_name: str | None = None) -> Source:
    """A trained model, ready to draw solos; as `open_family`."""
    return _source(*open_family(folder, family_name))


def open_family(folder: Path, family_name: str | None = None) -> tuple[Family, Mapping[str, Any]]:
    """Load a family's folder onto the GPU where there is one; the family, and the provenance of its weights.

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
        if name not in family_names():
            expected = f"a family, one of {', '.join(family_names())}"
            raise InputError(folder, expected=expected, found=repr(name), remedy="name it with --family")
        family = load_family(name).load(folder)
    except FileNotFoundError as error:
        found = f"no {Path(error.filename).name}" if error.filename else "a file missing"
        raise InputError(folder, expected="a trained model", found=found, remedy=remedy) from None
    except (ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        found = f"files that do not fit together ({(str(error).splitlines() or ['?'])[0][:120]})"
        raise InputError(folder, expected="a trained model", found=found, remedy=remedy) from None
    family.model.to(best_device())
    return family, {"family": name, "sha256": files.sha256_folder(folder), "trained": trained}


def _source(family: Family, provenance: Mapping[str, Any]) -> Source:
    if isinstance(family, tokens.ContinuesTokens):
        return Source(partial(tokens.draw, family.generate, family.codec), provenance, (), alike_at_zero=True)
    assert isinstance(family, prior.DecodesLatents), f"{family.name} neither continues tokens nor decodes latents"
    ignored = ("artist",)
    return Source(partial(prior.draw, family), {**provenance, "ignored": ignored}, ignored, alike_at_zero=False)
