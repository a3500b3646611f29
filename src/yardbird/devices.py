"""What torch computes on: threads, devices, memory."""

import resource
import sys

import torch


def prepare_torch(threads: int | None = 1) -> None:
    """Set torch up for this process and this thread, before its first parallel operation.

    Args:
        threads: on the CPU; None: torch decides. Sums, and so bytes, depend on their number; two on busy cores can be
            34 times slower than one.
    """
    torch.set_flush_denormal(True)  # recurrent layers are 19 times faster for it
    if threads is not None:
        torch.set_num_threads(threads)


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_in_words() -> str:
    """What this process computes on: the GPU's name, else the CPU with the number of torch's threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def peak_memory_mib() -> float:
    """The most memory held so far: by torch on the GPU; without one by this process, Python and all libraries in it."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    units_a_mib = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units_a_mib
