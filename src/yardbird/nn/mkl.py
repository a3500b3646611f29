"""The matrix product of MKL, which torch's wheels for x86 processors contain and export."""

import ctypes
from functools import cache
from pathlib import Path

import torch


@cache
def sgemm_address() -> int | None:
    """The address of BLAS's SGEMM with 32-bit integers, or None if torch's library does not export it."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if not library.exists():
        return None
    function = getattr(ctypes.CDLL(str(library)), "SGEMM", None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value
