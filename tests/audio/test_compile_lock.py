import subprocess
import sys
from itertools import pairwise

import pytest

from yardbird.audio import compile_lock
from yardbird.audio.compile_lock import compiled_alone

SLOW_CALL = """
import sys, time
from yardbird.audio.compile_lock import compiled_alone

@compiled_alone
def call():
    start = time.monotonic()
    time.sleep(0.2)
    print(start, time.monotonic())

print("ready", flush=True)
sys.stdin.readline()
call()
"""


def test_first_calls_in_several_processes_do_not_overlap() -> None:
    """Regression: what two processes compiled at once crashed every later process that called librosa."""
    processes = [
        subprocess.Popen([sys.executable, "-c", SLOW_CALL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    spans = sorted(tuple(map(float, process.communicate(timeout=60)[0].split())) for process in processes)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_calls_take_the_lock_until_one_has_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Lock:
        def __enter__(self) -> None:
            taken.append(1)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(compile_lock, "_lock", Lock())
    inverse = compiled_alone(lambda x: 1 / x)
    with pytest.raises(ZeroDivisionError):
        inverse(0)
    assert [inverse(2), inverse(4)] == [0.5, 0.25]
    assert len(taken) == 2
