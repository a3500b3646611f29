"""The standard forms as charts in C, and the scale for each kind of chord."""

from dataclasses import dataclass

from yardbird.music.chords import Chord
from yardbird.music.pitch import Mode

_RHYTHM_A = "C6 A7b9 | Dm7 G7 | Em7 A7b9 | Dm7 G7 | Gm7 C7 | F7 F#dim7 | Em7 A7b9 | Dm7 G7"
_RHYTHM_B = "E7 | % | A7 | % | D7 | % | G7 | %"
_SONG_A = "Cmaj7 | Bm7b5 E7b9 | Am7 | Gm7 C7 | Fmaj7 | Fm7 Bb7 | Em7 A7b9 | Dm7 G7"
_SONG_B = "Gm7 | C7 | Fmaj7 | % | Am7 | D7 | Dm7 | G7"
_SHADE_A = "Cm6 | Dm7b5 G7b9 | Cm6 | Gm7b5 C7b9 | Fm7 | Bb7 | Ebmaj7 Ab7 | Dm7b5 G7b9"
_SHADE_B = "Fm7 | Bb7 | Ebmaj7 | % | Am7b5 | D7b9 | Dm7b5 | G7b9"


@dataclass(frozen=True)
class Form:
    """One chorus; `|` separates bars, two chords share a bar, `%` repeats a bar."""

    name: str
    chart: str
    mode: Mode = "major"

    def half_bars(self, semitones: int) -> list[Chord]:
        """The chord of every half bar (two beats), transposed up from C."""
        chords: list[Chord] = []
        for bar in self.chart.split("|"):
            symbols = bar.split()
            if symbols == ["%"]:
                chords += chords[-2:]
                continue
            parsed = [chord.transposed(semitones) for symbol in symbols if (chord := Chord.parse(symbol))]
            chords += parsed if len(parsed) == 2 else parsed * 2
        return chords


FORMS = (
    Form("12-bar blues", "C7 | F7 | C7 | Gm7 C7 | F7 | F#dim7 | C7 | Em7b5 A7b9 | Dm7 | G7 | C7 A7b9 | Dm7 G7"),
    Form(
        "Descending blues",
        "Cmaj7 | Bm7b5 E7b9 | Am7 D7 | Gm7 C7 | F7 | Fm7 Bb7 | Em7 A7 | Ebm7 Ab7 | Dm7 | G7 | Cmaj7 A7b9 | Dm7 G7",
    ),
    Form(
        "Minor blues",
        "Cm6 | Dm7b5 G7b9 | Cm6 | Gm7b5 C7b9 | Fm7 | Bb7 | Cm6 | Am7b5 D7b9 | Ab7 | G7b9 | Cm6 A7b9 | Dm7b5 G7b9",
        "minor",
    ),
    Form("Rhythm changes", " | ".join([_RHYTHM_A, _RHYTHM_A, _RHYTHM_B, _RHYTHM_A])),
    Form("Song form AABA", " | ".join([_SONG_A, _SONG_A, _SONG_B, _SONG_A])),
    Form("Minor song form AABA", " | ".join([_SHADE_A, _SHADE_A, _SHADE_B, _SHADE_A]), "minor"),
    Form(
        "ii–V cycle",
        "Dm7 G7 | Cmaj7 | Cm7 F7 | Bbmaj7 | Bbm7 Eb7 | Abmaj7 | Abm7 Db7 | Gbmaj7"
        " | F#m7 B7 | Emaj7 | Em7 A7 | Dmaj7 | Dm7 | G7 | Em7 A7b9 | Dm7 G7",
    ),
    Form("Cycle of dominants", "E7 | A7 | D7 | G7 | C7 | F7 | Bm7b5 E7b9 | Am7 D7 | Dm7 | G7 | Cmaj7 | Bm7b5 E7b9"),
)

#: Quality → its seven-note scale above the root, and the passing note that makes it an eight-note bebop scale.
SCALES: dict[str, tuple[tuple[int, ...], int]] = {
    "maj7": ((0, 2, 4, 5, 7, 9, 11), 8),
    "6": ((0, 2, 4, 5, 7, 9, 11), 8),
    "7": ((0, 2, 4, 5, 7, 9, 10), 11),
    "7b9": ((0, 1, 4, 5, 7, 8, 10), 11),
    "m7": ((0, 2, 3, 5, 7, 9, 10), 4),
    "m6": ((0, 2, 3, 5, 7, 9, 11), 8),
    "m7b5": ((0, 1, 3, 5, 6, 8, 10), 7),
    "dim7": ((0, 2, 3, 5, 6, 8, 9), 11),
}
