"""Set-up of torch: threads, device and memory."""

import resource
import sys

import torch


def prepare_torch(threads: int | None = 1) -> None:
    """Set up torch for this process and thread. Call it before the first parallel operation.

    Args:
        threads: number of CPU threads. None: torch decides. The order of float sums, and so the exact result, depends
            on it. On busy cores, two threads can be 34 times slower than one.
    """
    torch.set_flush_denormal(True)  # makes recurrent layers 19 times faster
    if threads is not None:
        torch.set_num_threads(threads)


def best_device() -> torch.device:
    """CUDA if available, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_in_words() -> str:
    """The device of this process: the GPU's name, or the CPU with the number of torch's threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def peak_memory_mib() -> float:
    """Peak memory in MiB: of torch on the GPU, or without a GPU, of this process with Python and all its libraries."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    units_a_mib = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units_a_mib
