"""Windows of the melody grid: every bar may start one in training; side by side where they are measured."""

import csv
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from yardbird.codecs.melody import HOLD, PAD, chord_features
from yardbird.config import BACKGROUND, TARGET
from yardbird.errors import InputError
from yardbird.models.base import TARGET_ALONE, Batch, Mixture, Rounds
from yardbird.seeds import derive_seed


class MelodyWindows(Dataset[Batch]):
    """Windows of `segments` segments; items are {"steps": (N, S), "velocities": (N, S), "chords": (N, S, features)}.

    A window that reaches over the end of its solo, by less than half, is padded; one without a note is left out.
    Windows come in `Rounds`, target and background ones. A window is a function of (seed, epoch, index) alone.
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
        index = encoded / "index.csv"
        with index.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        names = ("steps", "velocities", "chords")
        self._grids = {name: np.load(encoded / f"{name}.npy", mmap_mode="r") for name in names}
        notes = np.cumsum(np.append(0, (self._grids["steps"] < HOLD).any(axis=1)))
        places: dict[str, list[tuple[int, int]]] = {TARGET: [], BACKGROUND: []}
        for row in rows:
            start, length = int(row["start"]), int(row["length"])
            for first in range(0, max(1, length - segments // 2), hop):
                stop = min(first + segments, length)
                if notes[start + stop] > notes[start + first]:
                    places[row["role"]].append((start + first, start + stop))
        if not places[TARGET]:
            found = f"no notes in its {len(rows)} solos" if rows else "none"
            raise InputError(index, expected=f"solos of the {split} split", found=found, remedy="give more tunes")
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
        steps, velocities, chords = (np.asarray(grid[start:stop]) for grid in self._grids.values())
        item = padded(steps, self._segments, PAD), padded(velocities, self._segments, 0)
        return {
            "steps": torch.from_numpy(item[0].astype(np.int64)),
            "velocities": torch.from_numpy(item[1].astype(np.int64)),
            "chords": torch.from_numpy(chord_features(padded(chords, self._segments, 0))),
        }


def padded(grid: np.ndarray, segments: int, fill: int) -> np.ndarray:
    """(n, …) → (segments, …), filled up at the end."""
    missing = [(0, segments - len(grid)), *[(0, 0)] * (grid.ndim - 1)]
    return np.pad(grid, missing, constant_values=fill)
