"""Keeps processes from compiling librosa's functions at the same time.

numba compiles them at their first use and saves them in the package's folder, without a lock. Files that two processes
save at the same time may not match; every later process of that environment then crashes with a segmentation fault.
"""

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

_USER = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")


def _place() -> Path:
    """Next to librosa, which all processes of the environment share; if that folder is read-only, in the folder of
    temporary files, one file for each user."""
    package = Path(librosa.__file__).parent
    if os.access(package, os.W_OK):
        return package / "compile.lock"
    return Path(tempfile.gettempdir()) / f"librosa_{_USER}.lock"


_lock = FileLock(_place(), mode=0o666)


def compiled_alone(function: Callable[P, R]) -> Callable[P, R]:
    """Let one process at a time make its first call of a function that uses librosa; later calls do not wait.

    Some functions are compiled when an attribute of librosa is read: `function` must read it, not its caller.
    """
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
