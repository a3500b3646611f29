"""Functions that worker processes can import."""

import errno
import os
import time
from pathlib import Path

from yardbird.errors import InputError, WriteError


def double(number: int) -> tuple[int, int]:
    """Twice the number, and the process."""
    time.sleep(0.01 * (number % 3 == 0))  # so that items end in another order than they start
    return 2 * number, os.getpid()


def refuse_some(number: int) -> int:
    if number in (3, 5):
        time.sleep(0.3 * (number == 3))  # the second error is found first
        raise InputError(f"{number}.mid", expected="an even number", found=str(number), remedy="add one")
    return number


def sleep(number: int) -> None:  # an item of over_processes
    """Sleep for a minute, after leaving the number of this process as the name of a file."""
    Path(f"{os.getpid()}.pid").touch()
    time.sleep(60)


def fill_the_disk(folder: Path) -> None:
    raise WriteError(folder / "solo.mid", 2000, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def working_folder(_: int) -> str:
    return str(Path.cwd())
