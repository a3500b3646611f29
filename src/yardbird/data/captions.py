"""Captions of sounds: made by rules from known facts, or given by the user (captions.csv).

Captions contain known facts only. Key and tempo are those of the sound, so a copy in another key is described with
that key. The tempo is rounded to 10, so that each number is frequent enough to be learnt.
"""

from dataclasses import dataclass
from pathlib import Path

from yardbird import files
from yardbird.data.manifest import Entry, read_manifest
from yardbird.errors import InputError
from yardbird.music.keyfinding import estimate_key
from yardbird.music.pitch import Key
from yardbird.music.score import Score

CAPTIONS = "captions.csv"
_TEMPO_STEP = 10  # quarter notes a minute

#: General MIDI program, counted from 0 → its name in captions; others have no name.
INSTRUMENTS = {
    0: "piano",
    11: "vibraphone",
    26: "guitar",
    56: "trumpet",
    57: "trombone",
    64: "soprano saxophone",
    65: "alto saxophone",
    66: "tenor saxophone",
    67: "baritone saxophone",
    71: "clarinet",
    73: "flute",
}


#: Column of captions.csv → its lowest and highest number, and the value of an empty field.
NUMBERS: dict[str, tuple[float, float, float | None]] = {
    "qpm": (20, 500, None),
    "beats_per_bar": (1, 16, 4.0),
    "first_beat_seconds": (0, 36_000, None),
}


@dataclass(frozen=True)
class _Line(Entry):
    caption: str = ""
    instrument: str = ""
    qpm: str = ""
    beats_per_bar: str = ""
    first_beat_seconds: str = ""


@dataclass(frozen=True)
class Remark:
    """The facts that the user gives about a recording or a solo of the corpus; empty or None where not given."""

    known: Entry
    key: Key | None
    caption: str
    instrument: str
    qpm: float | None
    beats_per_bar: float  # quarter notes
    first_beat_seconds: float | None  # start of the first bar


NO_REMARK = Remark(Entry(), None, "", "", None, 4.0, None)


@dataclass(frozen=True)
class Facts:
    """The facts for a caption, as the music sounds; empty or None where unknown."""

    style: str
    instrument: str
    band: str  # "with piano and bass"
    key: Key | None
    form: str
    qpm: float | None
    artist: str


def read_remarks(source: Path) -> dict[str, Remark]:
    """The rows of captions.csv in a folder, by file or solo; empty if the table does not exist.

    Raises:
        InputError: the table cannot be read, names a file outside the folder, or has an invalid key or number.
    """
    path, remarks = source / CAPTIONS, {}
    for name, line in read_manifest(path, _Line).items():
        try:
            files.within(source, name)
        except InputError as error:
            expected, remedy = f"{error.expected} in the column `file`", error.remedy
            raise InputError(path, expected=expected, found=repr(name), remedy=remedy) from None
        try:
            key = Key.parse(line.key) if line.key else None
        except ValueError:
            expected, remedy = f"the key of {name} as `Bb`, `F minor` or `Cm`", "correct it, or leave it empty"
            raise InputError(path, expected=expected, found=repr(line.key), remedy=remedy) from None
        numbers = {column: _number(path, name, column, getattr(line, column)) for column in NUMBERS}
        beats = numbers["beats_per_bar"]
        assert beats is not None, "beats_per_bar has a default"
        remarks[name] = Remark(
            line, key, line.caption, line.instrument, numbers["qpm"], beats, numbers["first_beat_seconds"]
        )
    return remarks


def _number(path: Path, name: str, column: str, text: str) -> float | None:
    lowest, highest, empty = NUMBERS[column]
    if not text:
        return empty
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not lowest <= value <= highest:
        expected, remedy = f"{lowest:g} … {highest:g} as {column} of {name}", "correct it, or leave it empty"
        raise InputError(path, expected=expected, found=repr(text), remedy=remedy)
    return value


def captions_of(facts: Facts) -> tuple[str, ...]:
    """The full caption first, then shorter captions with fewer of the facts, worded like prompts for music.

    >>> facts = Facts("Be-bop", "alto saxophone", "", Key.parse("F"), "12-bar blues", 223.0, "Otto Cascade (synthetic)")
    >>> captions_of(facts)[0]
    'Be-bop alto saxophone solo in F, 12-bar blues, 220 bpm, by Otto Cascade (synthetic)'
    """
    style, artist, form = facts.style, facts.artist, facts.form
    key = f" in {_key_words(facts.key)}" if facts.key else ""
    tempo = f", {rounded_tempo(facts.qpm)} bpm" if facts.qpm else ""
    solo = " ".join(filter(None, [style, facts.instrument, "solo", facts.band]))
    full = f"{solo}{key}" + (f", {_lowered(form)}" if form else "") + tempo + (f", by {artist}" if artist else "")
    shorter = [
        f"{style} jazz solo{key}",
        f"{artist} jazz solo" if artist else "",
        f"{artist} jazz solo{key}" if artist else "",
        f"{solo}{key}{tempo}",
        f"{form}{key}" if form else "",
        f"{style} jazz solo{tempo}",
    ]
    return tuple(dict.fromkeys(filter(None, [full, *shorter])))


def caption_of_solo(score: Score, style: str) -> str:
    """The caption of a solo, from its notes alone: instrument, key and tempo."""
    key = score.key or estimate_key(score.notes)
    facts = Facts(style, INSTRUMENTS.get(score.program, ""), "", key, "", score.mean_qpm, "")
    return captions_of(facts)[0]


def rounded_tempo(qpm: float) -> int:
    return max(1, int(qpm / _TEMPO_STEP + 0.5)) * _TEMPO_STEP


def _key_words(key: Key) -> str:
    """`F`, or `F minor`: by convention, a key without a mode is major."""
    return str(key).removesuffix(" major")


def _lowered(form: str) -> str:
    """Put the first letter in lower case, as in `rhythm changes`; keep `Donna Lee changes` and `AABA`."""
    first, *others = form.split()
    names = any(word[:1].isupper() and word[1:].islower() for word in others)
    return form[0].lower() + form[1:] if first[1:].islower() and not names else form
