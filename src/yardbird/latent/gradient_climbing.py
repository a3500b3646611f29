"""Raises a quantity that has no single direction: moves a solo along the gradient of the decoder's expected value.

One vector for all windows can raise a quantity that grows along a straight line, such as the register. Blue notes,
semitone steps and an artist's intervals are classes of pitches and intervals: the same move turns one note into a blue
note and another out of one. A linear regression on z explains none of their variance over windows, even if solos are
reconstructed well. The vector of the density changes the rests more than the density. So each window gets its own
direction: the one in which the decoder, at this point and under these chords, expects the quantity to grow fastest.
Engel, Hoffman & Roberts 2018 (arXiv 1711.05772) and Dathathri et al. 2020 (arXiv 1912.02164) follow the gradients of
trained classifiers; here the probabilities of the steps give the expected value.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yardbird.codecs.melody import CLASSES, HOLD, REST
from yardbird.latent.direction_file import PATHS
from yardbird.metrics.attributes import blue_pitch_classes
from yardbird.models.music_vae.latent_solo import Latent
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.models.music_vae.vae_model import StepValue
from yardbird.music.score import Score

# The length of a step, and the most steps. The gradient is recomputed after each; steps grow if the path needs more.
_STRIDE, _MOST = 0.25, 32


class Climber:
    """Moves latents along the gradient of a value of the decoder's output, all of them in one batch.

    Paths of several lengths from one latent share points, and the gradient at each point is computed once.

    Args:
        values: one for each latent that is moved, or one for all.
    """

    def __init__(self, family: MusicVAEFamily, *values: StepValue) -> None:
        self._family, self._values = family, values
        self._known: dict[tuple[int, bytes, bytes], NDArray[np.float32]] = {}

    def __call__(self, latents: Sequence[Latent], distance: float) -> list[Latent]:
        """Latents moved along a path of length `distance` in every window; a negative distance lowers the value."""
        strides = min(_MOST, ceil(abs(distance) / _STRIDE))
        for _ in range(strides):
            ways = self._uphill(latents)
            latents = [
                latent.with_z(latent.z + distance / strides * way) for latent, way in zip(latents, ways, strict=True)
            ]
        return list(latents)

    def _uphill(self, latents: Sequence[Latent]) -> list[NDArray[np.float32]]:
        values = self._values * len(latents) if len(self._values) == 1 else self._values
        points = [
            (id(value), latent.z.tobytes(), latent.condition.tobytes())
            for latent, value in zip(latents, values, strict=True)
        ]
        new = {point: own for point, *own in zip(points, latents, values, strict=True) if point not in self._known}
        if new:
            self._known |= zip(new, self._family.uphill(*zip(*new.values(), strict=True)), strict=True)
        return [self._known[point] for point in points]


def expected_blues(latent: Latent, score: Score) -> StepValue:
    """The expected share of blue notes that are not tones of the sounding chord, as in `attributes.blues`."""
    blue = np.isin(np.arange(HOLD) % 12, list(blue_pitch_classes(score) or ()))
    chords = latent.frame.chords  # (segments, S), bits 0 … 11 are the pitch classes of the sounding chord
    own = (chords[..., None] >> (np.arange(HOLD) % 12).astype(np.uint16)) & 1
    counted = torch.from_numpy(blue & (own == 0))

    def share(probabilities: Tensor, steps: Tensor) -> Tensor:
        windows, segments, places, _ = probabilities.shape
        beyond = torch.zeros(windows * segments - len(counted), places, HOLD, dtype=torch.bool)
        mask = torch.cat([counted, beyond]).view(windows, segments, places, HOLD).to(steps.device)
        return _mean(torch.where(mask, probabilities[..., :HOLD], 0).sum(-1), steps < HOLD)

    return share


def expected_chromaticism(_latent: Latent, _score: Score) -> StepValue:
    """The expected share of notes a semitone from the previous note, as in `attributes.chromaticism`."""

    def share(probabilities: Tensor, steps: Tensor) -> Tensor:
        line = steps.flatten()
        last = torch.where(line < HOLD, torch.arange(len(line), device=line.device), 0).cummax(0)[0]
        before = torch.cat([line.new_tensor([REST]), line[last][:-1]]).view_as(steps)  # no pitch before the first note
        near = torch.stack([before - 1, before + 1], dim=-1).clamp(0, CLASSES - 1)
        return _mean(probabilities.gather(-1, near).sum(-1), (steps < HOLD) & (before < HOLD))

    return share


def expected_density(latent: Latent, _score: Score) -> StepValue:
    """The expected notes per beat, as in `attributes.density`, of onsets where a note sounds.

    Onsets in rests are not counted, so that the climb divides or joins notes before it fills rests.
    """
    frame = latent.frame
    lengths = torch.from_numpy(frame.lengths)

    def notes_per_beat(probabilities: Tensor, steps: Tensor) -> Tensor:
        windows, segments, places, _ = probabilities.shape
        padded = torch.zeros(windows * segments, dtype=torch.long)
        padded[: len(lengths)] = lengths
        inside = (torch.arange(places) < padded[:, None]).view_as(steps).to(steps.device)
        onsets = torch.where(inside & (steps != REST), probabilities[..., :HOLD].sum(-1), 0).flatten(1).sum(1)
        return onsets * frame.score.ticks_per_beat / inside.flatten(1).sum(1).clamp(min=1)

    return notes_per_beat


#: Attribute of `ATTRIBUTES` → the decoder's expected value of it, at a latent and in the key of a solo.
EXPECTED: Mapping[str, Callable[[Latent, Score], StepValue]] = {
    "blues": expected_blues,
    "chromaticism": expected_chromaticism,
    "density": expected_density,
}
assert EXPECTED.keys() == PATHS.keys()


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """The mean over the counted steps of each window; 0 if there are none."""
    return torch.where(counted, values, 0).flatten(1).sum(1) / counted.flatten(1).sum(1).clamp(min=1)
