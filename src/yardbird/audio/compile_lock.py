"""Keeps processes from compiling librosa's functions at the same time.

numba compiles them at their first use and saves them beside the package, without a lock. What two processes save at
once need not fit together, and then every later process of that environment crashes with a segmentation fault.
"""

import getpass
import os
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import librosa
from filelock import FileLock

P = ParamSpec("P")
R = TypeVar("R")


def _place() -> Path:
    """Beside librosa, where all processes of the environment meet, or if that cannot be written in the user's name."""
    package = Path(librosa.__file__).parent
    if os.access(package, os.W_OK):
        return package / "compile.lock"
    return Path(tempfile.gettempdir()) / f"librosa_{getpass.getuser()}.lock"


_lock = FileLock(_place())


def compiled_alone(function: Callable[P, R]) -> Callable[P, R]:
    """Let one process at a time make its first call of a function that uses librosa; later calls do not wait."""
    called = False

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal called
        if called:
            return function(*args, **kwargs)
        with _lock:
            result = function(*args, **kwargs)
        called = True
        return result

    return call
