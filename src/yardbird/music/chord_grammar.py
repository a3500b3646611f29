"""The grammar of chord symbols: a root, a body of words, numbers and alterations, and an optional bass.

    symbol  = root body ["/" bass] | root ":" shorthand ["(" degrees ")"] ["/" degree]     (the second is Harte's)
    body    = { word | number | alteration | "add" tension | "no" tone }

Words are `maj`, `m`, `dim`, `ø`, `aug`, `sus`, `alt` and their synonyms. Sources: Brandt and Roemer,
Standardized Chord Symbol Notation (1976); the chord lists of iReal Pro, Band-in-a-Box and MuseScore; Harte et al.,
Symbolic Representation of Musical Chords (ISMIR 2005); the "j7", "79b" and "sus7913" of the Weimar Jazz Database.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from yardbird.music.pitch import FLAT_NAMES, SHARP_NAMES, parse_pitch_class

#: Replaced before NFKC, which would turn a ring into a combining accent and a raised zero into a digit.
_RINGS = str.maketrans(dict.fromkeys("°º˚⁰○◦\ue870", "o"))
_SIGNS = str.maketrans(
    dict.fromkeys("\u0394\u2206\u25b3\u25b5\u1403\ue873", "^")  # Greek delta, the Mac's increment, triangles
    | dict.fromkeys("\u00f8\u00d8\u2205\u2300\u03c6\u03d5\u03a6\ue871", "ø")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ue874", "-")
    | {"♭": "b", "♯": "#", "♮": "", "𝄫": "bb", "𝄪": "##", "\ue260": "b", "\ue262": "#", "\ue872": "+"}
    | dict.fromkeys("\0\u200b\u200c\u200d\u2060\ufeff\u0301", "")
)
_NO_CHORD = re.compile(r"\(?(?i:n[./]? ?c\.?|no[ -]?chord)\)?|N|X")
_ROOT = re.compile(r"[A-G](?:##|bb|#|b|x(?=\d))?|H#?")
_BASS = re.compile(r"\s*/\s*([A-Ha-h](?:##|bb|#|b)?)$")
_LONGEST = 64  # characters; a text event may be arbitrarily long
#: The grammar accepts them (iReal Pro writes `h` for half-diminished), but they are words or syllables.
_WORDS = ("Ah", "Eh", "Ho", "Halt")

_GAP = r"[\s(),/\[\]]*"
_TOKEN = re.compile(
    _GAP
    + r"""(?:
      (?P<omit> (?:omit|no)\.?\s*(?P<omitted>[135]|11|9|7|13)(?:rd|th)? )
    | (?P<add> add(?:ed)?\.?\s*(?P<added>[b#+-]?(?:13|11|10|9|7|6|5|4|3|2)) )
    | (?P<halfdim> ø | 0(?=7|9|11|\s*\(|$) | half[\s-]?dim(?:inished)?\.? | hdim | h(?=7|9|11|$) )
    | (?P<dim> diminished | [Dd][Ii][Mm]\.? | o )
    | (?P<aug> augmented | [Aa][Uu][Gg]\.? )
    | (?P<alt> altered | [Aa][Ll][Tt]\.? )
    | (?P<dom> dominant | dom | (?<=7\()[Bb]lues )
    | (?P<lydian> [Ll]yd(?:ian)? )
    | (?P<sus> [Ss][Uu][Ss](?:pended)?\.? (?P<suspended>2\s?4|4\s?2|[24](?!\d))? )
    | (?P<minor> [Mm][Ii][Nn](?:or|OR)?\.? | [Mm][Ii](?![a-z]) | m(?!aj|a(?![du])) | MI | (?<![\d+])-(?!5) )
    | (?P<seventh> \^ | j | [Jt](?=\d) )
    | (?P<major> [Mm][Aa][Jj](?:or|OR)?\.? | [Mm][Aa](?![a-z]) | M(?![a-z]) )
    | (?P<raised> \+(?!\s*(?:5|9|11)) | \A\+(?=9) )
    | (?P<alteration> (?P<sign>[b#+-])(?P<altered>13|11|10|9|7|6|5|4|2) )
    | (?P<number> (?P<degree>13|11|9|7|6|5|4|2)(?P<after>[b#](?!\d))? )
    )""",
    re.X,
)
_DEGREE = re.compile(r"(\*?)([b#]*)(13|12|11|10|[1-9])")
_HARTE_BASS = re.compile(r"/([b#]*)(13|12|11|10|[1-9])$")
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)


class NoChordSymbolError(ValueError):
    """The text does not follow the grammar."""


@dataclass
class Tones:
    """The tones of a symbol, in semitones above the root; None for an omitted tone.

    `tensions` are names such as `b9`, `9`, `#11`, `13`.
    """

    third: int | None = 4  # 5 for a suspended fourth, 2 for a suspended second
    fifth: int | None = 7
    seventh: int | None = None
    sixth: bool = False
    altered: bool = False
    tensions: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Symbol:
    """The parts of a symbol; the names of root and bass are spelled as written, in English letters."""

    root: str
    tones: Tones
    bass: str | None


def folded(text: str) -> str:
    """Normalise a text: NFKC, `#` and `b`, `^` for triangles, `o` for rings, `-` for every dash."""
    return unicodedata.normalize("NFKC", text.translate(_RINGS).translate(_SIGNS)).translate(_SIGNS).strip()


def signs_first(symbol: str) -> str:
    """Move the signs after the numbers before them: `79b13b`, as the Weimar Jazz Database writes, → `7b9b13`."""
    postfix = re.search(r"\d(?:13|11|9)[b#]", symbol)
    return re.sub(r"(13|11|9)([b#])", r"\2\1", symbol) if postfix else symbol


def read_symbol(text: str, *, german: bool = False) -> Symbol | None:
    """Parse a chord symbol; None for a symbol of no chord (`N.C.`, Harte's `N` and `X`).

    Args:
        german: `B` means B flat.

    Raises:
        NoChordSymbolError: the text does not follow the grammar.
    """
    plain = folded(text) if len(text) <= _LONGEST else ""
    if _NO_CHORD.fullmatch(plain):
        return None
    if plain[:1] + plain[-1:] in ("()", "[]"):
        plain = plain[1:-1].strip()
    root = _ROOT.match(plain)
    if not root or text.strip() in _WORDS:  # as written: `H°` is a chord
        raise NoChordSymbolError("it does not start with a note name")
    body = plain[root.end() :]
    name = _english(root[0], german=german)
    if body[:1] == ":" or _HARTE_BASS.fullmatch(body):
        return _harte(name, body.removeprefix(":"))
    bass = _BASS.search(body)
    if bass:
        body = body[: bass.start()]
    if body.count("(") != body.count(")") or re.fullmatch(r"\s+\(?[2-5]\)?|.*[(/,\s]", body.replace(")", "")):
        raise NoChordSymbolError(f"unknown quality {body!r}")  # "A 2" is a label; "Cm7/" is incomplete
    return Symbol(name, _read_body(body), bass and _english(bass[1].capitalize(), german=german))


def _english(name: str, *, german: bool) -> str:
    """`H` → `B`; in German also `B` → `Bb`."""
    if name[0] in "Hh":
        return "B" + name[1:]
    return "Bb" if german and name == "B" else name.replace("x", "##")


def _read_body(body: str) -> Tones:
    tones = Tones()
    place = 0
    words: set[str] = set()
    numbers: list[str] = []
    body = re.sub(r"(?<=[\d)])[\s(,/]*-(?=\d)", "b", body)  # after a number, a minus is a flat; else minor
    body = re.sub(r"\A((?:m|-|mi|min)[\s(]*)\+(?=7)", r"\1#", body, flags=re.I)  # after minor, +7 is a major seventh
    if body.endswith(("b", "#")):
        body = signs_first(body)
    while place < len(body):
        token = _TOKEN.match(body, place)
        if not token:
            if re.fullmatch(_GAP, body[place:]):
                break
            raise NoChordSymbolError(f"unknown quality {body!r}")
        place = token.end()
        kind = next(name for name in _TOKEN.groupindex if token[name] is not None)
        if kind == "number":
            _number(tones, token["degree"], token["after"] or "", words)
            numbers.append(token["degree"])
        elif kind == "alteration":
            _alter(tones, token["sign"], token["altered"])
        elif kind == "add":
            _add(tones, token["added"])
        elif kind == "omit":
            _omit(tones, token["omitted"])
        else:
            _word(tones, kind, token, words, numbers)
            words.add(kind)
    return _suspended(tones)


def _suspended(tones: Tones) -> Tones:
    """Without a third, a fourth replaces it: MusicXML writes C7sus as C7 with a fourth and no third."""
    if tones.third is None and "11" in tones.tensions:
        tones.third = 5
    return tones


def _word(tones: Tones, kind: str, token: re.Match[str], words: set[str], numbers: list[str]) -> None:
    has_base = words & {"minor", "dim", "halfdim", "aug", "raised", "major", "seventh"}
    if kind in words or (kind in ("minor", "dim", "halfdim") and (has_base or numbers)):
        raise NoChordSymbolError(f"unknown quality {token.string!r}")
    if kind == "minor":
        tones.third = 3
    elif kind == "halfdim":
        tones.third, tones.fifth, tones.seventh = 3, 6, 10
    elif kind == "dim":
        tones.third, tones.fifth = 3, 6
    elif kind in ("aug", "raised"):
        tones.fifth = 8
    elif kind == "sus":
        tones.third = 2 if token["suspended"] == "2" else 5
    elif kind == "alt":
        tones.altered, tones.seventh = True, 10
        tones.fifth = 8
    elif kind == "lydian":
        tones.tensions.add("#11")
    elif tones.seventh != 9 and (kind == "seventh" or (kind == "major" and (has_base or numbers))):
        tones.seventh = 11  # a triangle alone adds it; "maj" only after a minor, a ring, a plus or a number


def _number(tones: Tones, degree: str, after: str, words: set[str]) -> None:
    if after:  # "79b", "7911#", "5b": the Weimar Jazz Database and Band-in-a-Box write the sign after the number
        _alter(tones, after, degree)
        return
    if degree == "6":
        tones.sixth = True
        if tones.seventh == 11 and "seventh" in words:
            tones.seventh = None  # a triangle and a 6: the triangle means major
    elif degree == "4":
        _suspend(tones)
    elif degree == "2":
        tones.tensions.add("9")
    elif degree == "5":
        if not words:
            tones.third = None
    elif degree == "9" and tones.sixth and tones.seventh is None:
        tones.tensions.add("9")  # 69 has no seventh
    else:
        if degree != "7":
            tones.tensions.add(degree)
        if tones.seventh is None:
            dim = "dim" in words
            tones.seventh = 9 if dim else 11 if "major" in words else 10
        if degree == "11" and tones.third == 4 and tones.seventh == 10 and not tones.altered:
            tones.third = 5  # the fourth replaces the third


def _suspend(tones: Tones) -> None:
    if tones.third == 4:
        tones.third = 5


def _alter(tones: Tones, sign: str, degree: str) -> None:
    flat = sign in "b-"
    if degree == "5":
        if tones.fifth in (6, 8) and (tones.fifth == 8) == flat:
            tones.altered = True  # both fifths
        tones.fifth = 6 if flat else 8
    elif degree == "7":
        tones.seventh = 10 if flat else 11
    elif degree in ("6", "13"):
        tones.tensions.add("b13" if flat else "13")
    elif degree in ("4", "11"):
        tones.tensions.add("11" if flat else "#11")
    else:
        tones.tensions.add("#9" if degree == "10" or not flat else "b9")


def _add(tones: Tones, added: str) -> None:
    sign, degree = (added[0], added[1:]) if added[0] in "b#+-" else ("", added)
    if sign:
        _alter(tones, sign, degree)
    elif degree in ("9", "2", "11", "4", "13"):
        tones.tensions.add({"2": "9", "4": "11"}.get(degree, degree))
    elif degree == "6":
        tones.sixth = True
    elif degree == "7":
        tones.seventh = 10


def _omit(tones: Tones, degree: str) -> None:
    if degree == "3":
        tones.third = None
    elif degree == "5":
        tones.fifth = None
    elif degree == "7":
        tones.seventh = None
    tones.tensions.discard(degree)


def _harte(root: str, body: str) -> Symbol:
    """Parse `maj7/3`, `min(*5,b6)/b3`, `(1,b3,5,9)`: a degree is added to the shorthand, or omitted after a star."""
    bass_match = _HARTE_BASS.search(body)
    bass = None
    if bass_match:
        body = body[: bass_match.start()]
        bass = _above(root, _semitones(bass_match[1], bass_match[2]), sharp="#" in root + bass_match[1])
    elif named := _BASS.search(body):
        body, bass = body[: named.start()], named[1].capitalize()
    match = re.fullmatch(r"([^()]*)(?:\(([^()]*)\))?", body)
    if not match:
        raise NoChordSymbolError(f"unknown quality {body!r}")
    shorthand, degrees = match[1], match[2]
    bare = shorthand == "1" or (not shorthand and degrees)
    tones = Tones(third=None, fifth=None) if bare else _read_body(shorthand)
    for degree in degrees.split(",") if degrees else ():
        parts = _DEGREE.fullmatch(degree.strip())
        if not parts:
            raise NoChordSymbolError(f"unknown degree {degree!r}")
        _harte_degree(tones, *parts.groups())
    return Symbol(root, _suspended(tones), bass)


def _harte_degree(tones: Tones, star: str, signs: str, degree: str) -> None:
    if star:
        _omit(tones, degree)
    elif degree == "3":
        tones.third = 4 + signs.count("#") - signs.count("b")
    elif degree == "5":
        tones.fifth = 7 + signs.count("#") - signs.count("b")
    elif degree == "7":
        tones.seventh = 11 + signs.count("#") - signs.count("b")
    elif signs:
        _alter(tones, signs[0], degree)
    elif degree not in ("1", "8", "10", "12"):
        _add(tones, degree)


def _semitones(signs: str, degree: str) -> int:
    return _MAJOR_SCALE[(int(degree) - 1) % 7] + signs.count("#") - signs.count("b")


def _above(root: str, semitones: int, *, sharp: bool) -> str:
    return (SHARP_NAMES if sharp else FLAT_NAMES)[(parse_pitch_class(root) + semitones) % 12]
