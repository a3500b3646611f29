"""The threads, devices and memory of torch."""

import ctypes
import resource
import sys
from typing import Literal

import torch

# Parameters of glibc's `mallopt`, with their numbers in malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def prepare_torch(threads: int | None = 1) -> None:
    """Configure torch for this process and this thread, before its first parallel operation.

    Args:
        threads: the number of CPU threads; None lets torch decide. Sums, and so bytes, depend on it; two threads on
            busy cores can be 34 times slower than one.
    """
    torch.set_flush_denormal(True)  # denormal numbers make recurrent layers 19 times slower
    if threads is not None:
        torch.set_num_threads(threads)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let this process reuse the memory of arrays up to 32 MiB, which glibc would give back when they are freed.

    The system fills each page with zeros before it hands it out again, which is a seventh of a training step.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):  # not in musl
        library.mallopt(_MMAP_THRESHOLD, 2**25)  # the largest value that glibc accepts
        library.mallopt(_TRIM_THRESHOLD, 2**30)


def best_device() -> torch.device:
    """CUDA if available, otherwise the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def best_precision() -> Literal["32-true", "16-mixed", "bf16-mixed"]:
    """Lightning's name of the precision to train in here: full on a CPU, mixed on a GPU, in bfloat16 if it has it."""
    if not torch.cuda.is_available():
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def device_in_words() -> str:
    """The device of this process in words: the name of the GPU, or the CPU with the number of torch's threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def peak_memory_mib() -> float:
    """The peak memory so far: of torch on the GPU, or without a GPU of this process, including Python and libraries."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    units_per_mib = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units_per_mib
