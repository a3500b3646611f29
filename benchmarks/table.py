"""Runs all speed benchmarks in turn and keeps their results as one table.

A quick run takes at most ten minutes on two idle cores. It writes reports/benchmarks.json, docs/benchmarks.md and
docs/pictures/growth.svg, and prints which ratios are below their goals or below the kept ratios, those of the last
commit. It is a benchmark and not a test: a lower ratio is no error.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from benchmark_list import BENCHMARKS, GOALS, PEERS, Benchmark
from growth_chart import draw_growth
from table_page import page
from timing import commit, quartiles

from yardbird import files

ROOT = Path(__file__).resolve().parents[1]
REPORT, PAGE, CHART = (
    ROOT / name for name in ("reports/benchmarks.json", "docs/benchmarks.md", "docs/pictures/growth.svg")
)
NOISE = 0.1  # equal code gives ratios that differ by this much on a busy machine


def run(benchmark: Benchmark, rounds: int, seconds: float) -> dict[str, Any]:
    """Run one benchmark in its own process, so that none inherits memory, threads or random state of another.

    Returns what it wrote as JSON, and in `failed` its error, if any.
    """
    with TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        command = [sys.executable, str(Path(__file__).with_name(f"{benchmark.file}.py")), "--rounds", str(rounds)]
        command += ["--json", str(rows)] + ([] if math.isinf(seconds) else ["--seconds", f"{seconds:g}"])
        done = subprocess.run(
            command, env={"OMP_NUM_THREADS": "1"} | os.environ, stderr=subprocess.PIPE, text=True, check=False
        )
        sys.stderr.write(done.stderr)
        found: dict[str, Any] = json.loads(rows.read_text()) if rows.exists() else {"rows": [], "ended": False}
    failed = (done.stderr.strip().splitlines() or ["no message"])[-1] if done.returncode else ""
    return found | {"failed": failed}


def comparisons(benchmark: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each variant of ours with each peer in the same setting: how many times as fast ours is, paired by rounds."""
    for (setting, axis, size), group in groupby(rows, key=lambda row: (row["setting"], row["axis"], row["size"])):
        variants = list(group)
        plain = next((row for row in variants if row["variant"].startswith("ours")), None)
        for ours in (row for row in variants if row["variant"].startswith("ours") and not row["missing"]):
            for peer in (row for row in variants if not row["variant"].startswith("ours")):
                known = next((known for known in PEERS if known.names(peer["variant"])), None)
                low, ratio, high = _times_as_fast(ours, peer)
                yield {
                    "benchmark": benchmark,
                    "work": f"{setting}, {axis} {size}" if axis else setting,
                    "ours": ours["variant"],
                    "peer": peer["variant"],
                    "version": _version(known.package) if known else "",
                    "goal": _goal(benchmark, setting, peer["variant"]) if ours is plain else None,
                    "ratio": ratio,
                    "low": low,
                    "high": high,
                    "rounds": len(peer["seconds"]),
                    "missing": peer["missing"],
                }


def _times_as_fast(ours: dict[str, Any], peer: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    if peer["missing"]:
        return None, None, None
    return quartiles([theirs / mine for mine, theirs in zip(ours["seconds"], peer["seconds"], strict=True)])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}" if package else ""
    except PackageNotFoundError:
        return package


def _goal(benchmark: str, setting: str, peer: str) -> float | None:
    return next((goal.ratio for goal in GOALS if goal.covers(benchmark, setting, peer)), None)


def curves(benchmark: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Milliseconds by size of each variant, of the rows that have an axis."""
    grown: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["axis"]:
            grown.setdefault((row["setting"], row["axis"], row["variant"]), []).append(row)
    for (work, axis, variant), points in grown.items():
        timed = [(row["size"], row["milliseconds"]) for row in points if not row["missing"]]
        stopped = next(
            (f"from {axis} {row['size']:,} on, sizes are {row['missing']}" for row in points if row["missing"]), ""
        )
        yield {
            "benchmark": benchmark,
            "work": work,
            "axis": axis,
            "variant": variant,
            "points": timed,
            "stopped": stopped,
        }


def kept_report() -> dict[str, Any]:
    """The report of the last commit, which a run in the working tree does not change; empty if there is none."""
    if shutil.which("git") is None:
        return {}
    done = subprocess.run(
        ["git", "show", f"HEAD:{REPORT.relative_to(ROOT)}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def fallen(report: dict[str, Any], kept: dict[str, Any]) -> Iterator[str]:
    """What is below its goal, below the kept ratio by more than the quartiles and noise explain, or not measured."""
    before = {_key(row): row for row in kept.get("comparisons", []) if row["ratio"] is not None}
    for row in report["comparisons"]:
        name = f"{row['work']}: {row['ours']} against {row['peer']}"
        if row["ratio"] is None:
            yield f"not measured  {name}: {row['missing']}"
            continue
        if row["goal"] is not None and row["ratio"] < row["goal"]:
            yield f"below goal    {name}: {row['ratio']:.2f}, the goal is {row['goal']:g}"
        old = before.get(_key(row))
        if old and row["high"] < old["low"] and row["ratio"] < (1 - NOISE) * old["ratio"]:
            yield f"below kept    {name}: {row['ratio']:.2f}, kept is {old['ratio']:.2f}"
    for name, state in report["benchmarks"].items():
        if state["state"] != "complete":
            yield f"not complete  {name}.py: {state['state']}"
    for goal in GOALS:
        ran = goal.benchmark in report["benchmarks"]
        if ran and not any(goal.covers(row["benchmark"], row["work"], row["peer"]) for row in report["comparisons"]):
            yield f"not measured  {goal.work} against {goal.peer}, the goal is {goal.ratio:g}"
    measured = {_key(row) for row in report["comparisons"]}
    for key, row in before.items():
        if key not in measured and row["benchmark"] in report["benchmarks"]:
            yield f"not measured  {row['work']}: {row['ours']} against {row['peer']}: kept is {row['ratio']:.2f}"


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return row["benchmark"], row["work"], row["ours"], row["peer"]


@dataclass(frozen=True)
class Options:
    only: list[str]
    rounds: int | None
    json: Path | None
    long: bool
    page: bool


def options() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [benchmark.file for benchmark in BENCHMARKS]
    parser.add_argument(
        "--only", nargs="+", choices=names, default=[], help="run these; the kept report stays as it is"
    )
    parser.add_argument("--rounds", type=int, help="timed rounds of every variant, instead of those of the table")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument("--long", action="store_true", help="all settings and sizes, without a limit of time")
    parser.add_argument(
        "--page", action="store_true", help="only write the page and the chart of the kept report again"
    )
    return Options(**vars(parser.parse_args()))


def measure_all(chosen: Options) -> dict[str, Any]:
    began = time.monotonic()
    benchmarks = [benchmark for benchmark in BENCHMARKS if not chosen.only or benchmark.file in chosen.only]
    report: dict[str, Any] = {"machine": {}, "commit": commit(), "quick": not chosen.long, "benchmarks": {}}
    report |= {"comparisons": [], "growth": []}
    for benchmark in benchmarks:
        rounds = chosen.rounds or (benchmark.long_rounds if chosen.long else benchmark.rounds)
        start = time.monotonic()
        found = run(benchmark, rounds, math.inf if chosen.long else benchmark.seconds)
        print(f"[{benchmark.file}: {time.monotonic() - start:.0f} s]\n", flush=True)
        state = found["failed"] or ("ended by the limit of time" if found["ended"] else "complete")
        report["machine"] = found.get("machine") or report["machine"]
        report["benchmarks"][benchmark.file] = {"rounds": rounds, "state": state}
        report["comparisons"] += comparisons(benchmark.file, found["rows"])
        report["growth"] += curves(benchmark.file, found["rows"])
    return report | {"minutes": round((time.monotonic() - began) / 60, 1)}


def write(report: dict[str, Any]) -> None:
    files.write_text(PAGE, page(report))
    draw_growth(report["growth"], CHART)


def main() -> None:
    chosen = options()
    if chosen.page:
        write(json.loads(REPORT.read_text(encoding="utf-8")))
        return
    report = measure_all(chosen)
    text = re.sub(r"\n +(?=[\d\]])", "", json.dumps(report, indent=1, ensure_ascii=False)) + "\n"
    if chosen.json:
        files.write_text(chosen.json, text)
    if not chosen.only:
        files.write_text(REPORT, text)
        write(report)
    kept = kept_report()
    if kept and kept["machine"]["processor"] != report["machine"]["processor"]:
        print(f"The kept ratios are from another processor, {kept['machine']['processor']}.")
    lines = list(fallen(report, kept))
    print("\n".join(lines) or "Nothing is below its goal or the kept ratios.")
    print(
        f"{report['minutes']} minutes"
        + ("" if chosen.only else f"; written: {REPORT.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")
    )


if __name__ == "__main__":
    main()
