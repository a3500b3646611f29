"""Solos to engrave, and the places of symbols in a drawing."""

import re
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

from yardbird.music.chords import Chord
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score, Tempo, make_notes

TICKS = 96
Box = tuple[float, float, float, float]


def line(
    onsets: Sequence[float],
    lengths: Sequence[float] = (),
    *,
    beats: int = 4,
    pitches: Sequence[int] = (60, 62, 64, 65, 67, 69, 71),
    chords: Sequence[tuple[float, str]] = ((0, "C"),),
    key: str = "C",
    qpm: float = 120,
) -> Score:
    """Notes at the given beats, by default each as long as until the next one."""
    lengths = lengths or [after - onset for onset, after in pairwise([*onsets, beats])]
    rows = [
        (round(TICKS * onset), round(TICKS * length), pitches[place % len(pitches)], 80)
        for place, (onset, length) in enumerate(zip(onsets, lengths, strict=True))
    ]
    changes = tuple(ChordChange(round(TICKS * beat), Chord.parse(symbol)) for beat, symbol in chords)
    return Score(TICKS, make_notes(rows), TICKS * beats, tempos=(Tempo(0, qpm),), chords=changes, key=Key.parse(key))


def chorus(bars: int = 12, *, crowded: bool = False) -> Score:
    """Eighths, or sixteenths if it is crowded, over two chords with long symbols a bar."""
    step = 4 if crowded else 2
    onsets = [place / step for place in range(4 * bars * step)]
    symbols = ("Bbm7b5", "Eb7b9", "Abmaj7/Eb", "Gb7#11")
    chords = [(2 * place, symbols[place % 4]) for place in range(2 * bars)]
    return line(onsets, beats=4 * bars, chords=chords, key="Ab")


def groups(svg: str, kind: str) -> list[ElementTree.Element]:
    """The groups of a class, in the order of the drawing."""
    return [group for group in ElementTree.fromstring(svg).iter() if group.get("class", "").split()[:1] == [kind]]


def box(group: ElementTree.Element) -> Box:
    """Left, top, right and bottom of text outlines."""
    points = []
    for path in group.iter("{http://www.w3.org/2000/svg}path"):
        x, y, wide, high = map(float, re.findall(r"-?[\d.]+", path.attrib["transform"]))
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.attrib["d"])]
        points += [(x + wide * across, y + high * up) for across, up in zip(numbers[::2], numbers[1::2], strict=True)]
    return (
        min(x for x, _ in points),
        min(y for _, y in points),
        max(x for x, _ in points),
        max(y for _, y in points),
    )


def overlapping(boxes: Sequence[Box]) -> list[tuple[Box, Box]]:
    return [
        (one, other)
        for place, one in enumerate(boxes)
        for other in boxes[place + 1 :]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
