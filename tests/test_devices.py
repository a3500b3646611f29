import subprocess
import sys

import pytest

PROGRAM = """
import resource
import torch
from yardbird.devices import prepare_torch

def fill():
    arrays = [torch.empty(10 * 2**20, dtype=torch.uint8).fill_(1) for _ in range(4)]
    assert all(bool(array[-1] == 1) for array in arrays)

prepare_torch()
for _ in range(8):  # until the memory for all arrays is there
    fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    fill()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
assert faults < 1000, faults  # otherwise 5,000 to 40,000
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's memory")
def test_memory_of_large_arrays_is_reused() -> None:
    """glibc returned it to the system, which took a seventh of each training step. A used process keeps it anyway."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=100)
