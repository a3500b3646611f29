"""Checkpoints for resuming an interrupted training. They are not part of DVC's DAG."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from filelock import FileLock, Timeout

from yardbird.errors import InputError


class CheckpointFolder:
    """The folder `<root>/.checkpoints/<family>/<key>`. As a context manager, it is created and locked.

    The key is a hash of everything that the result depends on (`yardbird.pipeline.stage_hash`), so that only the same
    training resumes a checkpoint. A checkpoint is written to a temporary file, synced to disk and renamed: a kill at
    any moment leaves the last complete checkpoint.
    """

    def __init__(self, root: Path, family: str, key: str) -> None:
        self.path = root / ".checkpoints" / family / key
        self._last = self.path / "last.pt"
        self._lock = FileLock(self.path / "lock")

    def __enter__(self) -> "CheckpointFolder":
        """
        Raises:
            InputError: another process, or another instance in this process, holds the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                self.path,
                expected="a training that is not running elsewhere",
                found="another process that runs it",
                remedy="wait for it, or stop it",
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def write(self, state: Mapping[str, Any]) -> None:
        """Write a state of tensors, numbers, text and containers of them."""
        part = self.path / "last.pt.part"
        with part.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._last)

    def read(self) -> dict[str, Any] | None:
        """The last state written, with its tensors on the CPU, or None.

        Raises:
            InputError: the file is damaged.
        """
        if not self._last.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self._last, map_location="cpu", weights_only=True)
        except (RuntimeError, UnpicklingError, EOFError, OSError) as error:
            raise InputError(
                self._last,
                expected="a checkpoint",
                found=f"a damaged file ({str(error).splitlines()[0][:80]})",
                remedy="delete it to train from the start",
            ) from None
        return state

    def remove(self) -> None:
        """Delete the folder while its lock is held, after training has succeeded and its outputs are written."""
        shutil.rmtree(self.path)
