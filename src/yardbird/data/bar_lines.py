"""The tempo map and the bar lines of a foreign file, repaired so that every codec can represent them."""

from itertools import cycle
from pathlib import Path

from yardbird.errors import InputError
from yardbird.music.score import Meter, Tempo

#: Denominators of the meters in every codec's vocabulary; their units are whole numbers of steps on every grid.
_DENOMINATORS = (2, 4, 8, 16)
#: A single beat may be this many times slower or faster than the slowest or fastest solo: a pause, or an error in the
#: beats of a timed performance. Beyond it, a tempo is a broken event.
_MOMENT = 4


def tempo_map(
    tempos: tuple[Tempo, ...], first_onset: int, qpm_range: tuple[float, ...]
) -> tuple[tuple[Tempo, ...], list[str]]:
    """Ascending tempo changes from tick 0, without repeats; of several at a tick, the last.

    An impossible tempo is left out: the tempo before it stays in force.
    """
    lowest, highest = qpm_range[0] / _MOMENT, qpm_range[1] * _MOMENT
    changes = list({tempo.tick: tempo for tempo in tempos if lowest <= tempo.qpm <= highest}.values())
    broken = sum(not lowest <= tempo.qpm <= highest for tempo in tempos)
    flags = [f"tempo_repaired:{broken}"] if broken else []
    if not changes or changes[0].tick > first_onset:  # until then, the MIDI standard assumes 120
        changes.insert(0, Tempo(0, 120.0))
        flags.append("tempo_assumed")
    changes[0] = Tempo(0, changes[0].qpm)
    return tuple(t for i, t in enumerate(changes) if i == 0 or t.qpm != changes[i - 1].qpm), flags


def refuse_medley(meters: tuple[Meter, ...], ticks_per_beat: int, end: int, name: Path, max_bars: int) -> None:
    """Refuse a file with more than `max_bars` bars before an array of that size is made: broken ones have millions."""
    stops = [*(meter.tick for meter in meters[1:]), end]
    bars = sum(-((m.tick - stop) // m.bar_ticks(ticks_per_beat)) for m, stop in zip(meters, stops, strict=True))
    if bars > max_bars:
        raise InputError(name, expected=f"at most {max_bars} bars", found=f"{bars}", remedy="cut it into solos")


def bar_lines(meters: tuple[Meter, ...], ticks_per_beat: int, end: int) -> tuple[tuple[Meter, ...], list[str]]:
    """Ascending meter changes from tick 0, each on a bar line.

    A change inside a bar shortens the bar, which gets the meter of the rest, like a pickup. If no meter in quarters or
    eighths has that length, the change moves to the nearest bar line. 1/1 becomes 4/4, and 6/32 becomes 3/16.
    Impossible meters (no beats, a fraction of a tick) and those with a fraction of a sixteenth, which no grid can
    represent, are left out.
    """
    if not meters:
        return (Meter(0, 4, 4),), ["meter_assumed"]
    unit = 4 * ticks_per_beat
    sounding = [meter for meter in meters if meter.tick < end]
    sane = [meter for m in sounding if (meter := _plain(m)) and unit * meter.numerator % meter.denominator == 0]
    changes = list({meter.tick: meter for meter in sane}.values())
    repaired = sane != sounding
    lines = [Meter(0, 4, 4)] if not changes or changes[0].tick > 0 else []
    for change in changes:
        if not lines:
            lines.append(change)
            continue
        now = lines[-1]
        bar = now.bar_ticks(ticks_per_beat)
        tick = max(change.tick, now.tick)  # the one before may have moved past it
        full_bars, rest = divmod(tick - now.tick, bar)
        if rest:
            repaired = True
            eighths, odd = divmod(rest * 8, unit)
            if odd or eighths == 0:
                tick += bar - rest if 2 * rest >= bar else -rest
            else:
                short = Meter(tick - rest, eighths, 8) if eighths % 2 else Meter(tick - rest, eighths // 2, 4)
                lines = [*lines, short] if full_bars else [*lines[:-1], short]
        here = Meter(tick, change.numerator, change.denominator)
        lines = [*(line for line in lines if line.tick < tick), here]
    return _changes_of_meter(lines, end), ["meter_repaired"] if repaired else []


def _changes_of_meter(lines: list[Meter], end: int) -> tuple[Meter, ...]:
    changed = [line for i, line in enumerate(lines) if i == 0 or line._replace(tick=lines[i - 1].tick) != lines[i - 1]]
    return tuple(line for line in changed if line.tick < end)


def _plain(meter: Meter) -> Meter | None:
    """The meter in halves to sixteenths with the same bar length; None if there is none."""
    numerator, denominator = meter.numerator, meter.denominator
    while denominator > _DENOMINATORS[-1] and numerator % 2 == 0:
        numerator, denominator = numerator // 2, denominator // 2
    if denominator == 1:
        numerator, denominator = 4 * numerator, 4
    plain = denominator in _DENOMINATORS and numerator > 0
    return Meter(meter.tick, numerator, denominator) if plain else None


def divide_bars(
    meters: tuple[Meter, ...], ticks_per_beat: int, end: int, longest_beats: int
) -> tuple[tuple[Meter, ...], list[str]]:
    """Divide bars that are too long for the vocabularies: 9/4 into three bars of 3/4, 11/4 into 6/4 and 5/4."""
    flags: list[str] = []
    divided: list[Meter] = []
    for meter, stop in zip(meters, [*(later.tick for later in meters[1:]), end], strict=True):
        parts = _parts_of_bar(meter.numerator, max(1, longest_beats * meter.denominator // 4))
        if len(parts) == 1:
            divided.append(meter)
            continue
        flags.append(f"bars_divided:{meter.numerator}/{meter.denominator}")
        tick, turn = meter.tick, cycle(parts)
        while tick < stop:
            divided.append(Meter(tick, next(turn), meter.denominator))
            tick += divided[-1].bar_ticks(ticks_per_beat)
    return _changes_of_meter(divided, end), list(dict.fromkeys(flags))


def _parts_of_bar(numerator: int, most: int) -> list[int]:
    """The smallest number of equal parts, at most four; otherwise the fewest parts that differ by at most one."""
    fewest = -(-numerator // most)
    equal = next((count for count in range(fewest, 5) if numerator % count == 0), 0)
    if equal:
        return [numerator // equal] * equal
    smaller, larger = divmod(numerator, fewest)
    return [smaller + 1] * larger + [smaller] * (fewest - larger)
