"""Reader of ABC tune books: one tune → raw events."""

import re
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path

from yardbird.data.notation.raw_events import Notated, parsed, refuse_length
from yardbird.errors import InputError
from yardbird.music.text_encoding import decode_texts

SUFFIXES = (".abc",)
_MAX_TUNES = 5_000
_MAX_BARS = 5_000  # of the notes of a tune
_MAX_NOTES = 500  # of a bar: music21 splits a longer one at the meter, in a time that grows with the square
_MAX_UNBARRED = 4_000  # notes of a tune without bar lines
_JUMPS = r"[!+](segno|coda|dacoda|fine|D\.[CS]\.(?:[ ]?al[ ]?(?:fine|coda))?)[!+]"


def abc_tunes(path: Path) -> dict[str, str]:
    """The tunes of an ABC file by the number after `X:`, made unique; each starts with the header of the file.

    Raises:
        InputError: the file has no tune.
    """
    return _tunes(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _tunes(path: Path, _modified: int) -> dict[str, str]:
    text = decode_texts([path.read_bytes()])[0].replace("\r\n", "\n").replace("\r", "\n")
    heads = list(re.finditer(r"^X:[ \t]*(\d*)", text, re.M))
    if not heads:
        remedy = "export it as ABC, or as MusicXML"
        raise InputError(path, expected="ABC with a tune (a line X:1)", found="no line X:", remedy=remedy)
    header = "".join(line + "\n" for line in text[: heads[0].start()].splitlines() if re.match(r"[A-Za-z]:|%%", line))
    header = re.sub(r"^%%abc.*\n", "", header, flags=re.M)
    if len(heads) > _MAX_TUNES:
        expected = f"at most {_MAX_TUNES} tunes"
        raise InputError(path, expected=expected, found=f"{len(heads)}", remedy="cut the book into several files")
    tunes: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else len(text)].lstrip("\n")
        body = re.split(r"\n[ \t]*\n", body, maxsplit=1)[0]  # an empty line ends a tune; free text may follow
        number = head[1] or str(len(tunes) + 1)
        name, again = number, 2
        while name in tunes:
            name, again = f"{number}.{again}", again + 1
        tunes[name] = f"X:{number}\n{header}{body}\n"
    return tunes


def read_abc(path: Path, number: str) -> Notated:
    """Read the tune `number` of an ABC file.

    Raises:
        InputError: there is no such tune, or it is damaged.
    """
    tune = abc_tunes(path).get(number)
    if tune is None:
        raise InputError(path, expected="a tune of this number", found=number, remedy="correct the number after #")
    refuse_length(path, tune.count("|"), len(tune))
    if not re.search(r"^L:|^M:[ \t]*[\dC]", tune, re.M):  # the default is an eighth; music21 requires L: or M:
        tune = tune.replace("\nK:", "\nL:1/8\nK:", 1)
    plain, overlays = _plain(_jumps_as_words(_by_line(tune)))
    refuse_length(path, max(plain.count("|"), plain.count('"') // 2), len(plain))
    _refuse_long_notes(path, plain)
    _refuse_long_bars(path, plain)
    coded, symbols = _code_chords(_with_accidentals(plain))
    extra = {"overlays_unread": overlays}
    extra |= {"parts_order_unread": 1} if re.search(r"^P:.*[A-Z].*[A-Z]", tune.partition("\nK:")[0], re.M) else {}
    notated = parsed(coded, "abc", path, extra, symbols)
    program = re.search(r"^%%MIDI[ \t]+program[ \t]+(?:\d+[ \t]+)?(\d{1,3})\b", tune, re.M)
    if program and int(program[1]) < 128:
        parts = tuple(replace(part, program=int(program[1])) for part in notated.raw.parts)
        notated = replace(notated, raw=replace(notated.raw, parts=parts))
    title = re.search(r"^T:[ \t]*(.+)$", tune, re.M)
    return replace(notated, title=title[1].strip() if title else "")


def _refuse_long_notes(path: Path, tune: str) -> None:
    """Refuse lengths and meters that would fill more bars than music21 can make in seconds; the estimate is high."""
    units, meters = (re.findall(rf"(?m)(?:^|\[){key}:[ \t]*(\d{{1,3}})/(\d{{1,3}})\b", tune) for key in "LM")
    lengths = sum(int(number[:6]) for number in re.findall(r"\d+", _music(tune)))
    unit = max((Fraction(int(over), int(under) or 1) for over, under in units), default=Fraction(1, 8))
    bar = min((Fraction(int(over) or 1, int(under) or 1) for over, under in meters), default=Fraction(1))
    fields = re.findall(r"(?m)(?:^|\[)[LM]:([^\]\n%]*)", tune)
    numbers = [re.sub(r"\D", "", term) for value in fields for term in re.split(r"[+/() ]", value)]  # as music21 does
    if max(map(len, numbers), default=0) > 3 or lengths * unit / bar > _MAX_BARS:
        expected, found = f"notes of at most {_MAX_BARS} bars", "lengths or a meter of more"
        raise InputError(path, expected=expected, found=found, remedy="correct them, or cut it into solos")


def _refuse_long_bars(path: Path, tune: str) -> None:
    bars = [len(re.findall(r"[A-Ga-gxz]", bar)) for bar in _music(tune).rstrip("|]: \t\n").split("|")]
    most = _MAX_NOTES if len(bars) > 1 else _MAX_UNBARRED
    if max(bars) > most:
        expected, found = f"at most {most} notes between two bar lines", f"{max(bars)}"
        raise InputError(path, expected=expected, found=found, remedy="add the bar lines, or cut it into solos")


def _music(tune: str) -> str:
    """A tune without its fields and quoted texts."""
    return re.sub(r'"[^"\n]*"|^(?:[A-Za-z]:|%).*', "", tune, flags=re.M)


def _by_line(tune: str) -> str:
    """A tune as music21 reads it: `[K:G]` on a line of its own, the lines of each voice together, and endings such as
    `[1,3` as texts, because music21 knows only 1 and 2.
    """
    head, key, body = tune.partition("\nK:")
    voices: dict[str, list[str]] = {}
    lines = voices.setdefault("", [])
    for line in re.sub(r"\[([KLMQV]:[^\]\n]*)\]", r"\n\1\n", body).split("\n"):
        if voice := re.match(r"V:[ \t]*(\S+)", line):
            lines = voices.setdefault(voice[1], [])
            lines += [] if lines else [line]
        elif re.match(r"[A-Za-z]:|%", line):
            lines.append(line)
        else:
            lines.append(re.sub(r"(?:(?<=\|)|\[)(\d[\d,-]*)", r'"[\1"', line))
    return head + key + "\n".join(line for of_voice in voices.values() for line in of_voice) + "\n"


def _with_accidentals(tune: str) -> str:
    """A tune with every accidental written out.

    An accidental holds until the bar line, also in other octaves, and for a note tied over it; music21 forgets it.
    """
    directive = re.search(r"^%%propagate-accidentals[ \t]+(\w+)", tune, re.M)
    within = directive[1] if directive else "pitch"
    held: dict[str, str] = {}
    tied: dict[str, str] = {}
    over: dict[str, str] = {}

    def write(match: re.Match[str]) -> str:
        if match["bar"]:
            held.clear()
            over.clear()
            over.update(tied)
        if not match["note"]:
            return match[0]
        name = match["note"]
        step = name[0].upper() if within == "pitch" else name
        carried = over.pop(name, "") or held.get(step, "")
        sign = match["sign"] or carried
        if match["sign"] and within != "not":
            held[step] = sign
        tied.pop(name, None)
        if match["tie"] and sign:
            tied[name] = sign
        return f"{sign}{name}{match['length']}{match['tie']}"

    token = r"""\"[^"\n]*"|(?P<bar>\||::)|(?P<sign>[_^=]{0,2})(?P<note>[A-Ga-g][,']*)(?P<length>[\d/]*)(?P<tie>-?)"""
    lines = [line if re.match(r"[A-Za-z]:|%", line) else re.sub(token, write, line) for line in tune.split("\n")]
    return "\n".join(lines)


def _jumps_as_words(tune: str) -> str:
    """Turn jumps such as `!D.S.!`, which music21 drops, into words at the start of their measure."""

    def moved(measure: str) -> str:
        jumps = re.findall(_JUMPS, measure)
        if not jumps:
            return measure
        rest = re.sub(_JUMPS, "", measure)
        head = len(rest) - len(rest.lstrip("0123456789:[],- "))
        return rest[:head] + "".join(f'"^{word}"' for word in jumps) + rest[head:]

    lines = tune.split("\n")
    return "\n".join(
        line if re.match(r"[A-Za-z]:|%", line) else "|".join(map(moved, line.split("|"))) for line in lines
    )


def _plain(tune: str) -> tuple[str, int]:
    """A tune without ornaments, remarks and multi-bar rests, which make music21 add or lose notes; and the number of
    overlays (`A & B` in one bar) that were left out.
    """
    overlays = 0
    rest = "z8"
    lines = tune.split("\n")
    for index, line in enumerate(lines):
        if re.match(r"[A-Za-z]:|%", line):
            found = {key: re.search(rf"^{key}:[ \t]*(\d{{1,3}})/(\d{{1,3}})\b", tune, re.M) for key in "ML"}
            units = {key: match for key, match in found.items() if match}
            if "M" in units:
                bar, unit = Fraction(int(units["M"][1]), int(units["M"][2]) or 1), Fraction(1, 8)
                if "L" in units and int(units["L"][1]) and int(units["L"][2]):
                    unit = Fraction(int(units["L"][1]), int(units["L"][2]))
                elif bar < Fraction(3, 4):
                    unit = Fraction(1, 16)
                rest = f"z{bar / unit}"
            continue
        line = line.partition("%")[0]
        texts = re.split(r'("[^"]*")', line)
        for place in range(0, len(texts), 2):
            text = re.sub(r"![^!\s]{0,30}!|\+[a-z]{1,30}\+|\[[rIN]:[^\]]{0,200}\]|`", "", texts[place])
            text = re.sub(r"(?<![A-Za-z\[])[H-Wh-wY~.]{1,9}(?=[_^=]*[A-Ga-g(\[{])", "", text)
            text, left_out = re.subn(r"&[^|]*", "", text.replace("x", "z").replace("X", "Z"))
            overlays += left_out
            texts[place] = re.sub(r"Z(\d{0,2})", partial(_bars_of_rest, rest), text)
        lines[index] = "".join(texts)
    return "\n".join(lines), overlays


def _bars_of_rest(bar: str, match: re.Match[str]) -> str:
    return "|".join([bar] * int(match[1] or 1))


def _code_chords(tune: str) -> tuple[str, dict[str, list[str]]]:
    """An ABC tune with each quoted text replaced by a chord symbol that music21 knows; and symbol → the quoted texts.

    music21 drops symbols that it does not know, and all but the first at a note.
    """
    roots, kinds = "CDEFGAB", ("", "m", "7", "m7", "maj7", "dim", "aug", "6", "m6", "9", "dim7", "sus4")
    figures = [f"{root}{kind}{bass}" for bass in ("", "/C", "/D", "/E", "/F", "/G", "/A", "/B")
               for root in roots for kind in kinds if bass[1:] != root]  # fmt: skip
    by_texts: dict[tuple[str, ...], str] = {}

    def code(match: re.Match[str]) -> str:
        texts = tuple(text.strip() for text in re.findall(r'"([^"\n]*)"', match[0]) if text.strip())
        if not texts:
            return ""
        if texts not in by_texts and len(by_texts) < len(figures):
            by_texts[texts] = figures[len(by_texts)]
        return f'"{by_texts[texts]}"' if texts in by_texts else ""

    lines = [
        line if re.match(r"[A-Za-z]:|%", line) else re.sub(r'(?:"[^"\n]*"[ \t]*)+', code, line)
        for line in tune.split("\n")
    ]
    return "\n".join(lines), {figure: list(texts) for texts, figure in by_texts.items()}
