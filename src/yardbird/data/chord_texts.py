"""Chord symbols among the texts of a file, distinguished from rehearsal letters, section names, credits and lyrics.

The decision considers all texts of the file: "A" is a chord among the chords of a file in A, a section among letters
in alphabetical order, and a syllable between "Be" and "lit"; "Do" is D diminished next to "Gm7" and a word next to
"you".
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from yardbird.music.chords import Chord
from yardbird.music.midi import RawText
from yardbird.music.score import ChordChange, Section

END = "END"  # marks the end of the last bar in this project's files; that bar may have no notes
PHRASE = re.compile(r"PHRASE\b.*", re.I)
SECTION = re.compile(
    r"(?:SECTION )?((?:HEAD|SOLO|FORM|CHORUS|INTRO|VERSE|BRIDGE|CODA|OUTRO|ENDING)\b.*)|SECTION (.+)", re.I
)

_LABEL = re.compile(r"[\[(]?([A-Z])(?:[1-4]|'{1,2})?[\])]?")  # "A", "B2", "[C]": a chord or a rehearsal letter
_SAME = ("%", "/", "//", "sim.", "simile")  # the chord continues
_CERTAIN = re.compile(r"\d|[#♭♯ΔΔ∆△øØ°º^+]|maj|min|dim|aug|sus|alt|[A-G]b|N\.C", re.I)  # never in a word
_CHORD_WORD = re.compile(r"maj|min|dim|aug|sus|add|alt|omit", re.I)
_SECTION_BARS = 8
_MARKER_SHARE = 0.5  # of the markers; authors write markers on purpose, so half of them are enough
_NAMED = 20
_LONGEST = 64  # characters of a symbol or a direction


@dataclass(frozen=True)
class ChordTexts:
    """The chords and sections in the texts of a file; `flags` name the decisions that were made."""

    changes: tuple[ChordChange, ...]
    sections: tuple[Section, ...]
    flags: tuple[str, ...]


def chords_of(texts: Sequence[RawText], share: float, bar_ticks: Sequence[int]) -> ChordTexts:
    """Chord changes from markers, or else from text, lyrics or cues if enough of them are chord symbols.

    From an unreadable symbol to the next one there is no chord; the flag `unread_chords` names the symbol and its bar.
    `B` is B flat in a file that writes B natural as `H`.

    Args:
        share: the share of the texts, lyrics or cues, without credits, that must be chord symbols.
        bar_ticks: the starts of the bars of the file.
    """
    sections: list[Section] = []
    flags: list[str] = []
    for kind in ("marker", "text", "lyrics", "cue_marker"):
        candidates = [text for text in texts if text.kind == kind and _clean(text) and not is_mark(_clean(text))]
        letters = _rehearsal_letters(candidates, bar_ticks)
        if kind != "lyrics":
            sections += [Section(text.tick, _clean(text).strip("[]()")) for text in candidates if text in letters]
        candidates = [text for text in candidates if text not in letters and _clean(text) not in _SAME]
        german = any(_clean(text)[0] == "H" and _change(text) for text in candidates)
        read = {text: change for text in candidates if (change := _change(text, german=german))}
        first = min((text.tick for text in read), default=0)
        unread = [text for text in candidates if text not in read and not _is_credit(text, first)]
        certain = [text for text in read if _CERTAIN.search(text.text)]
        needed = _MARKER_SHARE if kind == "marker" else share
        plain = kind == "marker" or certain or (not unread and len({text.text for text in read}) >= 3)
        if read and plain and len(read) >= needed * (len(read) + len(unread)):
            silent = [ChordChange(text.tick, None) for text in unread if not _is_word(_clean(text))]
            changes = sorted([*silent, *read.values()], key=lambda change: change.tick)  # stable: the chord wins
            flags += [] if kind == "marker" else [f"chords_from_{kind}"]
            flags += [_naming(unread, bar_ticks)] if unread else []
            return ChordTexts(without_repeats(changes), tuple(sections), tuple(flags))
        if len(certain) > 1:
            flags.append(f"chord_texts_unused:{len(certain)}")
    return ChordTexts((), tuple(sections), (*flags, "no_chords"))


def without_repeats(changes: Sequence[ChordChange]) -> tuple[ChordChange, ...]:
    """Keep the last of several changes at a tick, and remove changes that repeat the chord."""
    at = list({change.tick: change for change in changes}.values())
    return tuple(change for i, change in enumerate(at) if i == 0 or change.chord != at[i - 1].chord)


def is_mark(text: str) -> bool:
    """Whether a text marks a phrase, a named section or the end."""
    return text == END or bool(PHRASE.fullmatch(text) or SECTION.fullmatch(text))


def _clean(text: RawText) -> str:
    return text.text.strip(" \0\t\r\n")


def _change(text: RawText, *, german: bool = False) -> ChordChange | None:
    try:
        return ChordChange(text.tick, Chord.parse(text.text, german=german))
    except ValueError:
        return None


def _rehearsal_letters(texts: Sequence[RawText], bar_ticks: Sequence[int]) -> set[RawText]:
    """The texts that are rehearsal letters.

    In a file without other chord symbols, letters are sections if they first appear in alphabetical order from A on.
    Among chords they are sections if a chord symbol is at the same tick (of two letters, or of one where the chords
    begin), or if they divide the file into multiples of eight bars.
    """
    labels = [text for text in texts if _LABEL.fullmatch(_clean(text))]
    if not labels:
        return set()
    if all(text in labels or not _change(text) for text in texts):
        beyond = any(_letter(text) > "G" for text in labels)
        return set(labels) if beyond or _in_order([_letter(text) for text in labels]) else set()
    doubled: list[RawText] = []
    for _, group in groupby(texts, key=lambda text: text.tick):
        together = list(group)
        possible = [text for text in together if text in labels and _in_order([*map(_letter, [*doubled, text])])]
        if len(together) > 1 and possible:
            doubled.append(max(possible, key=_letter))
    known = {_letter(text) for text in doubled}
    if len(known) > 1 or (known and doubled[0].tick == texts[0].tick):  # two chords may share a tick by mistake
        rest = [text for text in labels if text not in doubled and _letter(text) in known]
        return {*doubled, *(text for text in rest if _divides([*doubled, text], bar_ticks))}
    for count in range(len({_letter(text) for text in labels}), 1, -1):
        form = [text for text in labels if ord(_letter(text)) - ord("A") < count]
        in_order = len(set(map(_letter, form))) == count and _in_order([*map(_letter, form)])
        if in_order and _divides(form, bar_ticks):
            return set(form)
    return set()


def _letter(text: RawText) -> str:
    match = _LABEL.fullmatch(_clean(text))
    assert match
    return match[1]


def _in_order(letters: Sequence[str]) -> bool:
    """Whether each new letter is the next of the alphabet, as in A, A, B, A, C."""
    return list(dict.fromkeys(letters)) == [chr(ord("A") + place) for place in range(len(set(letters)))]


def _divides(form: Sequence[RawText], bar_ticks: Sequence[int]) -> bool:
    """Whether the letters are on bar lines, with multiples of eight bars between them."""
    ticks = sorted({text.tick for text in form})
    if not set(ticks) <= set(bar_ticks):
        return False
    bars = [bisect_right(bar_ticks, tick) for tick in ticks]
    return all((later - bar) % _SECTION_BARS == 0 for bar, later in pairwise(bars))


def _is_credit(text: RawText, first_chord: int) -> bool:
    """Whether a text is a sentence, an address, or a word before the first chord."""
    clean = _clean(text)
    if len(clean) > _LONGEST:
        return True
    words = re.findall(r"[^\W\d_]{2,}", clean)
    sentence = len(words) > 1 and bool(re.search(r"\s", clean)) and not _CERTAIN.match(clean[1:])
    return sentence or bool(re.search(r"©|@|www\.|://", clean)) or (text.tick <= first_chord and _is_word(clean))


def _is_word(text: str) -> bool:
    """Whether a text is a direction such as "vamp" or "Take 2", which does not end a chord; "Xyz" is a typo."""
    letters = "".join(re.findall(r"[^\W\d_]", text))
    if text[0] not in "ABCDEFGH":
        return bool(re.search(r"[aeiou]", letters, re.I)) or text[0].isdigit()
    plain = re.fullmatch(r"[^\W\d_]{4,}[^\d#♯♭|:]*(?:\s*\d+)?", text)
    return bool(plain and re.search(r"[aeiou]", letters[1:], re.I) and not _CHORD_WORD.search(text))


def _naming(unread: Sequence[RawText], bar_ticks: Sequence[int]) -> str:
    """The flag that names each unread symbol and its bar. `|` and `:` separate flags, so similar signs replace them."""
    signs = {ord("|"): "¦", ord(":"): "∶"}
    names = [
        f"{' '.join(text.text.split()).translate(signs)} in bar {max(1, bisect_right(bar_ticks, text.tick))}"
        for text in unread
    ]
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return f"unread_chords:{len(unread)} ({', '.join([*names[:_NAMED], *more])})"
