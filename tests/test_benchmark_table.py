"""The kept table of benchmarks: how rows become ratios, what counts as fallen, and that the page shows the report."""

import json
from pathlib import Path
from typing import Any

import pytest
import table
import timing


@pytest.fixture(scope="module")
def report(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "reports/benchmarks.json").read_text(encoding="utf-8")))


def row(variant: str, *seconds: float, setting: str = "work", missing: str = "", axis: str = "", size: int = 0) -> Any:
    milliseconds = 1000 * sorted(seconds)[len(seconds) // 2] if seconds else float("nan")
    return {
        "setting": setting,
        "variant": variant,
        "milliseconds": milliseconds,
        "seconds": list(seconds),
        "missing": missing,
        "axis": axis,
        "size": size,
    }


def compared(ratio: float | None, low: float = 0.0, high: float = 0.0, **others: Any) -> dict[str, Any]:
    names = {"benchmark": "b", "work": "w", "ours": "ours", "peer": "p", "goal": None, "missing": ""}
    return {**names, "ratio": ratio, "low": low, "high": high, **others}


def test_a_ratio_is_the_median_of_the_ratios_of_each_round_and_not_the_ratio_of_medians() -> None:
    rows = [row("ours", 1.0, 2.0, 4.0), row("muspy", 10.0, 2.0, 12.0)]
    (found,) = table.comparisons("encoding", rows)
    assert (found["low"], found["ratio"], found["high"], found["rounds"]) == (2.0, 3.0, 6.5, 3)


@pytest.mark.parametrize(
    ("taken", "kept"),
    [((9.0, 0.1, 0.2, 0.3), (0.1, 0.2, 0.3)), ((9.0, 8.0), (9.0, 8.0))],
    ids=["a round that compiles", "long rounds"],
)
def test_the_first_round_is_discarded_if_later_ones_are_short(
    monkeypatch: pytest.MonkeyPatch, taken: tuple[float, ...], kept: tuple[float, ...]
) -> None:
    rounds = iter(taken)
    monkeypatch.setattr(timing, "_seconds", lambda _: next(rounds))
    monkeypatch.setattr(timing, "_ends", 150.0)
    (row,) = timing.measure("work", {"ours": lambda: None}, rounds=3)
    assert row.seconds == kept


def test_each_variant_of_ours_is_compared_with_each_peer_of_the_same_setting_only() -> None:
    rows = [row("ours", 1, 1), row("ours, int8", 1, 1), row("a", 2, 2), row("b", 3, 3), row("a", 5, 5, setting="x")]
    pairs = [(found["ours"], found["peer"]) for found in table.comparisons("decoding", rows)]
    assert pairs == [("ours", "a"), ("ours", "b"), ("ours, int8", "a"), ("ours, int8", "b")]


def test_a_peer_that_is_not_installed_keeps_its_row() -> None:
    rows = [row("ours", 1.0, 1.0), row("muspy", missing="muspy is not installed")]
    (found,) = table.comparisons("encoding", rows)
    assert (found["ratio"], found["missing"]) == (None, "muspy is not installed")
    (line,) = table.fallen({"comparisons": [found], "benchmarks": {}}, {})
    assert line == "not measured  work: ours against muspy: muspy is not installed"


def test_a_growth_curve_ends_where_the_quick_run_ends() -> None:
    rows = [row("ours", 1.0, 1.0, axis="files", size=100), row("ours", missing="left out", axis="files", size=1000)]
    (curve,) = table.curves("growth", rows)
    assert curve["points"] == [(100, 1000.0)]
    assert curve["stopped"] == "from files 1,000 on, sizes are left out"
    assert list(table.comparisons("growth", rows)) == []


def test_what_fell_is_named_and_what_noise_explains_is_not() -> None:
    kept = {"comparisons": [compared(2.0, 1.9, 2.1)], "benchmarks": {}}

    def lines(now: dict[str, Any]) -> list[str]:
        return list(table.fallen({"comparisons": [now], "benchmarks": {"b": {"state": "complete"}}}, kept))

    assert lines(compared(1.5, 1.4, 1.6)) == ["below kept    w: ours against p: 1.50, kept is 2.00"]
    assert lines(compared(1.85, 1.8, 1.89)) == [], "less than the noise of a tenth"
    assert lines(compared(1.5, 1.0, 1.95)) == [], "the quartiles overlap"
    assert lines(compared(1.9, 1.8, 2.0, goal=2.2)) == ["below goal    w: ours against p: 1.90, the goal is 2.2"]
    assert lines(compared(3.0, 2.9, 3.1, peer="q")) == ["not measured  w: ours against p: kept is 2.00"]


def test_the_page_is_the_one_that_the_kept_report_gives(root: Path, report: dict[str, Any]) -> None:
    assert (root / "docs/benchmarks.md").read_text(encoding="utf-8") == table.page(report)


def test_every_goal_belongs_to_a_row_of_the_kept_report(report: dict[str, Any]) -> None:
    """A goal may lack a row only if its benchmark was ended by the limit of time."""
    places = [(row["benchmark"], row["work"], row["peer"]) for row in report["comparisons"]]
    complete = {name for name, found in report["benchmarks"].items() if found["state"] == "complete"}
    goals = [goal for goal in table.GOALS if goal.benchmark in complete]
    assert len(table.GOALS) >= 15
    assert [goal for goal in goals if not any(goal.covers(*place) for place in places)] == []


def test_every_speed_benchmark_is_in_the_table(
    root: Path,
) -> None:
    """A benchmark is a file with a function `benchmark`, except those that measure something other than speed."""
    files = {path.stem for path in (root / "benchmarks").glob("*.py") if "\ndef benchmark(" in path.read_text()}
    assert {benchmark.file for benchmark in table.BENCHMARKS} == files


def test_every_peer_of_the_kept_report_is_described(report: dict[str, Any]) -> None:
    peers = {row["peer"] for row in report["comparisons"]}
    assert {name for name in peers if not any(peer.names(name) for peer in table.PEERS)} == set()
