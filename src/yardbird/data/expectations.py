"""The checks of ingested solos as Great Expectations suites. The import takes three seconds, so import it late.

A solo that fails an expectation of severity `critical` is set aside; failures of severity `warning` are counted. Users
read the description of an expectation in the terminal and in the Data Docs; its meta holds the name of the metric.
"""

import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when the library is imported

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.core.expect_column_pair_values_to_be_equal import ExpectColumnPairValuesToBeEqual
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_unique import ExpectColumnValuesToBeUnique
from great_expectations.expectations.core.expect_column_values_to_match_regex import ExpectColumnValuesToMatchRegex
from great_expectations.expectations.expectation import Expectation, MulticolumnMapExpectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_map_metric_provider import (
    MulticolumnMapMetricProvider,
)

from yardbird.data.validate_config import ValidateConfig

Severity = Literal["error", "warning"]
_ERROR, _WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING


@dataclass(frozen=True)
class Outcome:
    """The result of one expectation.

    Attributes:
        solos: those that fail it, each once, in the order of the table.
        expectation: its kind in Great Expectations, with the columns.
        values: the values of the failing rows of each of `solos`, as text.
    """

    name: str
    severity: Severity
    description: str
    solos: tuple[str, ...]
    table: str = ""
    expectation: str = ""
    rows: int = 0
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def failing_rows(self) -> int:
        return sum(map(len, self.values.values()))


class NotesDoNotOverlap(MulticolumnMapMetricProvider):
    """Whether each note ends before the next note of its solo starts; columns (solo, onset, duration), sorted."""

    condition_metric_name = "multicolumn_values.notes_do_not_overlap"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series:  # noqa: N805  # a class method
        solo, onset, duration = (column_list[name] for name in column_list.columns)
        return (solo != solo.shift(-1)) | (onset + duration <= onset.shift(-1))


class ExpectNotesToBeMonophonic(MulticolumnMapExpectation):
    """Expect every note of a solo to end before the next one starts; columns (solo, onset, duration), sorted."""

    map_metric = "multicolumn_values.notes_do_not_overlap"
    args_keys: ClassVar = ("column_list",)


def manifest_expectations(config: ValidateConfig) -> list[Expectation]:
    """The expectations for the manifest, which has one row per solo."""
    slowest, fastest = config.qpm_range
    return [
        _check("unique_ids", _ERROR, "every solo has its own id", ExpectColumnValuesToBeUnique, column="solo"),
        _present("artist", _ERROR),
        _present("tune_group", _ERROR),
        _present("title", _WARNING),
        _between("tempo", _ERROR, f"the tempo is on average {slowest:g} … {fastest:g} qpm", "qpm", slowest, fastest),
        _between("slowest_moment", _WARNING, f"the tempo is never below {slowest:g} qpm", "slowest_qpm", slowest, None),
        _between("fastest_moment", _WARNING, f"the tempo is never above {fastest:g} qpm", "fastest_qpm", None, fastest),
        _between("length", _ERROR, f"a solo has at least {config.min_bars} bars", "bars", config.min_bars, None),
        _between("notes", _ERROR, "a solo has notes", "notes", 1, None),
        _check(
            "counts_agree", _ERROR, "the manifest counts the notes of the score",
            ExpectColumnPairValuesToBeEqual, column_A="notes", column_B="score_notes",
        ),
        _between(
            "chord_coverage", _WARNING, f"{config.min_chord_coverage:.0%} of the notes are under a chord",
            "chord_coverage", config.min_chord_coverage, 1,
        ),
        _check(
            "same_content", _WARNING, "no two solos have the same notes", ExpectColumnValuesToBeUnique,
            column="content_hash",
        ),
        _check(
            "same_intervals", _WARNING, "no solo is another one transposed", ExpectColumnValuesToBeUnique,
            column="interval_hash",
        ),
        _between("polyphony_reduced", _WARNING, "the line was monophonic as it came", "reduced_notes", None, 0),
        _between("unended_notes", _WARNING, "every note was ended as it came", "unended_notes", None, 0),
    ]  # fmt: skip


def note_expectations(config: ValidateConfig) -> list[Expectation]:
    """The expectations for the note table, which has one row per note, sorted by solo and onset."""
    lowest, highest = config.pitch_range
    return [
        _between("onset", _ERROR, "notes start in the score", "onset_tick", 0, None),
        _between("duration", _ERROR, "durations are positive", "duration_tick", 1, None),
        _between("pitch", _ERROR, "pitches are MIDI pitches", "pitch", 0, 127),
        _between("velocity", _ERROR, "velocities are those of sounding notes", "velocity", 1, 127),
        _between("range", _WARNING, f"pitches are {lowest} … {highest}", "pitch", lowest, highest),
        _check(
            "monophony", _ERROR, "a note ends before the next one starts", ExpectNotesToBeMonophonic,
            column_list=["solo", "onset_tick", "duration_tick"],
        ),
    ]  # fmt: skip


def _check(name: str, severity: FailureSeverity, description: str, kind: type[Expectation], **what: Any) -> Expectation:
    return kind(severity=severity, description=description, meta={"name": name}, **what)


def _between(
    name: str, severity: FailureSeverity, description: str, column: str,
    low: float | None, high: float | None,
) -> Expectation:  # fmt: skip
    kind = ExpectColumnValuesToBeBetween
    return _check(name, severity, description, kind, column=column, min_value=low, max_value=high)


def _present(column: str, severity: FailureSeverity) -> Expectation:
    kind = ExpectColumnValuesToMatchRegex
    return _check(f"{column}_present", severity, f"every solo has: {column}", kind, column=column, regex=r"\S")


def check_tables(tables: Mapping[str, tuple[pd.DataFrame, list[Expectation]]]) -> list[Outcome]:
    """Check each table, which has a column `solo`, against its expectations."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    solos = context.data_sources.add_pandas("solos")
    outcomes: list[Outcome] = []
    for name, (table, expectations) in tables.items():
        batch = solos.add_dataframe_asset(name).add_batch_definition_whole_dataframe("ingested")
        suite = gx.ExpectationSuite(name, expectations=expectations)
        complete = {"result_format": "COMPLETE", "unexpected_index_column_names": ["solo"]}
        result = batch.get_batch({"dataframe": table}).validate(suite, result_format=complete)
        outcomes.extend(_outcomes(name, result))
    return outcomes


def _outcomes(table: str, result: Any) -> Iterator[Outcome]:
    for check in result.results:
        config = check.expectation_config
        assert not check.exception_info.get("raised_exception"), check.exception_info
        values: dict[str, list[str]] = {}
        for row in check.result.get("unexpected_index_list") or ():
            own = ", ".join(f"{column} {_text(value)}" for column, value in row.items() if column != "solo")
            values.setdefault(str(row["solo"]), []).append(own)
        assert check.success == (not values), "every expectation here is about rows"
        severity: Severity = "error" if config.severity == _ERROR else "warning"
        yield Outcome(
            config.meta["name"],
            severity,
            config.description,
            solos=tuple(values),
            table=table,
            expectation=_kind(config),
            rows=check.result["element_count"],
            values=values,
        )


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value) or "empty"


def _kind(config: Any) -> str:
    """`expect_column_values_to_be_between(column=qpm, min_value=40.0, max_value=400.0)`."""
    given = {key: value for key, value in config.kwargs.items() if key not in ("batch_id", "mostly")}
    return f"{config.type}({', '.join(f'{key}={value}' for key, value in given.items())})"
