"""What stage explore learns about a latent space: directions of attributes, mean codes and intervals of artists.

The direction of an attribute is the mean code of the quarter of the windows with the highest values minus that of the
quarter with the lowest (Roberts et al. 2018, §6.4; Carter & Nielsen, Using Artificial Intelligence to Augment Human
Intelligence, 2017). The attributes of `gradient_climbing.EXPECTED` have no vector. An artist is represented by the mean
code and by a table of intervals (`interval_style`). All use training solos only.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch
from safetensors import SafetensorError, safe_open

from yardbird import files
from yardbird.errors import InputError
from yardbird.latent.gradient_climbing import EXPECTED, PATHS, climb
from yardbird.latent.interval_style import expected_log_ratio, interval_table
from yardbird.latent.study import Study
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.models.music_vae.latent_solo import Latent, Vector
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.music.excerpts import cut
from yardbird.music.score import Floats, Score

DIRECTIONS = "directions.safetensors"
ARTIST, ATTRIBUTE, INTERVALS = "artist.", "attribute.", "intervals."
_EXTREME = 1 / 4  # of the windows, at either end


@dataclass(frozen=True)
class Directions:
    """By name: each artist's mean code, and the direction of each attribute, both (latent_dim,); each artist's
    `interval_table`.

    `model` is the fingerprint of the model that produced the codes; they are meaningless for any other model.
    """

    model: str
    artists: Mapping[str, Vector]
    attributes: Mapping[str, Vector]
    intervals: Mapping[str, Vector]

    def between(self, source: str | None, target: str) -> Vector:
        """The difference of two artists' mean codes; without a source, from the mean of all other artists.

        Raises:
            InputError: there are no others.
        """
        return _difference(self.artists, source, target)

    def log_ratios(self, source: str | None, target: str) -> Floats:
        """The difference of two artists' interval tables; without a source, from the mean of all other artists.

        Raises:
            InputError: there are no others.
        """
        return _difference(self.intervals, source, target).astype(np.float64)

    def artist(self, part: str) -> str:
        """The one artist whose name contains `part`, ignoring case; an exact match comes first.

        Raises:
            InputError: no name matches, or several do.
        """
        found = [name for name in self.artists if part.casefold() == name.casefold()]
        found = found or [name for name in self.artists if part.casefold() in name.casefold()]
        if len(found) != 1:
            names = f"{len(found)}: {', '.join(found)}" if found else "none"
            remedy = "give more of the name" if found else "choose one of them"
            raise InputError(part, expected=f"one of the artists {', '.join(self.artists)}", found=names, remedy=remedy)
        return found[0]

    def save(self, path: Path) -> None:
        """Write one safetensors file, with names like `artist.Charlie Parker` and `attribute.rests`."""
        vectors = {f"{ARTIST}{name}": code for name, code in self.artists.items()}
        vectors |= {f"{ATTRIBUTE}{name}": way for name, way in self.attributes.items()}
        vectors |= {f"{INTERVALS}{name}": table for name, table in self.intervals.items()}
        files.write_bytes(path, safetensors.numpy.save(dict(sorted(vectors.items())), {"model": self.model}))

    @classmethod
    def load(cls, path: Path, family: MusicVAEFamily) -> "Directions":
        """Read what `save` wrote.

        Raises:
            InputError: there is no such file, it has another format, or it belongs to another model.
        """
        expected, remedy = "the directions that stage explore writes for this model", "run `dvc repro explore`"
        if not path.is_file():
            raise InputError(path, expected=expected, found="no such file", remedy=remedy)
        try:
            with safe_open(path, framework="np") as file:
                model = (file.metadata() or {}).get("model", "")
                vectors = {name: file.get_tensor(name) for name in sorted(file.keys())}
        except SafetensorError as error:
            raise InputError(path, expected=expected, found=str(error), remedy=remedy) from None
        if model != fingerprint(family):
            raise InputError(path, expected=expected, found="the directions of another model", remedy=remedy)
        artists, attributes, intervals = (_named(vectors, prefix) for prefix in (ARTIST, ATTRIBUTE, INTERVALS))
        if intervals.keys() != artists.keys():
            raise InputError(path, expected=expected, found="no intervals of the artists", remedy=remedy)
        return cls(model, artists, attributes, intervals)


def fingerprint(family: MusicVAEFamily) -> str:
    """A hash of the weights."""
    weights = {name: weight.cpu().contiguous() for name, weight in family.model.state_dict().items()}
    return hashlib.sha256(safetensors.torch.save(weights)).hexdigest()


def find_directions(study: Study) -> Directions:
    """The directions of the training solos, without the attributes of `EXPECTED` and those that do not vary."""
    codes = np.concatenate([solo.latent.z for solo in study.training])
    segments = study.family.config.bars
    pieces = [piece for solo in study.training for piece in windows(solo.score, solo.latent, segments)]
    measured = measure_windows(pieces)
    ways = {name: extremes(codes, values) for name, values in measured.items() if name not in EXPECTED}
    artists = {
        name: [solo for solo in study.training if solo.artist == name]
        for name in sorted({solo.artist for solo in study.training})
    }
    means = {name: np.concatenate([solo.latent.z for solo in own]).mean(axis=0) for name, own in artists.items()}
    tables = {name: interval_table([solo.score for solo in own]) for name, own in artists.items()}
    return Directions(
        fingerprint(study.family),
        {name: mean.astype(np.float32) for name, mean in means.items()},
        {name: way for name, way in ways.items() if way is not None},
        {name: table.astype(np.float32) for name, table in tables.items()},
    )


def more(
    family: MusicVAEFamily, directions: Directions, latent: Latent, amounts: Mapping[str, float], score: Score
) -> Latent:
    """A latent moved by an amount of each attribute: along its vector, or with `climb` if it has none.

    Args:
        score: the solo, which gives the key.
    """
    for name, amount in amounts.items():
        if name in EXPECTED:
            latent = climb(family, latent, EXPECTED[name](latent, score), amount * PATHS[name])
        else:
            latent = latent + amount * directions.attributes[name]
    return latent


def restyled(
    family: MusicVAEFamily, directions: Directions, latent: Latent, source: str | None, target: str, distance: float
) -> Latent:
    """A latent moved towards the intervals of an artist, along a path of length `distance` in every window.

    Args:
        source: the artist to move away from; None: all others.
    """
    return climb(family, latent, expected_log_ratio(directions.log_ratios(source, target)), distance)


def extremes(codes: Vector, values: Floats) -> Vector | None:
    """Mean code of the windows in the highest quarter of values minus that of the lowest; NaN is ignored.

    Args:
        codes: (windows, latent_dim).
        values: (windows,). If they do not vary, the result is None.
    """
    known = np.flatnonzero(~np.isnan(values))
    count = int(len(known) * _EXTREME)
    order = known[np.argsort(values[known], kind="stable")]
    if not count or values[order[0]] == values[order[-1]]:
        return None
    low, high = (codes[part].mean(axis=0, dtype=np.float64) for part in (order[:count], order[-count:]))
    return np.asarray(high - low, dtype=np.float32)


def windows(score: Score, latent: Latent, segments: int) -> list[Score]:
    """The part of a score that each window of its latent encodes, `segments` segments; the last may be shorter."""
    lines = [*latent.frame.starts[::segments].tolist(), score.end_tick]
    return [cut(score, start, stop) for start, stop in pairwise(lines)]


def measure_windows(scores: Sequence[Score]) -> dict[str, Floats]:
    """Every attribute of every score, NaN if it is undefined: name → (scores,)."""
    return {
        name: np.array([attribute(score) for score in scores], dtype=np.float64)
        for name, attribute in ATTRIBUTES.items()
    }


def _named(vectors: Mapping[str, Vector], prefix: str) -> dict[str, Vector]:
    return {name.removeprefix(prefix): vectors[name] for name in sorted(vectors) if name.startswith(prefix)}


def _difference(tables: Mapping[str, Vector], source: str | None, target: str) -> Vector:
    others = [table for name, table in tables.items() if name != target]
    if not others:
        expected, remedy = "another artist to come from", "train on solos of two artists or more"
        raise InputError(target, expected=expected, found="none in the training solos", remedy=remedy)
    start = np.mean(others, axis=0) if source is None else tables[source]
    return np.asarray(tables[target] - start, dtype=np.float32)
