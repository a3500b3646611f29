"""The instruments that a part can be written for: transposition, range and clef."""

from collections.abc import Mapping
from dataclasses import dataclass

from yardbird.music.score import ALTO_SAX, Score


@dataclass(frozen=True)
class Instrument:
    """`interval`: semitones from sounding to written pitch; `lowest`, `highest`: written MIDI pitches of its range."""

    name: str
    title: str
    interval: int
    lowest: int
    highest: int
    program: int  # General MIDI, counted from 0

    def octaves(self, score: Score) -> int:
        """The octaves to move the line by, so that most of its notes are in the range; the smallest such move."""
        written = score.pitches + self.interval

        def outside(octaves: int) -> int:
            moved = written + 12 * octaves
            return int(((moved < self.lowest) | (moved > self.highest)).sum())

        return min((0, 1, -1, 2, -2), key=lambda octaves: (outside(octaves), abs(octaves)))


#: Ranges: saxophones from B♭3 to F♯6, trumpet from F♯3 to E6; at concert pitch the clef follows the line.
INSTRUMENTS: Mapping[str, Instrument] = {
    "alto": Instrument("alto", "Alto saxophone in E♭", 9, 58, 90, ALTO_SAX),
    "tenor": Instrument("tenor", "Tenor saxophone in B♭", 14, 58, 90, 66),
    "trumpet": Instrument("trumpet", "Trumpet in B♭", 2, 54, 88, 56),
    "concert": Instrument("concert", "Concert pitch", 0, 0, 127, ALTO_SAX),
}
CONCERT = INSTRUMENTS["concert"]
