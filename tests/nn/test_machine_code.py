import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from yardbird.nn import machine_code

SOURCE = """
from yardbird.nn.machine_code import compiled

@compiled
def successor(x: int) -> int:
    return x + 1
"""

ATTENTION = """
import hashlib
import numpy as np
from yardbird.nn import attention_kernel
random = np.random.default_rng(0)
parts = [random.standard_normal(shape, np.float32) for shape in [(2, 100, 16)] * 3 + [(1, 101, 16)]]
output, sums = np.empty((2, 100, 16), np.float32), np.empty((2, 100), np.float32)
weights = np.empty(attention_kernel.stored_size(100, 2, differentiable=True), np.float32)
attention_kernel.forward(*parts, 0, 0, output, sums, weights, True)
print(sum(attention_kernel.forward.stats.cache_hits.values()), hashlib.sha256(output).hexdigest())
"""


def test_a_function_is_compiled_again_when_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: numba looks at the file of the function only, and kept code of an older function that it calls."""
    file = tmp_path / "successor_kernel.py"
    file.write_text(SOURCE)

    def from_cache(state: str) -> bool:
        monkeypatch.setattr(machine_code, "_state_of_sources", lambda: state)
        spec = importlib.util.spec_from_file_location("successor_kernel", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "successor_kernel", module)
        spec.loader.exec_module(module)
        assert module.successor(3) == 4
        return sum(module.successor.stats.cache_hits.values()) == 1

    assert [from_cache(state) for state in ("old", "old", "new", "new")] == [False, True, False, True]


def test_code_from_the_cache_computes_the_same_bytes_as_code_just_compiled(tmp_path: Path) -> None:
    """Regression: with parts that were not inlined, the first process of a clone gave other last digits."""
    command, environment = [sys.executable, "-c", ATTENTION], {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=environment) for _ in range(2)]
    (compiled, bytes_then), (cached, bytes_now) = (run.stdout.split() for run in runs)
    assert [compiled, cached] == ["0", "1"]
    assert bytes_then == bytes_now


def test_the_state_of_sources_covers_every_compiled_function() -> None:
    folder = Path(machine_code.__file__).parent
    matched = {file for pattern in machine_code._SOURCES for file in folder.glob(pattern)}
    users = {file for file in folder.parent.rglob("*.py") if "nn.machine_code import" in file.read_text()}
    assert len(users) > 3
    assert users <= matched
