"""The bars of a chart as written, with repeats, endings and jumps, and their unrolling into the order of playing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yardbird.errors import InputError
from yardbird.music.chords import Chord

Bar = tuple[Chord | None, ...]
MOST_BARS = 1024  # of a chart or a solo; a broken file may declare millions


@dataclass(frozen=True)
class Measure:
    """A written bar: its chords, and the signs at its edges."""

    bar: Bar
    opens: bool = False  # a repeat starts
    closes: int = 0  # how often the repeat that ends here is played; 0: no repeat ends here
    endings: tuple[int, ...] = ()  # passes of the repeat that play the ending that starts here
    segno: bool = False
    to_coda: bool = False  # after a jump "al Coda", skip from the end of this bar to the coda
    coda: bool = False  # the coda starts
    fine: bool = False  # the end after a jump
    jump: str = ""  # "D.C." or "D.S.", with " al Coda" or " al Fine"


def shared(chords: Sequence[Chord | None], beats: int) -> Bar | None:
    """The chords as equal shares of a bar: (C7, F7) in four beats stays as it is, in three beats it is (C7, C7, F7).

    Of two chords in an odd number of beats the first gets the extra beat: 2+1, 3+2. None if no rule applies.
    """
    if not (beats % len(chords) and len(chords) % beats):
        return tuple(chords)
    if len(chords) == 2:
        first = (beats + 1) // 2
        return (chords[0],) * first + (chords[1],) * (beats - first)
    return None


def shortest(bar: Bar) -> Bar:
    """The same changes with the fewest equal shares: (F7, F7, C7, C7) → (F7, C7)."""
    for shares in range(1, len(bar)):
        length, rest = divmod(len(bar), shares)
        if not rest and all(bar[place] == bar[place - place % length] for place in range(len(bar))):
            return bar[::length]
    return bar


def unrolled(measures: Sequence[Measure], where: str) -> list[Bar]:
    """The bars in the order of playing. After a jump, repeats are skipped and only the last ending is played.

    Raises:
        InputError: a repeat without a start, an ending without its repeat, a jump without a target, or too many bars.
    """
    bars: list[Bar] = []
    place, start, passes, jumped = 0, 0, 1, ""
    opened = True  # the start of the tune may be the start of the first repeat
    while place < len(measures):
        measure = measures[place]
        if measure.opens and not (place == start and opened):
            start, passes, opened = place, 1, True
        if measure.endings:
            wanted = max(_endings(measures, start)) if jumped else passes
            if wanted not in measure.endings:
                place, is_last = _after_ending(measures, place, wanted, where)
                if is_last:  # with a first ending only, the second pass continues after the repeat
                    start, passes, opened = place, 1, False
                continue
        bars.append(measure.bar)
        if len(bars) > MOST_BARS:
            raise InputError(where, expected=f"at most {MOST_BARS} bars", found="more", remedy="write fewer repeats")
        place += 1
        if jumped:
            if measure.fine and jumped.endswith("Fine"):
                return bars
            if measure.to_coda and jumped.endswith("Coda"):
                place = _coda(measures, place, where)
                jumped = "at the coda"
            continue
        if measure.closes:
            if not opened:
                remedy = "write |: where it starts"
                raise InputError(where, expected="a repeat start", found=f":| after bar {place}", remedy=remedy)
            last = max([measure.closes, *_endings(measures, start)])
            if passes < last:
                passes += 1
                place = start
                continue
            start, passes, opened = place, 1, False
        if measure.jump:
            jumped = measure.jump
            segno = next((at for at, one in enumerate(measures) if one.segno), 0)
            place = segno if jumped.startswith("D.S.") else 0
            start = place
    return bars


def _endings(measures: Sequence[Measure], start: int) -> list[int]:
    """The passes named by the endings of the repeat that starts at `start`; [1] without endings."""
    passes = [1]
    for place in range(start, len(measures)):
        if measures[place].opens and place != start:
            break
        passes += measures[place].endings
    return passes


def _after_ending(measures: Sequence[Measure], place: int, wanted: int, where: str) -> tuple[int, bool]:
    """The index at which the ending for a pass starts; if there is none, the index after the repeat, and True."""
    for later in range(place + 1, len(measures)):
        if wanted in measures[later].endings:
            return later, False
        if measures[later].opens:
            break
    for later in range(place, len(measures)):
        if measures[later].closes:
            return later + 1, True
    raise InputError(where, expected=f"an ending {wanted}", found="none", remedy="write it after the first, as |2.")


def _coda(measures: Sequence[Measure], place: int, where: str) -> int:
    for later in range(place, len(measures)):
        if measures[later].coda:
            return later
    raise InputError(where, expected="a coda to jump to", found="none", remedy="mark where it starts")


def repeat_closed(measures: list[Measure], times: int) -> None:
    """Mark the last measure as the end of a repeat that is played `times` times."""
    measures[-1] = replace(measures[-1], closes=times)
