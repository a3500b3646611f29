"""What a sound is called: captions made by rule from what is known of it, or the user's own words (captions.csv).

Nothing is invented: what is not known is not said. Key and tempo are those that sound, so a copy in another key is
called by that key. The tempo is rounded to 10, so that a model meets each number often enough to learn it.
"""

from dataclasses import dataclass
from pathlib import Path

from yardbird import files
from yardbird.data.manifest import Entry, read_manifest
from yardbird.errors import InputError
from yardbird.music.pitch import Key

CAPTIONS = "captions.csv"
_TEMPO_STEP = 10  # quarter notes a minute

#: General MIDI program, counted from 0 → its name in captions; others go unnamed.
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


#: Column of captions.csv → the lowest and highest number that it may hold, and what an empty field means.
_NUMBERS: dict[str, tuple[float, float, float | None]] = {
    "qpm": (20, 500, None),
    "beats_per_bar": (1, 16, 4.0),
    "first_beat_seconds": (0, 36_000, 0.0),
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
    """What the user says of a recording, or of a solo of the corpus; what is empty or None is not said."""

    known: Entry
    key: Key | None
    caption: str
    instrument: str
    qpm: float | None
    beats_per_bar: float  # quarter notes
    first_beat_seconds: float  # where the first bar starts


NO_REMARK = Remark(Entry(), None, "", "", None, 4.0, 0.0)


@dataclass(frozen=True)
class Facts:
    """What a caption is made of, as it sounds; what is empty or None is not known."""

    style: str
    instrument: str
    band: str  # "with piano and bass"
    key: Key | None
    form: str
    qpm: float | None
    artist: str


def read_remarks(source: Path) -> dict[str, Remark]:
    """The rows of captions.csv in a folder, by file or solo; none where there is no such table.

    Raises:
        InputError: the table cannot be read, names a file outside the folder, or holds a wrong key or number.
    """
    path = source / CAPTIONS
    if not path.exists():
        return {}
    remarks = {}
    for name, line in read_manifest(path, _Line).items():
        files.within(source, name)
        try:
            key = Key.parse(line.key) if line.key else None
        except ValueError:
            expected, remedy = f"the key of {name} as `Bb`, `F minor` or `Cm`", "mend it, or leave it empty"
            raise InputError(path, expected=expected, found=repr(line.key), remedy=remedy) from None
        numbers = {column: _number(path, name, column, getattr(line, column)) for column in _NUMBERS}
        beats, first = numbers["beats_per_bar"], numbers["first_beat_seconds"]
        assert beats is not None, "both have a default"
        assert first is not None
        remarks[name] = Remark(line, key, line.caption, line.instrument, numbers["qpm"], beats, first)
    return remarks


def _number(path: Path, name: str, column: str, text: str) -> float | None:
    lowest, highest, empty = _NUMBERS[column]
    if not text:
        return empty
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not lowest <= value <= highest:
        expected, remedy = f"{lowest:g} … {highest:g} as {column} of {name}", "mend it, or leave it empty"
        raise InputError(path, expected=expected, found=repr(text), remedy=remedy)
    return value


def captions_of(facts: Facts) -> tuple[str, ...]:
    """The full caption first, then shorter forms of the same facts, in the words in which people ask for music.

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


def rounded_tempo(qpm: float) -> int:
    return max(1, int(qpm / _TEMPO_STEP + 0.5)) * _TEMPO_STEP


def _key_words(key: Key) -> str:
    """`F`, or `F minor`: in speech a key is major unless it is said to be minor."""
    return str(key).removesuffix(" major")


def _lowered(form: str) -> str:
    """`Rhythm changes` within a sentence, but `Donna Lee changes` and `AABA` as they are."""
    first, *others = form.split()
    names = any(word[:1].isupper() and word[1:].islower() for word in others)
    return form[0].lower() + form[1:] if first[1:].islower() and not names else form
