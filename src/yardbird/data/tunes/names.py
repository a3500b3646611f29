"""The tune and the player from a file name or a title. Users can extend the list `players.txt` in this folder."""

import functools
import re
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files as package_files
from pathlib import PurePath

from yardbird.data.manifest import Entry, fold, nfc
from yardbird.data.tunes.related import canonical, known_tunes

_SUFFIX = re.compile(r"\.(?:midi?|kar|rmi|smf|musicxml|mxl|xml|abc|krn)$", re.I)
_SOURCE = re.compile(r"^(?:wjazzd|wjd|omnibook|kern)[-_ ]+(?=[^\W\d])", re.I)
_NUMBER = re.compile(
    r"^(?:\d{1,2}(?: *[-._)] *)+(?=[^\W\d])"  # "01 - Ko-Ko", "3. Ko-Ko"; not "26-2"
    r"|(?:\d-)?(?:0\d|[1-9]\d) +(?=[^\W\d]))"  # "01 Ko-Ko", "1-03 Ko-Ko"; not "4 Brothers"
)
_BEFORE = re.compile(
    r"^(?:(?:[\w'’.]+ ){0,4}solo (?:on|over|from|to|for)|(?:transcription|improvisation|lead ?sheet) (?:of|on|for)) +",
    re.I,
)
_DASH = re.compile(r"\s+[-–—|]\s+|\s*[–—|]\s*")
_ENSEMBLE = re.compile(
    r"\s+(?:trio|quartet|quintet|sextet|septet|octet|nonet|orchestra|all[ -]?stars|(?:big )?band)$", re.I
)
_NICKNAMES = {"bird", "yardbird", "trane", "diz", "prez", "pres", "monk", "miles", "newk", "hawk", "bean"}
_BELONGS = {"for", "to", "of", "with", "and", "meets", "on", "from", "the", "a"}  # before a name: part of the title

_KEY = r"(?:(?-i:[A-G])|[a-g](?=[b#♭♯]|[ -]?(?:flat|sharp)|[ -]?(?:maj|min)))"
_KEY += r"(?:[b#♭♯]|[ -]?(?:flat|sharp))?(?:[ -]?(?:major|minor|maj|min|dur|moll|m))?"
_VOICE = r"(?:alto|tenor|soprano|bari(?:tone)?|sax(?:ophone)?|trumpet|trombone|guitar|piano|bass|vibes|flute|clarinet)"
#: Text at the end of a title that is not part of the name of the tune.
_TAKE = re.compile(
    r"[\s_\-.,;:]*(?:[\[(][^\])]*[\])]"  # (take 2), [live]
    r"|\b(?:(?:alternate|alt|master|original|first|second|third)[\s_\-.]*)?(?:take|tk|version|vers?|rev)[\s_\-.]*"
    r"(?:\d+|[a-d]|one|two|three|four|five)?"
    r"|\bv[\s.]?\d+(?:\.\d+)*"
    r"|\b(?:alternate|alt|master|final|draft|copy|live|edit(?:ed)?|fixed|remaster(?:ed)?|quanti[sz]ed"
    r"|concert(?: pitch)?)"
    rf"|\b(?:for )?(?:{_VOICE}\s+)*(?:{_VOICE}(?<!bass)(?<!piano)|solo|improvisation|impro|transcription|transcribed"
    r"|chorus(?:es)?|lead ?sheet|head|midi)s?"
    r"|\b(?:for )?(?-i:[BE](?:b|♭)|[CF])[\s-]+(?:instruments?|parts?|horns?)"
    r"|(?<!\bin)\s(?-i:[BE](?:b|♭))"
    r"|\b(?:transcribed|transcription|arranged|arr\.?|(?:as )?played) by .+"
    r"|(?:\bno|\bnr|\bpt|\bpart|#)[\s.]*\d{1,2}"
    r"|\b(?:19|20)\d\d(?:[-./]\d{1,2}){0,2}"
    r"|@?\s*\b\d{2,3}\s*bpm"
    r"|[\s_\-.]+\d{1,2})$",
    re.I,
)
_IN_KEY = re.compile(rf"(?:[\s,]+(?:in(?: the key of)?|key of)|\s*[-–,])\s+{_KEY}$", re.I)
_ARTICLE = re.compile(r"^(.*), *(the|a|an)$", re.I)
#: Generic names: "Blues in F" is another tune than "Blues", not the same in another key.
_GENERIC = {
    "", "blues", "minorblues", "majorblues", "jazzblues", "slowblues", "fastblues", "bebopblues", "rhythm",
    "rhythmchanges", "etude", "study", "exercise", "jam", "ballad", "waltz", "line", "lick", "theme", "tune",
    "concerto", "prelude",
}  # fmt: skip


def title_of(stem: str, artist: str) -> str:
    """The title in a file name: `wjazzd__CharlieParker_BodyAndSoul` by Parker → "Body And Soul"."""
    text = nfc(stem).rpartition("__")[2]
    text = _NUMBER.sub("", text.replace("_-_", " - "))
    head, separator, tail = text.partition("_")
    names = {fold(artist), *map(fold, artist.split())}  # "Parker" and "Charlie Parker", but not the "A" in them
    spaced = " ".join(text.replace("_", " ").split())
    if (nameless := _without_players(spaced, artist)) != spaced:
        text = nameless
    elif separator and tail and fold(artist) and (fold(artist) in fold(head) or fold(head) in names):
        text = tail
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(text.replace("_", " ").split()) or stem


def tune_group_of(title: str, artist: str = "") -> str:
    """The tune without its take, key, track number and player: "Kim 1", "Kim_2" → "kim"; "Ko-Ko (take 2)" → "koko".

    A name that `related.csv` lists as another name of a tune gives the name of that tune.
    """
    text = _SUFFIX.sub("", nfc(title).rpartition("__")[2].replace("_", " ").strip())
    text = _without_players(_NUMBER.sub("", _SOURCE.sub("", text)), artist)
    for shorter in (_BEFORE.sub("", text), *_DASH.split(text)):
        if shorter != text and _bare(shorter) in known_tunes():
            return canonical(_bare(shorter))
    bare = _bare(_BEFORE.sub("", text))
    family, _, rest = text.partition(" ")  # "parker_donna_lee"
    if fold(family) in _family_names() and _bare(rest) in known_tunes():
        bare = _bare(rest)
    return canonical(bare)


def _bare(text: str) -> str:
    """A folded title without the text after the name of the tune."""
    text = text.strip()
    while fold(text) not in known_tunes():
        shorter = _TAKE.sub("", text).strip()
        keyless = _IN_KEY.sub("", text).strip()
        if keyless != text and fold(keyless) not in _GENERIC:
            shorter = keyless
        if shorter == text or not fold(shorter):
            break
        text = shorter
    text = _ARTICLE.sub(r"\2 \1", text)
    unnumbered = fold(re.sub(r"(?<=[^\W\d])\d$", "", text))  # "DonnaLee2"
    return unnumbered if unnumbered in known_tunes() else fold(text)


def _without_players(text: str, artist: str) -> str:
    """A title without the names of players before or after it, unless no title would remain."""
    own = {fold(artist), _inverted(artist), *map(fold, artist.split())} - {""}
    full = _players() | {name for name in (fold(artist), _inverted(artist)) if len(artist.split()) > 1}
    parts = [part for part in _DASH.split(text) if part.strip()]
    if len(parts) == 1 and {fold(part) for part in text.split("-")} & full:  # "Charlie_Parker-Donna_Lee"
        parts = [part for part in text.split("-") if part.strip()]
    kept = [part for part in parts if not _is_players(part, own | full | _NICKNAMES)]
    if kept and len(kept) < len(parts):
        text = " - ".join(kept)
    words = text.split()
    for length in (4, 3, 2, 1):
        if len(words) > length and fold("".join(words[:length])) in full | {f"{name}s" for name in full}:
            words = words[length:]
        if len(words) > length and fold("".join(words[-length:])) in full and fold(words[-length - 1]) not in _BELONGS:
            words = words[:-length]
            if len(words) > 1 and fold(words[-1]) in ("by", "playedby"):
                words = words[:-1]
    return " ".join(words).strip(" -–—,;")


def _is_players(text: str, names: Iterable[str]) -> bool:
    text = _ENSEMBLE.sub("", text.strip())
    everyone = re.split(r"\s*(?:&|\+|/|\band\b|\bwith\b|\bfeat\.?|\bft\.?)\s*", text, flags=re.I)
    return fold(text) in names or all(fold(one) in names for one in everyone)


def _inverted(name: str) -> str:
    """ "Charlie Parker" as "Parker, Charlie", folded."""
    given, _, family = name.strip().rpartition(" ")
    return fold(family + given)


@functools.cache
def _listed() -> tuple[str, ...]:
    text = package_files("yardbird.data.tunes").joinpath("players.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


@functools.cache
def _players() -> frozenset[str]:
    return frozenset(folded for name in _listed() for folded in (fold(name), _inverted(name)))


@functools.cache
def _family_names() -> frozenset[str]:
    return frozenset(fold(name.split()[-1]) for name in _listed())


def metadata(entry: Entry, file: PurePath, folder: str) -> Entry:
    """An entry with its empty fields filled: artist from the folder of the file, title from the file name."""
    artist = entry.artist or (file.parent.name or folder).replace("_", " ").strip()
    title = entry.title or title_of(file.stem, artist)
    group = canonical(fold(entry.tune_group)) or tune_group_of(title, artist) or fold(file.stem) or "untitled"
    return replace(entry, artist=artist, title=title, tune_group=group)
