"""Where files and folders are written before they are renamed into place: outside the folders that stages read.

A killed process leaves its drafts. In a repository they are in `.dvc/tmp/drafts`, in a folder that each process locks,
and the next process that writes deletes the folders of processes that have ended.
"""

import atexit
import fcntl
import functools
import os
import shutil
import tempfile
from pathlib import Path

_REPOSITORY, _DRAFTS = ".dvc/tmp", ".dvc/tmp/drafts"


def place_for(folder: Path) -> Path:
    """The folder for drafts of what belongs into `folder`, on the same disk.

    It is `folder` itself outside a repository, on another disk, and if `folder` is a draft.
    """
    return _place_for(os.getcwd(), os.fspath(folder))


@functools.lru_cache(maxsize=256)
def _place_for(working: str, folder: str) -> Path:
    path = Path(working, folder).resolve()
    root = Path(working).resolve()
    drafts = root / _DRAFTS
    if not path.is_relative_to(root) or path.is_relative_to(drafts) or not (root / _REPOSITORY).is_dir():
        return Path(folder)
    if path.stat().st_dev != (root / _REPOSITORY).stat().st_dev:
        return Path(folder)
    return _of_process(drafts)


@functools.cache
def _of_process(drafts: Path) -> Path:
    """The folder of this process; those of processes that have ended are deleted."""
    drafts.mkdir(exist_ok=True)
    with (drafts / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        for other in (path for path in drafts.iterdir() if path.is_dir()):
            if (handle := _lock(other)) is not None:
                shutil.rmtree(other, ignore_errors=True)
                os.close(handle)
        own = Path(tempfile.mkdtemp(dir=drafts))
        assert _lock(own) is not None
    atexit.register(_delete, own, os.getpid())
    return own


def _lock(folder: Path) -> int | None:
    """Lock a folder until this process ends; None if another process has locked or deleted it."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _delete(folder: Path, process: int) -> None:
    if os.getpid() == process:  # not a fork, which has the same exit handlers
        shutil.rmtree(folder, ignore_errors=True)
