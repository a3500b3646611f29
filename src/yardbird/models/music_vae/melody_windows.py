"""Windows of the melody grid: overlapping windows for training, adjacent windows for measuring."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from yardbird import files
from yardbird.codecs.melody import HOLD, PAD, chord_features
from yardbird.config import BACKGROUND, TARGET
from yardbird.errors import InputError, counted
from yardbird.models.family import TARGET_ALONE, Batch, Mixture, Rounds
from yardbird.seeds import derive_seed
from yardbird.tables.encoded_tables import read_index


class MelodyWindows(Dataset[Batch]):
    """Windows of `segments` segments; items are {"steps": (N, S), "velocities": (N, S), "chords": (N, S, features)}.

    A window that extends beyond the end of its solo, by less than half, is padded. Windows without notes are left out.
    `Rounds` orders target and background windows. A window is a function of (seed, epoch, index) alone.
    """

    def __init__(
        self,
        encoded: Path,
        split: str,
        segments: int,
        *,
        hop: int,
        windows_per_epoch: int | None,
        seed: int,
        mixture: Mixture = TARGET_ALONE,
    ) -> None:
        rows = read_index(encoded, split)
        self._grids = _grids(encoded)
        notes = np.cumsum(np.append(0, (self._grids["steps"] < HOLD).any(axis=1)))
        places: dict[str, list[tuple[int, int]]] = {TARGET: [], BACKGROUND: []}
        for row in rows:
            for first in range(0, max(1, row.length - segments // 2), hop):
                start, stop = row.start + first, row.start + min(first + segments, row.length)
                if notes[stop] > notes[start]:
                    places[row.role].append((start, stop))
        if not places[TARGET]:
            found = f"no notes in its {counted(len(rows), 'solo')}" if rows else "none"
            raise InputError(encoded, expected=f"solos of the {split} split", found=found, remedy="add tunes")
        target, background = places[TARGET], places[BACKGROUND]
        self._places, self._segments = [*target, *background], segments
        seed = derive_seed(seed, "music_vae")
        self._rounds = Rounds(len(target), len(background), mixture, windows_per_epoch, seed)

    def __len__(self) -> int:
        return len(self._rounds)

    @property
    def mixed_epochs(self) -> int:
        return self._rounds.mixed_epochs

    def set_epoch(self, epoch: int) -> None:
        self._rounds.set_epoch(epoch)

    def __getitem__(self, index: int) -> Batch:
        start, stop = self._places[self._rounds[index]]
        return _batch(self._grids, start, stop, self._segments)


def whole_solos(encoded: Path, split: str, segments: int) -> Iterator[Batch]:
    """Every target solo of a split, including copies, as adjacent windows, the last one padded: (windows, N, …)."""
    grids = _grids(encoded)
    for row in read_index(encoded, split):
        if row.role != TARGET:
            continue
        batch = _batch(grids, row.start, row.start + row.length, -(-row.length // segments) * segments)
        yield {name: values.reshape(-1, segments, *values.shape[1:]) for name, values in batch.items()}


def _grids(encoded: Path) -> dict[str, NDArray[Any]]:
    # Plain arrays are sliced in a third of the time of memory maps.
    return {name: np.asarray(files.read_array(encoded / f"{name}.npy")) for name in ("steps", "velocities", "chords")}


def _batch(grids: Mapping[str, NDArray[Any]], start: int, stop: int, segments: int) -> Batch:
    """Segments `start` … `stop` of the packed arrays, padded to `segments`."""
    steps, velocities, chords = (grid[start:stop] for grid in grids.values())
    if len(steps) < segments:  # padding takes longer than the rest
        steps, velocities = padded(steps, segments, PAD), padded(velocities, segments, 0)
        chords = padded(chords, segments, 0)
    return {
        "steps": torch.from_numpy(steps.astype(np.int64)),
        "velocities": torch.from_numpy(velocities.astype(np.int64)),
        "chords": torch.from_numpy(_features_of_all()[chords]),
    }


@functools.cache
def _features_of_all() -> NDArray[np.float32]:
    """The features of every packed chord, (65536, features), 6 MiB. A look-up is faster than computing them."""
    return chord_features(np.arange(2**16).astype(np.uint16))


def padded(grid: np.ndarray, segments: int, fill: int) -> np.ndarray:
    """(n, …) → (segments, …), padded at the end with `fill`."""
    missing = [(0, segments - len(grid)), *[(0, 0)] * (grid.ndim - 1)]
    return np.pad(grid, missing, constant_values=fill)
