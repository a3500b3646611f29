"""Directions in the latent space for artists and attributes: vectors to add to every window of a solo.

The direction of an attribute is the mean code of the quarter of the windows with the highest values minus that of the
quarter with the lowest (Roberts et al. 2018, §6.4; Carter & Nielsen, Using Artificial Intelligence to Augment Human
Intelligence, 2017). The direction from one artist to another is the difference of their mean codes. Some transcriptions
are timed and others quantised, so it includes the rhythm of an edition; stage explore also reports the difference at
equal rhythm. All use training solos only. Blues and chromaticism have no vector: see `climbing`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import safetensors.torch

from yardbird.errors import InputError
from yardbird.latent.direction_file import EXPECTED_FILE, REMEDY, Vectors, one_artist, read_vectors
from yardbird.latent.gradient_climbing import EXPECTED, climb
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
        """The direction from one artist to another; without a source, from the mean of all other artists.

        Raises:
            InputError: there are no others.
        """
        others = [code for name, code in self.artists.items() if name != target]
        if not others:
            expected, remedy = "another artist to come from", "train on solos of two artists or more"
            raise InputError(target, expected=expected, found="none in the training solos", remedy=remedy)
        start = np.mean(others, axis=0) if source is None else self.artists[source]
        return np.asarray(self.artists[target] - start, dtype=np.float32)

    def artist(self, part: str) -> str:
        """The one artist whose name contains `part`, as `one_artist`."""
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
        return cls(found.model, found.artists, found.attributes)


def fingerprint(family: MusicVAEFamily) -> str:
    """A hash of the weights."""
    weights = {name: weight.cpu().contiguous() for name, weight in family.model.state_dict().items()}
    return hashlib.sha256(safetensors.torch.save(weights)).hexdigest()


def find_directions(study: Study) -> Directions:
    """The directions of the training solos, without the attributes of `EXPECTED` and those that do not vary."""
    codes = np.concatenate([solo.latent.z for solo in study.training])
    measured = measure_windows(_training_windows(study))
    ways = {name: extremes(codes, values) for name, values in measured.items() if name not in EXPECTED}
    return Directions(
        fingerprint(study.family),
        artist_codes(study, at_equal_rhythm=False),
        {name: way for name, way in ways.items() if way is not None},
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
            latent = climb(family, latent, name, score, amount)
        else:
            latent = latent + amount * directions.attributes[name]
    return latent


def artist_codes(study: Study, *, at_equal_rhythm: bool) -> dict[str, Vector]:
    """Each artist's mean code over the training windows.

    At equal rhythm, the means are adjusted to the rhythm of the mean window by analysis of covariance (Fisher 1932).
    """
    codes = np.concatenate([solo.latent.z for solo in study.training])
    owners = [solo.artist for solo in study.training for _ in solo.latent.z]
    return adjusted_means(
        codes, owners, rhythms(_training_windows(study)) if at_equal_rhythm else np.zeros((len(codes), 0))
    )


def _training_windows(study: Study) -> list[Score]:
    segments = study.family.config.bars
    return [piece for solo in study.training for piece in windows(solo.score, solo.latent, segments)]


def adjusted_means(codes: Vector, owners: Sequence[str], covariates: Floats) -> dict[str, Vector]:
    """Each owner's mean code at the mean of the covariates, from a least-squares fit of the codes.

    Args:
        codes: (windows, latent_dim).
        owners: the owner of each window.
        covariates: (windows, covariates); without covariates the results are the plain means.
    """
    names = sorted({*owners})
    indicators = np.array(owners)[:, None] == np.array(names)
    design = np.concatenate([indicators, covariates - covariates.mean(axis=0)], axis=1)
    fitted = np.linalg.lstsq(design, codes.astype(np.float64), rcond=None)[0]
    return {name: mean.astype(np.float32) for name, mean in zip(names, fitted, strict=False)}


def rhythms(scores: Sequence[Score]) -> Floats:
    """The number of note onsets per beat at each step of the beat: (grid scores, steps per beat)."""
    return np.array(
        [
            np.bincount(score.onsets % score.ticks_per_beat, minlength=score.ticks_per_beat)
            / (score.end_tick / score.ticks_per_beat)
            for score in scores
        ]
    )


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
