"""A part for one instrument: the solo transposed, with written rhythm and names."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from yardbird.engraving.instruments import Instrument
from yardbird.engraving.spelling import name_of, spell_chords, spell_notes
from yardbird.engraving.written_rhythm import Rhythm, bar_edges, swings, write_rhythm
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes

#: Ticks a quarter note of the sounding score: a multiple of all grids.
_TICKS = 480


@dataclass(frozen=True)
class Symbol:
    """A chord from `place` on, in quarter notes, with the written names of root and bass; None is no chord."""

    place: Fraction
    chord: Chord | None
    root: str = ""
    bass: str = ""


@dataclass(frozen=True)
class Sheet:
    """A part: what is written. `score` is transposed, its rows are those of `rhythm`; `names` are by row."""

    score: Score
    instrument: Instrument
    octaves: int  # that the part sounds above the solo
    title: str
    credit: str
    swing: bool
    rhythm: Rhythm
    names: Sequence[str]
    symbols: Sequence[Symbol]

    @property
    def qpm(self) -> int:
        return max(1, round(self.score.mean_qpm))

    @property
    def meters(self) -> list[tuple[int, int]]:
        """The time signature of each bar: that of the solo, or quarters or eighths if the bar has another length."""
        score = self.score
        starts = [Fraction(meter.tick, score.ticks_per_beat) for meter in score.meters]
        found = []
        for start, stop in zip(self.rhythm.edges, self.rhythm.edges[1:], strict=False):
            own = score.meters[max(index for index, tick in enumerate(starts) if index == 0 or tick <= start)]
            length = stop - start
            if Fraction(4 * own.numerator, own.denominator) == length:
                found.append((own.numerator, own.denominator))
            else:
                found.append((int(length), 4) if length.denominator == 1 else (int(length * 2), 8))
        return found

    def sounding(self) -> Score:
        """The written solo as it sounds: its written rhythm, at one tempo, with its chords and meters."""
        down = -self.instrument.interval
        rows = [
            (int(own.start * _TICKS), int((own.stop - own.start) * _TICKS), own.pitch + down, self._loudness(own.index))
            for own in self.rhythm.written
            if own.pitch is not None
        ]
        meters: list[Meter] = []
        for start, (numerator, denominator) in zip(self.rhythm.edges, self.meters, strict=False):
            if not meters or (meters[-1].numerator, meters[-1].denominator) != (numerator, denominator):
                meters.append(Meter(int(start * _TICKS), numerator, denominator))
        return Score(
            _TICKS,
            make_notes(rows),
            int(self.rhythm.edges[-1] * _TICKS),
            tempos=(Tempo(0, float(self.qpm)),),
            meters=tuple(meters),
            chords=tuple(
                ChordChange(int(own.place * _TICKS), own.chord and own.chord.transposed(down)) for own in self.symbols
            ),
            key=self.score.key and self.score.key.transposed(down),
            program=self.instrument.program,
        )

    def _loudness(self, index: int) -> int:
        return int(self.score.velocities[index])


def write_sheet(
    score: Score, instrument: Instrument, title: str = "", credit: str = "", swing: bool | None = None
) -> Sheet:
    """The part of a solo for an instrument.

    Args:
        score: at concert pitch.
        credit: the line under the title, such as the model and the file.
        swing: whether the part is marked "Swing"; None decides by the solo (`written_rhythm.swings`).
    """
    octaves = instrument.octaves(score)
    written = score.transposed(instrument.interval + 12 * octaves)
    return Sheet(
        score=written,
        instrument=instrument,
        octaves=octaves,
        title=_printable(title),
        credit=_printable(credit),
        swing=swings(score) if swing is None else swing,
        rhythm=write_rhythm(score=written),
        names=spell_notes(written),
        symbols=_symbols(written),
    )


def _printable(text: str) -> str:
    """The text without control characters and the like, which XML forbids."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _symbols(score: Score) -> list[Symbol]:
    """The chords on the grid of eighths; a repeated symbol is written once, and of two at one place the last."""
    end = bar_edges(score)[-1]
    at: dict[Fraction, tuple[Chord | None, tuple[int, int | None] | None]] = {}
    spelled = spell_chords([change.chord for change in score.chords], score.key)
    for change, places in zip(score.chords, spelled, strict=True):
        at[Fraction(round(2 * change.tick / score.ticks_per_beat), 2)] = (change.chord, places)
    symbols: list[Symbol] = []
    for place, (chord, places) in sorted(at.items()):
        if place >= end or (symbols and symbols[-1].chord == chord):
            continue
        root, bass = places or (None, None)
        symbols.append(
            Symbol(place, chord, "" if root is None else name_of(root), "" if bass is None else name_of(bass))
        )
    return symbols
