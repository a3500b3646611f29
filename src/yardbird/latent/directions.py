"""What stage explore learns about a latent space: directions of attributes, mean codes and intervals of artists.

The direction of an attribute is the mean code of the quarter of the windows with the highest values minus that of the
quarter with the lowest (Roberts et al. 2018, §6.4; Carter & Nielsen, Using Artificial Intelligence to Augment Human
Intelligence, 2017). The attributes of `gradient_climbing.EXPECTED` have no vector. An artist is represented by the mean
code and by a table of intervals (`interval_style`). All use training solos only.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import safetensors.torch

from yardbird.errors import InputError
from yardbird.latent.direction_file import EXPECTED_FILE, PATHS, REMEDY, Vectors, one_artist, read_vectors
from yardbird.latent.gradient_climbing import EXPECTED, Climber
from yardbird.latent.interval_style import expected_log_ratio, interval_table
from yardbird.latent.study import Study
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.models.music_vae.latent_solo import Latent, Vector
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.music.excerpts import cut
from yardbird.music.score import Floats, Score

_EXTREME = 1 / 4  # of the windows, at either end


class Directions(Vectors):
    """The directions of a model; they are meaningless for any other model."""

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
        """The one artist that `part` names, as `one_artist`."""
        return one_artist(self.artists, part)

    @classmethod
    def load(cls, path: Path, family: MusicVAEFamily) -> "Directions":
        """Read what `save` wrote.

        Raises:
            InputError: there is no such file, it has another format, or it belongs to another model.
        """
        found = read_vectors(path)
        if found.model != fingerprint(family):
            raise InputError(path, expected=EXPECTED_FILE, found="the directions of another model", remedy=REMEDY)
        return cls(found.model, found.artists, found.attributes, found.intervals)


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
    """A latent moved by an amount of each attribute: along its vector, or with a `Climber` if it has none.

    Args:
        score: the solo, which gives the key.
    """
    for name, amount in amounts.items():
        if name in EXPECTED:
            (latent,) = Climber(family, EXPECTED[name](latent, score))([latent], amount * PATHS[name])
        else:
            latent = latent + amount * directions.attributes[name]
    return latent


def restyler(family: MusicVAEFamily, directions: Directions, source: str | None, target: str) -> Climber:
    """Moves latents towards the intervals of an artist, along a path of a given length in every window.

    Args:
        source: the artist to move away from; None: all others.
    """
    return Climber(family, expected_log_ratio(directions.log_ratios(source, target)))


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


def _difference(tables: Mapping[str, Vector], source: str | None, target: str) -> Vector:
    others = [table for name, table in tables.items() if name != target]
    if not others:
        expected, remedy = "another artist to come from", "train on solos of two artists or more"
        raise InputError(target, expected=expected, found="none in the training solos", remedy=remedy)
    start = np.mean(others, axis=0) if source is None else tables[source]
    return np.asarray(tables[target] - start, dtype=np.float32)
