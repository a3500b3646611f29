"""Repeats, endings and jumps → the order in which measures are played.

music21's expander is not used: from a closing repeat without an opening one, it returns to the start of the piece and
takes all earlier repeats again, so that six of them in a row play the first passage sixty-four times.
"""

from dataclasses import dataclass
from typing import Literal

_MAX_MEASURES = 5_000


@dataclass
class Marks:
    """The repeat marks of one measure."""

    opens: bool = False  # |:
    times: int = 0  # how often the passage that ends with :| is played; 0 without :|
    endings: frozenset[int] = frozenset()  # numbers of the bracket over it
    jump: Literal["", "capo", "segno"] = ""  # D.C., D.S. after it
    segno: bool = False
    fine: bool = False
    to_coda: bool = False
    coda: bool = False


def unroll(measures: list[Marks]) -> list[int] | None:
    """The indices of the measures as played; None if the marks are inconsistent and a measure is never played.

    A closing repeat returns to the opening one, or to the end of the previous repeat. After a jump, repeats are ignored
    and the last ending is played.
    """
    order: list[int] = []
    index = begin = 0
    current, jumped = 1, False
    coda = max((i for i, marks in enumerate(measures) if marks.coda), default=None)
    while index < len(measures):
        marks = measures[index]
        if len(order) > _MAX_MEASURES:
            return None
        left_endings = bool(order) and measures[order[-1]].endings and not marks.endings
        if order and order[-1] == index - 1 and index != begin and (marks.opens or left_endings):
            begin, current = index, 1
        if marks.endings and (current not in marks.endings if not jumped else _is_before_last(measures, index)):
            index += 1
            continue
        order.append(index)
        if jumped and marks.fine:
            break
        if jumped and marks.to_coda and coda is not None and coda > index:
            index = coda
        elif marks.times and not jumped and current < _passes(measures, index):
            index, current = begin, current + 1
        else:
            if marks.times:
                begin, current = index + 1, 1
            if marks.jump and not jumped:
                target = next((i for i, each in enumerate(measures) if each.segno), None)
                if marks.jump == "segno" and target is None:
                    return None
                jumped = True
                index = target if marks.jump == "segno" and target is not None else 0
            else:
                index += 1
    return order if len(set(order)) == len(measures) else None


def _group(measures: list[Marks], index: int) -> list[int]:
    """The indices of the adjacent measures with endings around a measure."""
    first = last = index
    while first > 0 and measures[first - 1].endings:
        first -= 1
    while last + 1 < len(measures) and measures[last + 1].endings:
        last += 1
    return list(range(first, last + 1))


def _passes(measures: list[Marks], index: int) -> int:
    """How often the passage that ends here is played: by its repeat sign, or by its highest ending, at least twice."""
    marks = measures[index]
    if not marks.endings:
        return marks.times
    return max(2, *(number for i in _group(measures, index) for number in measures[i].endings))


def _is_before_last(measures: list[Marks], index: int) -> bool:
    last = max(number for i in _group(measures, index) for number in measures[i].endings)
    return last not in measures[index].endings
