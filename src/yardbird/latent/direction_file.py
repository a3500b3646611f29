"""The file of directions: the artists and attributes with their vectors and tables, read without a model."""

from collections.abc import Callable, Collection, Iterable, Mapping
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
#: Attributes without a vector, for which a solo climbs the gradient of the decoder (`gradient_climbing`) → length of
#: the path for an amount of 1; the density needs as much as a vector between the densest and the sparsest quarter of
#: the windows.
PATHS: Mapping[str, float] = {"blues": 1.0, "chromaticism": 1.0, "density": 4.0}
_ARTIST, _ATTRIBUTE, _INTERVALS = "artist.", "attribute.", "intervals."


@dataclass(frozen=True)
class Vectors:
    """By name: each artist's mean code, and the direction of each attribute, both (latent_dim,); each artist's
    `interval_style.interval_table`.

    `model` is the fingerprint of the model that produced the codes.
    """

    model: str
    artists: Mapping[str, NDArray[np.float32]]
    attributes: Mapping[str, NDArray[np.float32]]
    intervals: Mapping[str, NDArray[np.float32]]

    def save(self, path: Path) -> None:
        """Write one safetensors file, with names like `artist.Charlie Parker` and `attribute.rests`."""
        vectors = {f"{_ARTIST}{name}": code for name, code in self.artists.items()}
        vectors |= {f"{_ATTRIBUTE}{name}": way for name, way in self.attributes.items()}
        vectors |= {f"{_INTERVALS}{name}": table for name, table in self.intervals.items()}
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
    artists, attributes, intervals = (_named(vectors, prefix) for prefix in (_ARTIST, _ATTRIBUTE, _INTERVALS))
    if intervals.keys() != artists.keys():
        raise InputError(path, expected=EXPECTED_FILE, found="no intervals of the artists", remedy=REMEDY)
    return Vectors(model, artists, attributes, intervals)


def one_artist(names: Iterable[str], part: str, of_source: Collection[str] = ()) -> str:
    """The artist named `part`, or the only one whose name begins with it, or who is in `of_source`, or whose name
    contains it.

    The first of these rules that finds one artist applies. Case is ignored.

    Raises:
        InputError: no name contains `part`, or several do.
    """
    known, wanted = list(names), part.casefold()
    rules: tuple[Callable[[str], bool], ...] = (
        lambda name: name.casefold() == wanted,
        lambda name: name.casefold().startswith(wanted),
        of_source.__contains__,
        lambda name: wanted in name.casefold(),
    )
    for rule in rules:
        found = [name for name in known if rule(name)]
        if len(found) == 1:
            return found[0]
    matching = f"{len(found)}: {', '.join(found)}" if found else "none"
    remedy = "give more of the name" if found else "choose one of them"
    raise InputError(part, expected=f"one of the artists {', '.join(known)}", found=matching, remedy=remedy)


def _named(vectors: Mapping[str, NDArray[np.float32]], prefix: str) -> dict[str, NDArray[np.float32]]:
    return {name.removeprefix(prefix): vectors[name] for name in sorted(vectors) if name.startswith(prefix)}
