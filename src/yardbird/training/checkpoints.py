"""Checkpoints for resuming an interrupted training. They are not part of DVC's DAG."""

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from filelock import FileLock, Timeout

from yardbird import files
from yardbird.errors import InputError

_KEPT = 2


class CheckpointFolder:
    """The folder `<root>/.checkpoints/<family>/<key>`. As a context manager, it is created and locked.

    The key is a hash of everything that the result depends on (`yardbird.pipeline.stage_hash`), so that only the same
    training resumes a checkpoint. A checkpoint is written to a temporary file, synced to disk and renamed: a kill at
    any moment leaves the last complete checkpoint. Its name has its number and its SHA-256. The last two are kept, so
    that a training whose last checkpoint is damaged resumes from the one before.
    """

    def __init__(self, root: Path, family: str, key: str) -> None:
        self.path = root / ".checkpoints" / family / key
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
        kept = self._checkpoints()
        part = self.path / "next.part"
        with part.open("wb") as file:
            hashed = _Hashed(file)
            torch.save(dict(state), hashed)  # type: ignore[arg-type]  # it needs `write` and `flush` only
            file.flush()
            os.fsync(file.fileno())
        number = _number(kept[0]) + 1 if kept else 1
        os.replace(part, self.path / f"{number:06d}-{hashed.digest}.pt")
        for old in kept[_KEPT - 1 :]:
            old.unlink()

    def read(self) -> dict[str, Any] | None:
        """The last state written, with its tensors on the CPU, or None.

        If the last checkpoint is damaged, a line on stderr says so, and the one before is read.

        Raises:
            InputError: all are damaged.
        """
        kept = self._checkpoints()
        damaged: dict[Path, str] = {}
        for path in kept:
            try:
                if files.sha256(path) != path.stem.partition("-")[2]:
                    raise RuntimeError("its checksum is another")
                state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            except Exception as error:  # a file of another origin may raise any type
                damaged[path] = f"a damaged file ({(str(error).splitlines() or ['?'])[0][:80]})"
                continue
            for other, found in damaged.items():
                print(f"warning: {other}: {found}; it is deleted, and {path.name} is resumed", file=sys.stderr)
                other.unlink()
            return state
        for path, found in damaged.items():
            remedy = "delete its folder to train from the start"
            raise InputError(path, expected="a checkpoint", found=found, remedy=remedy)
        return None

    def _checkpoints(self) -> list[Path]:
        """The last one first."""
        return sorted(self.path.glob("*-*.pt"), key=_number, reverse=True)

    def remove(self) -> None:
        """Delete the folder while its lock is held, after training has succeeded and its outputs are written."""
        shutil.rmtree(self.path)


class _Hashed:
    """A file for writing that computes the SHA-256 of what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def write(self, content: bytes) -> int:
        self._hash.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _number(checkpoint: Path) -> int:
    number = checkpoint.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0
