"""A notated piece in playing order → raw events: repeats unrolled, ties joined."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from yardbird.data.notation.measures import TICKS_PER_BEAT, Measure, WrittenPart, meters_of, starts_of, tick_of
from yardbird.music.midi import RawMidi, RawPart, RawText
from yardbird.music.pitch import Key
from yardbird.music.score import Tempo, make_notes


def perform(parts: Sequence[WrittenPart], order: Sequence[int], keys: Iterable[Key]) -> RawMidi:
    """Play the measures of all parts in an order.

    Args:
        order: indices of measures; their lengths and meters are those of the part with the most measures.
    """
    longest = max((part.measures for part in parts), key=len, default=[])
    starts = starts_of(longest[index] for index in order)
    tempos: dict[int, Tempo] = {}
    texts: dict[RawText, None] = {}
    raw_parts: list[RawPart] = []
    for track, part in enumerate(parts):
        played = [
            (start, part.measures[index])
            for start, index in zip(starts, order, strict=False)
            if index < len(part.measures)
        ]
        raw_parts.extend(_sounding(part, track, played))
        for start, measure in played:
            for offset, qpm in measure.tempos:
                tempos[tick_of(start + offset)] = Tempo(tick_of(start + offset), qpm)
            for offset, kind, text in measure.texts:
                texts[RawText(tick_of(start + offset), kind, text)] = None
    return RawMidi(
        ticks_per_beat=TICKS_PER_BEAT,
        parts=tuple(raw_parts),
        tempos=tuple(sorted(tempos.values(), key=lambda tempo: tempo.tick)),
        meters=meters_of([longest[index] for index in order]),
        keys=tuple(keys),
        texts=tuple(sorted(texts, key=lambda text: text.tick)),
        unended_notes=0,
    )


@dataclass
class _Sounding:
    """A note with the notes tied to it."""

    onset: Fraction
    end: Fraction
    pitch: int
    velocity: int


def _sounding(part: WrittenPart, track: int, played: Iterable[tuple[Fraction, Measure]]) -> Iterator[RawPart]:
    """The notes of a part with ties joined; one raw part for each voice."""
    rows: dict[int, list[_Sounding]] = {}
    open_ties: dict[int, _Sounding] = {}
    notes = [(start + note.onset, note) for start, measure in played for note in measure.notes]
    for onset, note in sorted(notes, key=lambda timed: timed[0]):
        before = open_ties.pop(note.pitch, None)
        if before is not None and note.ends_tie and before.end == onset:
            before.end = onset + note.length
            row = before
        else:
            row = _Sounding(onset, onset + note.length, note.pitch, note.velocity)
            rows.setdefault(note.voice, []).append(row)
        if note.begins_tie:
            open_ties[note.pitch] = row
    for voice, sounding in sorted(rows.items()):
        events = [
            (tick_of(row.onset), max(1, tick_of(row.end) - tick_of(row.onset)), row.pitch, row.velocity)
            for row in sounding
        ]
        channel = 9 if part.is_drums else voice + (voice >= 9)
        yield RawPart(track, channel, part.name, part.program, make_notes(events))
