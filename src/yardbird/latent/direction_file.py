"""The file of directions: the names of artists and attributes with their vectors, read without a model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from yardbird import files
from yardbird.errors import InputError

DIRECTIONS = "directions.safetensors"
EXPECTED_FILE, REMEDY = "the directions that stage explore writes for this model", "run `dvc repro explore`"
#: Attributes without a vector: a solo climbs the gradient of the decoder instead (`gradient_climbing`).
CLIMBED = ("blues", "chromaticism")
_ARTIST, _ATTRIBUTE = "artist.", "attribute."


@dataclass(frozen=True)
class Vectors:
    """By name: each artist's mean code, and the direction of each attribute; both (latent_dim,).

    `model` is the fingerprint of the model that produced the codes.
    """

    model: str
    artists: Mapping[str, NDArray[np.float32]]
    attributes: Mapping[str, NDArray[np.float32]]

    def save(self, path: Path) -> None:
        """Write one safetensors file, with names like `artist.Charlie Parker` and `attribute.density`."""
        vectors = {f"{_ARTIST}{name}": code for name, code in self.artists.items()}
        vectors |= {f"{_ATTRIBUTE}{name}": way for name, way in self.attributes.items()}
        files.write_bytes(path, safetensors.numpy.save(dict(sorted(vectors.items())), {"model": self.model}))


def read_vectors(path: Path) -> Vectors:
    """Read what `Vectors.save` wrote.

    Raises:
        InputError: there is no such file, or it has another format.
    """
    if not path.is_file():
        raise InputError(path, expected=EXPECTED_FILE, found="no such file", remedy=REMEDY)
    try:
        with safe_open(path, framework="np") as file:
            model = (file.metadata() or {}).get("model", "")
            vectors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except SafetensorError as error:
        raise InputError(path, expected=EXPECTED_FILE, found=str(error), remedy=REMEDY) from None
    return Vectors(model, *(_named(vectors, prefix) for prefix in (_ARTIST, _ATTRIBUTE)))


def one_artist(names: Iterable[str], part: str) -> str:
    """The one artist whose name contains `part`, ignoring case; an exact match comes first.

    Raises:
        InputError: no name matches, or several do.
    """
    known = list(names)
    found = [name for name in known if part.casefold() == name.casefold()]
    found = found or [name for name in known if part.casefold() in name.casefold()]
    if len(found) != 1:
        matching = f"{len(found)}: {', '.join(found)}" if found else "none"
        remedy = "give more of the name" if found else "choose one of them"
        raise InputError(part, expected=f"one of the artists {', '.join(known)}", found=matching, remedy=remedy)
    return found[0]


def _named(vectors: Mapping[str, NDArray[np.float32]], prefix: str) -> dict[str, NDArray[np.float32]]:
    return {name.removeprefix(prefix): vectors[name] for name in sorted(vectors) if name.startswith(prefix)}
