import resource
import sys

import pytest
import torch

from yardbird.devices import prepare_torch


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's memory")
def test_memory_of_large_arrays_is_reused() -> None:
    """glibc returned it to the system, which took a seventh of each training step."""
    prepare_torch(torch.get_num_threads())
    megabytes = 4 * [2**20 * 10]

    def fill() -> None:
        arrays = [torch.empty(size, dtype=torch.uint8).fill_(1) for size in megabytes]
        assert all(bool(array[-1] == 1) for array in arrays)

    for _ in range(4):  # until the memory for all arrays is there
        fill()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fill()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    pages = sum(megabytes) // resource.getpagesize()
    assert faults < pages / 10
