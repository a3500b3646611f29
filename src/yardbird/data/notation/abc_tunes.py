"""Reader of ABC tune books: one tune → raw events."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from yardbird.data.notation.abc_music import Tune, read_tune
from yardbird.data.notation.abc_voice import MAX_BARS, TooLongError
from yardbird.data.notation.performance import perform
from yardbird.data.notation.unrolling import Marks, playing_order
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi
from yardbird.music.text_encoding import decode_texts

SUFFIXES = (".abc",)
_MAX_TUNES = 5_000
_MAX_SECTIONS = 1_000


@dataclass(frozen=True)
class NotatedTune:
    """The events of a tune, and its title ("" for none)."""

    raw: RawMidi
    title: str


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


def read_abc(path: Path, number: str) -> NotatedTune:
    """Read the tune `number` of an ABC file.

    Raises:
        InputError: there is no such tune, or it is damaged.
    """
    tune = abc_tunes(path).get(number)
    if tune is None:
        raise InputError(path, expected="a tune of this number", found=number, remedy="correct the number after #")
    try:
        read = read_tune(tune)
    except TooLongError:
        expected = f"notes of at most {MAX_BARS} bars, and a meter of at most 64/64"
        found, remedy = "lengths or a meter of more", "correct them, or cut it into solos"
        raise InputError(path, expected=expected, found=found, remedy=remedy) from None
    order = _order(read)
    keys = next((voice.pitches.keys for voice in read.voices if voice.pitches.keys), [])
    raw = perform([voice.part for voice in read.voices], order, keys)
    flags = tuple(f"{name}:{count}" for name, count in read.counts.items() if count)
    title = re.search(r"^T:[ \t]*(.+)$", tune, re.M)
    return NotatedTune(replace(raw, flags=flags), title[1].strip() if title else "")


def _order(tune: Tune) -> list[int]:
    """The measures in playing order: by the repeat marks of all voices, within the sections in the order of P:."""
    marks = [Marks() for _ in max((voice.marks for voice in tune.voices), key=len, default=[])]
    for voice in tune.voices:
        for mark, own in zip(marks, voice.marks, strict=False):
            mark.add(own)
    sections: dict[str, list[int]] = {}
    for index, section in enumerate(tune.voices[0].sections if tune.voices else []):
        sections.setdefault(section, []).append(index)
    labels = _expanded(tune.order)
    if labels is None or not sections.keys() >= set(labels):
        tune.counts["parts_order_unread"] += 1
        labels = ""
    if not labels:
        sections = {"": list(range(len(marks)))}
    order = []
    for indices in [sections.get("", []), *(sections[label] for label in labels)]:
        played, complete = playing_order([marks[index] for index in indices])
        if not complete:
            tune.counts["repeats_not_unrolled"] += sum(marks[index] != Marks() for index in indices)
        order += [indices[place] for place in played]
    return order


def _expanded(order: str) -> str | None:
    """`A(BC)2D2` → ABCBCDD; None for more than 1,000 sections."""
    order = re.sub(r"[^A-Za-z\d()]", "", order)
    for pattern in (r"\(([A-Za-z]*)\)(\d{0,2})", r"([A-Za-z])(\d{1,2})"):
        while found := re.search(pattern, order):
            order = order[: found.start()] + found[1] * int(found[2] or 1) + order[found.end() :]
            if len(order) > _MAX_SECTIONS:
                return None
    return order if order.isalpha() or not order else None
