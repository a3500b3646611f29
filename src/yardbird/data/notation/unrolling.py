"""Repeats, endings and jumps → the order in which measures are played.

music21's expander is not used: from a closing repeat without an opening one, it returns to the start of the piece and
takes all earlier repeats again, so that six of them in a row play the first passage sixty-four times.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
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

    def add(self, other: "Marks") -> None:
        """Add other marks of the same measure."""
        self.opens |= other.opens
        self.times = max(self.times, other.times)
        self.endings |= other.endings
        self.jump = self.jump or other.jump
        self.segno |= other.segno
        self.fine |= other.fine
        self.to_coda |= other.to_coda
        self.coda |= other.coda

    @classmethod
    def of_words(cls, text: str) -> "Marks":
        """The mark of a jump or its target, such as "D.S. al Coda", "Fine" or 𝄋; none for other words."""
        plain = " ".join(text.lower().replace("𝄌", " coda ").replace("𝄋", " segno ").split()).strip(" .:()[]*")
        marks = cls(fine=plain == "fine", segno=plain == "segno", coda=plain == "coda")
        marks.to_coda = bool(re.fullmatch(r"(?:to|da) ?coda(?: coda)?", plain))
        if re.match(r"d[. ]*(?:s\b|segno\b)|dal ?segno\b", plain):
            marks.jump = "segno"
        elif re.match(r"d[. ]*c\b|da ?capo\b", plain):  # but D/C is a chord
            marks.jump = "capo"
        return marks


def playing_order(marks: Sequence[Marks]) -> tuple[list[int], bool]:
    """The indices of measures as played, and whether all marks were followed.

    Inconsistent marks would leave out a measure: then the jumps are ignored, and if that is not enough, all marks.
    """
    signs = [mark for mark in marks if mark.coda]
    if len(signs) > 1 and not any(mark.to_coda for mark in marks):  # one sign marks the jump and its target
        signs[0].to_coda, signs[0].coda = True, False
    order = _unroll(marks)
    if order is not None:
        return order, True
    return _unroll([replace(mark, jump="") for mark in marks]) or list(range(len(marks))), False


def _unroll(measures: Sequence[Marks]) -> list[int] | None:
    """The order by these rules; None if a measure is never played.

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


def _group(measures: Sequence[Marks], index: int) -> list[int]:
    """The indices of the adjacent measures with endings around a measure."""
    first = last = index
    while first > 0 and measures[first - 1].endings:
        first -= 1
    while last + 1 < len(measures) and measures[last + 1].endings:
        last += 1
    return list(range(first, last + 1))


def _passes(measures: Sequence[Marks], index: int) -> int:
    """How often the passage that ends here is played: by its repeat sign, or by its highest ending, at least twice."""
    marks = measures[index]
    if not marks.endings:
        return marks.times
    return max(2, *(number for i in _group(measures, index) for number in measures[i].endings))


def _is_before_last(measures: Sequence[Marks], index: int) -> bool:
    last = max(number for i in _group(measures, index) for number in measures[i].endings)
    return last not in measures[index].endings
