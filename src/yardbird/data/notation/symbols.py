"""Conversion of chord symbols of music21 and MusicXML to the notation of charts."""

from typing import Any

from yardbird.music.chords import QUALITIES, Chord

#: The kind of a chord in MusicXML or music21 → the text after the root in a chart.
KINDS = {
    "major": "", "minor": "m", "augmented": "aug", "diminished": "dim", "dominant": "7", "dominant-seventh": "7",
    "major-seventh": "maj7", "minor-seventh": "m7", "diminished-seventh": "dim7", "augmented-seventh": "aug7",
    "half-diminished": "m7b5", "half-diminished-seventh": "m7b5", "major-minor": "mmaj7",
    "minor-major-seventh": "mmaj7", "augmented-major-seventh": "maj7#5", "major-sixth": "6", "minor-sixth": "m6",
    "dominant-ninth": "9", "major-ninth": "maj9", "minor-ninth": "m9", "minor-major-ninth": "mmaj9",
    "dominant-11th": "11", "major-11th": "maj11", "minor-11th": "m11", "dominant-13th": "13", "major-13th": "maj13",
    "minor-13th": "m13", "suspended-second": "sus2", "suspended-fourth": "sus4", "suspended-fourth-seventh": "7sus4",
    "seventh-flat-five": "7b5", "power": "5",
}  # fmt: skip


def chart_symbol(element: Any) -> str:
    """The chart notation of a chord symbol of music21, by its kind and degrees, or else by its text in the file.

    The text is preferred if it says more than the kind: `suspended-fourth` with "7sus", `dominant` with "7alt".
    """
    root = _name(element.root())
    bass = element.bass()
    tail = f"/{_name(bass)}" if bass is not None and bass.pitchClass != element.root().pitchClass else ""
    degrees = ""
    for degree in element.getChordStepModifications():
        alter = int(degree.interval.semitones) if degree.interval is not None else 0
        sign = "b" * -alter if alter < 0 else "#" * alter
        prefix = {"add": "" if sign else "add", "subtract": "no", "alter": ""}[degree.modType]
        degrees += f"{prefix}{sign}{degree.degree}"
    kind = KINDS.get(element.chordKind)
    shown = str(element.chordKindStr or "")
    if element.chordKind == "suspended-fourth" and degrees in ("add7", "b7"):
        kind, degrees = "7sus4", ""
    written = [] if kind is None else [f"{root}{kind}{degrees}{tail}", f"{root}{kind}{tail}" if degrees else ""]
    written += [f"{root}{shown}{degrees}{tail}", f"{root}{shown}{tail}"]
    if not degrees and _refines(f"{root}{shown}", written[0]):
        written.insert(0, f"{root}{shown}{tail}")
    return next((symbol for symbol in written if symbol and _reads(symbol)), written[0])


def _name(pitch: Any) -> str:
    return str(pitch.name).replace("-", "b")


def _reads(symbol: str) -> bool:
    try:
        Chord.parse(symbol)
    except ValueError:
        return False
    return True


def _refines(symbol: str, plain: str) -> bool:
    """Whether a symbol adds a tone, a tension or an altered fifth to a plain one, and keeps third and seventh."""
    chord, base = (Chord.parse(text) if _reads(text) else None for text in (symbol, plain))
    if not chord or not base or chord.root != base.root or base.quality not in ("", "m", "7", "m7", "maj7", "sus"):
        return False
    tones, kept = set(QUALITIES[chord.quality]), set(QUALITIES[base.quality]) - {7}
    return kept <= tones and not tones & {3, 4, 5} - kept
