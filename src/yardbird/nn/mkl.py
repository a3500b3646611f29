"""The matrix product of MKL, which torch's wheels for x86 processors contain and export."""

import ctypes
from functools import cache
from pathlib import Path

import torch


@cache
def near_peak() -> bool:
    """Whether MKL was measured to come near the peak of this kind of processor.

    It does without AVX-512, and on AMD's Zen 4, which computes the 512 bits in two halves. On AMD's later processors,
    MKL uses half of the width. Intel's processors with AVX-512 were not measured.
    """
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return True
    processor = torch.cpu.get_capabilities()
    return processor["cpu_name"].startswith("AMD") and not processor["avx512_vp2intersect"]  # Zen 5 has it


@cache
def sgemm_address() -> int | None:
    """The address of BLAS's SGEMM with 32-bit integers, or None if torch's library does not export it."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if not library.exists():
        return None
    function = getattr(ctypes.CDLL(str(library)), "SGEMM", None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value
