"""Reader of Humdrum **kern → raw events, with the chords of **mxhm and **harm."""

import re
from fractions import Fraction
from pathlib import Path

from yardbird.data.notation.music21_scores import parsed, refuse_length
from yardbird.data.notation.symbols import KINDS, chart_symbol
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi
from yardbird.music.text_encoding import decode_texts

SUFFIXES = (".krn", ".kern")
_MAX_LINES = 50_000  # of a piece with its repeats


def read_kern(path: Path) -> RawMidi:
    """Read Humdrum **kern; chords from **mxhm or **harm.

    Raises:
        InputError: the file has no **kern, or is damaged.
    """
    text = decode_texts([path.read_bytes()])[0]
    if "**kern" not in text:
        remedy = "export it as MusicXML"
        raise InputError(path, expected="Humdrum with a **kern column", found="none", remedy=remedy)
    expanded = _expanded(text)
    extra = {"expansion_list_unread": 1} if expanded is None else {}
    text = text if expanded is None else expanded
    refuse_length(path, len(re.findall(r"^=", text, re.M)), len(text))
    if meter := re.search(r"\*M(?!M)\S*\d{4}\S*", text):
        raise InputError(path, expected="a meter such as *M4/4", found=meter[0][:20], remedy="correct it")
    return parsed(text, "humdrum", path, extra, _kern_chords(text))


def _expanded(text: str) -> str | None:
    """The lines in the order of the expansion list (`*>[A,A,B]`), like Humdrum's `thru`; None if a label is missing.

    Repeat signs at the bar lines would repeat a second time, so they are removed.
    """
    lines = text.splitlines()
    order = next((match[1] for line in lines if (match := re.match(r"\*>\[([^\]\t]*)\]", line))), None)
    if order is None:
        return text
    labels = [(i, match[1]) for i, line in enumerate(lines) if (match := re.match(r"\*>([^\[\]\t]+)(?:\t|$)", line))]
    if not labels:
        return None
    last = max((i for i, line in enumerate(lines) if line.startswith("*-")), default=len(lines))
    ends = [i for i, _ in labels[1:]] + [last]
    sections = {label: lines[i:end] for (i, label), end in zip(labels, ends, strict=True)}
    names = [name.strip() for name in order.split(",")]
    if any(name not in sections for name in names) or sum(len(sections[name]) for name in names) > _MAX_LINES:
        return None
    played = [line for name in names for line in sections[name]]
    played = [re.sub(r":\|!?|!?\|:", "", line) if line.startswith("=") else line for line in played]
    return "\n".join([*lines[: labels[0][0]], *played, *lines[last:]]) + "\n"


def _kern_chords(text: str) -> list[tuple[Fraction, str]]:
    """The symbols of the **mxhm and **harm columns by their onset in quarter notes, in the written score.

    A line starts where the previous notes end. music21 reads **harm only at note starts, and does not read **mxhm.
    """
    columns: list[str] = []
    now = Fraction(0)
    until: dict[int, Fraction] = {}
    key = "C"
    found: list[tuple[Fraction, str]] = []
    for line in text.splitlines():
        tokens = line.split("\t")
        if line.startswith("**"):
            columns = tokens
        elif not line or line.startswith(("!", "=")) or not columns:
            continue
        elif line.startswith("*"):
            key = next((match[1] for token in tokens if (match := re.fullmatch(r"\*([A-Ga-g][#-]*):", token))), key)
            columns = _spines(columns, tokens)
        else:
            starting = [i for i, token in enumerate(tokens) if token != "." and columns[i : i + 1] == ["**kern"]]
            if starting and until:
                now = min((end for end in until.values() if end > now), default=max(until.values()))
            for i in starting:
                until[i] = now + _kern_length(tokens[i])
            for i, token in enumerate(tokens):
                if columns[i : i + 1] == ["**mxhm"] and token != ".":
                    found.append((now, _mxhm_symbol(token)))
                elif columns[i : i + 1] == ["**harm"] and token != ".":
                    found.append((now, _roman_symbol(token, key)))
    return found


def _spines(columns: list[str], tokens: list[str]) -> list[str]:
    """The columns after a line of interpretations: `*^` splits one, adjacent `*v` join, `*-` ends one."""
    after: list[str] = []
    joining = False
    for column, token in zip(columns, tokens, strict=False):
        if token == "*^":
            after += [column, column]
        elif token == "*v":
            after += [] if joining else [column]
        elif token != "*-":
            after.append(token if token.startswith("**") else column)
        joining = token == "*v"
    return after


def _kern_length(token: str) -> Fraction:
    """The duration of a token in quarter notes; 0 for a grace note (q)."""
    match = re.search(r"(\d{1,4})(?:%(\d{1,4}))?(\.{0,4})", token)
    if not match or "q" in token:
        return Fraction(0)
    base = Fraction(8 * (2 ** (len(match[1]) - 1))) if not int(match[1]) else Fraction(4, int(match[1]))
    base *= int(match[2] or 1)
    return base * (2 - Fraction(1, 2 ** len(match[3])))


def _mxhm_symbol(token: str) -> str:
    """Convert `B- minor-seventh/E`, as musicxml2hum writes; `Bb:min7`, as others write, is not changed."""
    root, _, kind = token.strip().partition(" ")
    if root == "none":
        return "N.C."
    if not kind:
        return root if ":" in root else root.replace("-", "b")
    kind, _, bass = kind.partition("/")
    written = KINDS.get(kind.strip(), kind.strip())
    return root.replace("-", "b") + written + (f"/{bass.replace('-', 'b')}" if bass else "")


def _roman_symbol(token: str, key: str) -> str:
    """`V7` in F → `C7`; other text is not changed, and ingestion reports it."""
    from music21 import exceptions21, harmony, roman
    from music21.humdrum import harmParser

    try:
        numeral = roman.RomanNumeral(harmParser.convertHarmToRoman(token), key)
        return chart_symbol(harmony.chordSymbolFromChord(numeral))
    except (exceptions21.Music21Exception, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return token
