"""Timing of variants of a computation in turn in one process, so that a busy machine slows all of them equally."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

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


def measure(setting: str, variants: Mapping[str, Callable[[], object]], rounds: int) -> list[Row]:
    """Time all variants in turn. The first is the base. A first round for warm-up is discarded."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in tqdm(range(rounds + 1), desc=setting, leave=False, file=sys.stderr):
        for name, variant in variants.items():
            seconds[name].append(_seconds(variant))
    base = next(iter(seconds.values()))[1:]
    rows = []
    for name, taken in seconds.items():
        ratios = [mine / theirs for mine, theirs in zip(taken[1:], base, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        rows.append(Row(setting, name, 1000 * statistics.median(taken[1:]), middle, low, high))
    return rows


def _seconds(variant: Callable[[], object]) -> float:
    """Wall-clock time on a GPU; otherwise processor time, which other processes affect less."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    _wait()
    start = clock()
    variant()
    _wait()
    return clock() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def commit() -> str:
    if shutil.which("git") is None:
        return ""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main(description: str, benchmark: Callable[[int], list[Row]], default_rounds: int) -> None:
    """The command line of a benchmark: set up torch, run, print a table, and optionally write JSON."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=default_rounds, help="timed rounds of every variant")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of torch; more than one requires an idle machine"
    )
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error("--rounds: expected 2 or more, for quartiles")
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    rows = benchmark(options.rounds)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {options.threads} thread(s)"
    print(f"{description}\n`{' '.join(['python', *sys.argv])}`, commit {commit() or 'unknown'}")
    print(f"torch {torch.__version__}, {device}, {options.rounds} rounds\n")
    print("| setting | variant | ms | ratio | quartiles |\n|---|---|---|---|---|")
    for row in rows:
        name, ratio = row.variant, f"{row.ratio:.2f} | {row.low:.2f}–{row.high:.2f}"
        print(f"| {row.setting} | {name} | {row.milliseconds:.1f} | {ratio} |")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
