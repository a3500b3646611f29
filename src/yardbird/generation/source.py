"""Opens the folder of a trained model for drawing solos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from yardbird.errors import InputError
from yardbird.generation import latent_solos, token_solos
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import Solo
from yardbird.models.family import Family
from yardbird.models.family_kinds import LatentFamily, TokenFamily
from yardbird.models.trained_folder import open_family


class Draw(Protocol):
    """Solos for all orders; solo i depends on its order, the seed and i."""

    def __call__(self, orders: Sequence[Order], config: GenerateConfig, seed: int, /) -> list[Solo]: ...


@dataclass(frozen=True)
class Source:
    """A function that draws solos, and the provenance of its weights.

    Attributes:
        ignored: the settings of section `generate` that this kind of model ignores; also in the provenance.
    """

    draw: Draw
    provenance: Mapping[str, Any]
    ignored: tuple[str, ...]


def open_source(folder: Path, family_name: str | None = None) -> Source:
    """A trained model, ready to draw solos.

    Raises:
        InputError: as `open_family`; or the family writes sound, not notes.
    """
    return source_of(*open_family(folder, family_name))


def source_of(family: Family, provenance: Mapping[str, Any]) -> Source:
    """An opened model, ready to draw solos.

    Raises:
        InputError: the family writes sound, not notes.
    """
    if isinstance(family, TokenFamily):
        return Source(partial(_draw_tokens, family), provenance, ())
    if not isinstance(family, LatentFamily):
        found, remedy = f"a {family.name}", "sound is drawn by `yardbird sing`"
        raise InputError(family.name, expected="a model that writes notes", found=found, remedy=remedy)
    ignored = ("artist", "key", "int8")
    return Source(partial(latent_solos.draw, family), {**provenance, "ignored": ignored}, ignored)


def _draw_tokens(family: TokenFamily, orders: Sequence[Order], config: GenerateConfig, seed: int) -> list[Solo]:
    generate = partial(family.generate, int8=config.int8)
    return token_solos.draw(generate, family.codec, orders, config, seed)
