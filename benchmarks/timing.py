"""Timing of variants of a computation in turn in one process, so that a busy machine slows all of them equally.

A benchmark is a module with a function `benchmark(rounds)` and a call of `main`. The function yields the rows of one
setting after the other. Variants whose names start with `ours` are the project's; all others are peers.
"""

import argparse
import gc
import importlib.util
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm


@dataclass(frozen=True)
class Row:
    """`ratio` is the median over rounds of (time of the variant / time of the base in the same round)."""

    setting: str
    variant: str
    milliseconds: float
    ratio: float
    low: float  # quartiles of the paired ratios
    high: float
    seconds: tuple[float, ...] = ()  # of each timed round
    missing: str = ""  # why the variant was not timed; its numbers are then NaN
    axis: str = ""  # in a growth curve: the quantity that grows, such as `sequence length`
    size: int = 0  # its value in this row


@dataclass(frozen=True)
class Missing:
    """A variant that cannot be timed here, and why. It becomes a row without numbers."""

    reason: str


Variant = Callable[[], object] | Missing
SHORT = 0.01  # seconds of one call
LONG_ROUND = 5.0  # seconds of all variants together
FEWEST_ROUNDS = 2


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def requiring(package: str, variant: Callable[[], object]) -> Variant:
    """The variant, or if its package is not installed a row that says so."""
    return variant if installed(package) else Missing(f"{package} is not installed")


def measure(setting: str, variants: Mapping[str, Variant], rounds: int, *, axis: str = "", size: int = 0) -> list[Row]:
    """Time all variants in turn. The first that is not missing is the base.

    A first round for warm-up is discarded, except if later rounds take so long that a warm-up makes no difference. If
    the time of the benchmark is limited, such a setting has only two rounds, the fewest for quartiles.
    """
    timed = {name: variant for name, variant in variants.items() if not isinstance(variant, Missing)}
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    enough = FEWEST_ROUNDS if math.isfinite(_ends) else rounds
    for _ in tqdm(range(rounds + 1), desc=setting, leave=False, file=sys.stderr, disable=None):
        if sum(taken[-1] for taken in seconds.values() if len(taken) == enough) > LONG_ROUND:
            break
        for name, run in timed.items():
            seconds[name].append(_seconds(run))
    seconds = {name: taken[-rounds:] for name, taken in seconds.items()}
    base = next(iter(seconds.values()), [])
    rows = []
    for name, variant in variants.items():
        if isinstance(variant, Missing):
            nothing = (math.nan, math.nan, math.nan, math.nan)
            rows.append(Row(setting, name, *nothing, missing=variant.reason, axis=axis, size=size))
            continue
        taken = seconds[name]
        low, middle, high = quartiles([mine / theirs for mine, theirs in zip(taken, base, strict=True)])
        rows.append(
            Row(setting, name, 1000 * statistics.median(taken), middle, low, high, tuple(taken), axis=axis, size=size)
        )
    return rows


def quartiles(ratios: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, middle, high


def _seconds(variant: Callable[[], object]) -> float:
    """Wall-clock time on a GPU; otherwise processor time, which other processes affect less. A call that takes less
    than `SHORT` is repeated, and the mean counts."""
    taken = _seconds_of(variant, 1)
    return taken if taken > SHORT else _seconds_of(variant, math.ceil(SHORT / max(taken, 1e-6)))


def _seconds_of(variant: Callable[[], object], calls: int) -> float:
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    _wait()
    start = clock()
    for _ in range(calls):
        variant()
    _wait()
    return (clock() - start) / calls


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def commit() -> str:
    if shutil.which("git") is None:
        return ""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def machine() -> dict[str, Any]:
    """What a ratio depends on: processor, instruction sets, cores, threads, device and versions."""
    information = Path("/proc/cpuinfo")
    text = information.read_text() if information.exists() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    known = sorted(flag for flag in flags[1].split() if re.match(r"(avx|amx|fma|asimd|sve)", flag)) if flags else []
    return {
        "processor": name[1] if name else platform.processor() or platform.machine(),
        "instruction_sets": known,
        "torch_uses": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "transformers": version("transformers"),
    }


def used_seconds() -> float:
    """Processor time of this process and of those that it started and waited for."""
    return sum(os.times()[:4])


_ends = math.inf


def seconds_left() -> float:
    """The rest of the processor time that `--seconds` allows; infinite without it."""
    return _ends - used_seconds()


def main(description: str, benchmark: Callable[[int], Iterable[list[Row]]], default_rounds: int) -> None:
    """The command line of a benchmark: set up torch, run, print a table, and optionally write JSON."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=default_rounds, help="timed rounds of every variant")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of torch; more than one requires an idle machine"
    )
    parser.add_argument("--seconds", type=float, default=math.inf, help="start no setting after this processor time")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    if options.rounds < FEWEST_ROUNDS:
        parser.error("--rounds: expected 2 or more, for quartiles")
    global _ends
    _ends = used_seconds() + options.seconds
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    gc.collect()
    gc.freeze()  # otherwise a collection of all that was imported, 0.2 seconds, counts for one variant
    print(f"{description}\n`{' '.join(['python', *sys.argv])}`, commit {commit() or 'unknown'}")
    here = machine()
    print(f"torch {here['torch']}, {here['device']}, {options.threads} thread(s), {options.rounds} rounds\n")
    print("| setting | variant | ms | ratio | quartiles |\n|---|---|---|---|---|")
    rows: list[Row] = []
    ended = False
    for setting in benchmark(options.rounds):
        rows += setting
        print(*map(_line, setting), sep="\n", flush=True)
        ended = seconds_left() < 0
        if options.json:
            result = {"machine": here, "rounds": options.rounds, "ended": ended, "rows": [asdict(row) for row in rows]}
            options.json.write_text(json.dumps(result, indent=1) + "\n")
        if ended:
            print(f"\nThe limit of {options.seconds:g} seconds is reached: further settings were not measured.")
            break


def _line(row: Row) -> str:
    setting = f"{row.setting}, {row.axis} {row.size}" if row.axis else row.setting
    if row.missing:
        return f"| {setting} | {row.variant} | {row.missing} | | |"
    return f"| {setting} | {row.variant} | {row.milliseconds:.1f} | {row.ratio:.2f} | {row.low:.2f}–{row.high:.2f} |"
