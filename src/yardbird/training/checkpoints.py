"""Where a training that was killed finds itself again, outside the DAG of DVC."""

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
    """`<root>/.checkpoints/<family>/<key>`, locked by one process at a time: a context manager makes and locks it.

    The key is a hash of everything the result depends on (`yardbird.pipeline.stage_hash`), so that a checkpoint is only
    ever continued by the very same training. It is written to a side file, forced to disk and renamed: a kill at any
    moment leaves the last complete one.
    """

    def __init__(self, root: Path, family: str, key: str) -> None:
        self.path = root / ".checkpoints" / family / key
        self._last = self.path / "last.pt"
        self._lock = FileLock(self.path / "lock")

    def __enter__(self) -> "CheckpointFolder":
        """
        Raises:
            InputError: another process, or another folder of this one, holds the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                self.path,
                expected="a training that no one else is running",
                found="another process at the same one",
                remedy="wait for it, or stop it",
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def write(self, state: Mapping[str, Any]) -> None:
        """Write tensors, numbers, text and containers of them."""
        part = self.path / "last.pt.part"
        with part.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._last)

    def read(self) -> dict[str, Any] | None:
        """The last state written, its tensors on the CPU; None where there is none.

        Raises:
            InputError: the file was damaged.
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
        """Delete the folder, once training has succeeded and its outputs are written."""
        shutil.rmtree(self.path)
