"""The results as text: the columns of each mode, for the terminal and for the page."""

from collections.abc import Callable, Sequence

from yardbird.blindtest.messages import ENGLISH, read_messages
from yardbird.blindtest.questions import KINDS, Mode
from yardbird.blindtest.results import Group, Match, Results, SourceResult
from yardbird.errors import counted
from yardbird.metrics.estimates import Estimate

_Column = tuple[str, Callable[[SourceResult], str]]


def columns(mode: Mode) -> Sequence[_Column]:
    """(heading, cell of a source) of the table of a mode, after the column of sources."""

    def shown(estimate: Estimate | None) -> str:
        return interval(estimate, percent=mode != "scale")

    behind: _Column = ("behind real (95\u00a0%)", lambda row: shown(row.behind))
    independent: _Column = ("if independent", lambda row: interval(row.independent, percent=mode != "scale", only=True))
    if mode == "yes_no":
        return (
            ("judged as the artist (95\u00a0%)", lambda row: shown(row.value)),
            ("Wilson", independent[1]),
            ("clips", lambda row: str(row.clips)),
            ("yes / votes", lambda row: f"{row.answers.get('yes', 0)} / {row.votes}"),
            behind,
            ("d′ (95\u00a0%)", lambda row: interval(row.d_prime)),
            ("power", lambda row: "" if row.power is None else f"{row.power:.0%}"),
            ("votes needed", lambda row: "" if row.needed is None else str(row.needed)),
        )
    if mode == "scale":
        counts: _Column = (
            "votes of 1, 2, 3, 4, 5",
            lambda row: ", ".join(str(row.answers.get(answer, 0)) for answer in KINDS[mode].answers),
        )
        mean: _Column = ("mean opinion (95\u00a0%)", lambda row: shown(row.value))
        return (mean, independent, ("clips", lambda row: str(row.clips)), counts, behind)
    return (
        ("comparisons won (95\u00a0%)", lambda row: shown(row.value)),
        independent,
        ("pairs", lambda row: str(row.clips)),
        ("won / votes", lambda row: f"{row.answers.get('a', 0)} / {row.votes}"),
        behind,
        ("strength (95\u00a0%)", lambda row: interval(row.strength)),
    )


def match_cells(match: Match) -> tuple[str, ...]:
    """The cells of a row of the table of matches: the two sources, the share won, if independent, pairs, votes."""
    return (
        match.source, match.other, interval(match.value, percent=True),
        interval(match.independent, percent=True, only=True), str(match.pairs), f"{match.won} / {match.votes}",
    )  # fmt: skip


MATCH_HEADINGS = ("source", "against", "won (95\u00a0%)", "if independent", "pairs", "won / votes")


def group_cells(group: Group, mode: Mode) -> list[str]:
    """The value of every source for one group of listeners; empty without votes."""
    values = [row.independent for row in group.sources]
    return ["" if v is None else f"{v.value:.1f}" if mode == "scale" else f"{v.value:.0%}" for v in values]


def as_text(results: Results) -> str:
    """The results as tables for a terminal."""
    total, headphones = results.total, ", ".join(f"{count} {name}" for name, count in results.headphones.items())
    shown = columns(results.mode)
    lines = [
        f"{counted(total.listeners, 'listener')} ({results.from_files} from files); not counted: "
        f"{results.failed_checks} who failed an attention check, {results.unfinished} who have not finished; "
        f"headphone check: {headphones}",
        "",
        *_table(
            ("source", *(heading for heading, _ in shown)),
            [(row.source, *(cell(row) for _, cell in shown)) for row in total.sources],
        ),
        "",
    ]
    if total.matches:
        lines += [*_table(MATCH_HEADINGS, [match_cells(match) for match in total.matches]), ""]
    lines += [*(f"{row.source}: {row.verdict}" for row in total.sources), ""]
    for group in results.by_expertise:
        cells = zip(group.sources, group_cells(group, results.mode), strict=True)
        values = ", ".join(f"{row.source} {cell}" for row, cell in cells if cell)
        level = read_messages(ENGLISH)[f"experience.{group.name}"]
        lines.append(f"{level}: {counted(group.listeners, 'listener')}{'; ' if values else ''}{values}")
    lines += [f"not included: {line}" for line in results.left_out]
    return "\n".join(lines)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (headings, *rows)]  # fmt: skip


def interval(estimate: Estimate | None, *, percent: bool = False, only: bool = False) -> str:
    """`0.52 (0.31 … 0.73)`, or the interval `only`; empty for None."""
    if estimate is None:
        return ""
    value, low, high = (f"{x:.0%}" if percent else f"{x:.2f}" for x in (estimate.value, *estimate.span))
    return f"{low} … {high}" if only else f"{value} ({low} … {high})"
