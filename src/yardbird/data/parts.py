"""Selection of the part of a foreign file that plays the solo.

A part is the music of one player: the channels of one track that share a program and hardly overlap (MPE, MIDI
guitars, the bend channels of tablature editors), and tracks of one name that hardly overlap (`take 1`, `take 2`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird.errors import InputError
from yardbird.music.midi import RawMidi, RawPart
from yardbird.music.score import Notes

#: Weight of a part as the solo, by General MIDI program counted from 0; 1 for the other programs.
_PROGRAM_WEIGHTS = (
    (range(56, 61), 3.0),  # brass
    (range(64, 68), 3.0),  # saxophones
    (range(68, 80), 3.0),  # other reeds, pipes
    (range(80, 88), 2.5),  # leads
    (range(24, 32), 2.0),  # guitars
    (range(40, 43), 2.0),  # violin, viola, cello
    (range(11, 14), 1.5),  # vibraphone, marimba, xylophone
    (range(21, 24), 1.5),  # accordions, harmonica
    (range(44, 52), 0.5),  # string ensembles
    (range(88, 104), 0.4),  # pads, effects
    (range(32, 40), 0.1),  # basses
    (range(112, 128), 0.05),  # percussion, sound effects
)
_BASS_PROGRAMS = range(32, 40)
_ROLE_NAME = re.compile(r"\b(?:solo\w*|m[eé]lod\w*|lead|vocals?|vox|head|topline|gesang|chant)\b|メロディ|ソロ", re.I)
_SOLOIST_NAME = re.compile(
    r"\b(?:\w*sax\w*|alto|tenor|soprano|bari(?:tone)?|tromp\w*|trumpet|trombone|posaune|cornet|flugel\w*|flute|clarinet"
    r"|klarinette|horn|violin)\b",
    re.I,
)
_BACKING_NAME = re.compile(
    r"\b(?:chords?|comp(?:ing)?|rhythm|pads?|strings|ensemble|backing\w*|accomp\w*|left|lh|riffs?|section|click"
    r"|metronome)\b",
    re.I,
)
_BASS_NAME = re.compile(r"\b(?:contra|kontra)?bass(?:e|o|line)?\b(?![ .-]*(?:clar|trom|sax|flute|oboe|drum))", re.I)
_NUMBER = r"(?:\d+|[a-d]|[ivx]+|one|two|three|four|five)"
#: Removed from "Alto Sax take 2" to get the name that takes share.
_TAKE = re.compile(
    r"[\s_\-.,:#]*(?:[\[(][^\])]*[\])]"
    r"|\b(?:(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|last) )?(?:take|tk|part|pt|chorus|solo|section|region|copy"
    rf"|cont(?:\.|inued|'?d)?|ctd)[\s_\-.#]*{_NUMBER}?"
    r"|(?<=[.#_-])\d{1,3})\.?$",
    re.I,
)
_NO_NAME = re.compile(
    r"(?:track|staff|midi|channel|ch|inst(?:rument)?|untitled|unnamed|new|default|part)?[\s_\-.]*\d*", re.I
)
_CHOICE = re.compile(r"(?:track\s*)?(\d{1,4})(?:\s*[,/:]?\s*(?:channel|ch\.?|[/:,])\s*(\d{1,2}))?", re.I)

#: Parts are joined if both are lines of one register, and at most these shares of the smaller one's notes start
#: together with a note of the other, or lie inside one.
_TOGETHER, _INSIDE, _ALONE, _APART = 0.25, 0.5, 0.75, 24
_LOW, _HIGH = 38.0, 52.0  # median pitches of a walking bass, and of the low horns


@dataclass(frozen=True)
class Part:
    """The music of one player: one part of the file, or several that hardly overlap; `notes` are those of all."""

    members: tuple[RawPart, ...]
    notes: Notes

    @property
    def name(self) -> str:
        return next((member.name for member in self.members if member.name), "")

    @property
    def program(self) -> int:
        """The first program of a member that is not 0; channels without a program have 0, too."""
        return next((member.program for member in self.members if member.program), 0)

    @property
    def is_drums(self) -> bool:
        return all(member.is_drums for member in self.members)

    @property
    def is_bass(self) -> bool:
        """Whether the part is a bass by its name, or by its program unless the name is that of another player."""
        if _BASS_NAME.search(self.name):
            return True
        named = _ROLE_NAME.search(self.name) or _SOLOIST_NAME.search(self.name)
        return self.program in _BASS_PROGRAMS and not named

    @property
    def has_solo_name(self) -> bool:
        return bool(_ROLE_NAME.search(self.name))

    @property
    def label(self) -> str:
        """`track 2, channel 1, Alto Sax`, with tracks and channels counted from 1, as in sequencers."""
        tracks = sorted({member.track + 1 for member in self.members})
        channels = sorted({member.channel + 1 for member in self.members})
        name = " ".join(self.name.replace("|", " ").split())
        return ", ".join(filter(None, [_listed("track", tracks), _listed("channel", channels), name]))


@dataclass(frozen=True)
class Choice:
    """The chosen part, and the others, including drums, in descending order of their numbers of notes."""

    part: Part
    left: tuple[Part, ...]

    @property
    def remedy(self) -> str:
        labels = "; ".join(part.label for part in (self.part, *self.left) if not part.is_drums)
        return f"name one in the column `part` of the manifest, or by --part: {labels}"

    @property
    def flags(self) -> list[str]:
        """Flags for the user: joined parts, a bass, and a line left out that plays more."""
        flags = [f"parts_joined:{len(self.part.members)}"] if len(self.part.members) > 1 else []
        flags += ["bass_part"] if self.part.is_bass else []
        longer = [
            part for part in self.left if not part.is_drums and not part.is_bass and _moves(part) > _moves(self.part)
        ]
        flags += [f"longer_part_left:{part.label}, {len(part.notes)} notes" for part in longer[:1]]
        return flags


def _listed(word: str, numbers: Sequence[int]) -> str:
    return f"{word}{'s' if len(numbers) > 1 else ''} {'+'.join(map(str, numbers))}"


def choose_solo(raw: RawMidi, name: Path, min_notes: int, wish: str = "") -> Choice:
    """The part that plays the solo; see `choose_part`.

    Raises:
        InputError: there is no such part, the best one is an accompanying bass, or `wish` matches none or several.
    """
    try:
        choice = choose_part(raw.parts, raw.ticks_per_beat, min_notes, wish)
    except InputError as error:
        raise InputError(name, expected=error.expected, found=error.found, remedy=error.remedy) from None
    if choice is None:
        found = "drums only" if raw.parts else "no notes"
        raise InputError(name, expected="a melody", found=found, remedy="export the track of the soloist")
    beside = [other for other in choice.left if not other.is_drums]
    if not wish and beside and choice.part.is_bass and not choice.part.has_solo_name:
        found = f"a bass, {choice.part.label}, beside parts that play less, or chords"
        raise InputError(name, expected="a part that plays a solo", found=found, remedy=choice.remedy)
    return choice


def choose_part(parts: Sequence[RawPart], ticks_per_beat: int, min_notes: int, wish: str = "") -> Choice | None:
    """The part that most likely plays the solo, never drums; None if no pitched part has notes.

    Among the parts with enough notes, this is the one with the most melodic movement as a single line, weighted by
    instrument, name and register.

    Args:
        wish: the part that the user wants: a name, a track (`2`) or a track and a channel (`1/4`), counted from 1.

    Raises:
        InputError: `wish` matches no part or several.
    """
    joined = join_parts([part for part in parts if len(part.notes)], ticks_per_beat)
    pitched = [part for part in joined if not part.is_drums]
    if wish:
        chosen = _wanted(joined, wish)
    elif pitched:
        chosen = max(pitched, key=lambda part: (_onsets(part.notes) >= min_notes, _likelihood(part, ticks_per_beat)))
    else:
        return None
    left = sorted((part for part in joined if part is not chosen), key=lambda part: -len(part.notes))
    return Choice(chosen, tuple(left))


def _wanted(parts: Sequence[Part], wish: str) -> Part:
    wish = wish.strip()
    folded = wish.casefold()
    found = [part for part in parts if any(member.name.casefold() == folded for member in part.members)]
    found = found or [part for part in parts if part.label.casefold() == folded]
    if not found and (match := _CHOICE.fullmatch(wish)):
        track, channel = int(match[1]) - 1, match[2] and int(match[2]) - 1
        found = [
            part for part in parts
            if any(member.track == track and channel in (None, member.channel) for member in part.members)
        ]  # fmt: skip
    found = found or [part for part in parts if any(folded in member.name.casefold() for member in part.members)]
    if len(found) == 1 and not found[0].is_drums:
        return found[0]
    reason = "none" if not found else "drums" if len(found) == 1 else f"{len(found)}"
    listed = "; ".join(part.label for part in parts if not part.is_drums)
    raise InputError(
        "part", expected="one pitched part of the file, by its name, track, or track/channel",
        found=f"{reason} for {wish!r}", remedy=f"choose among: {listed}",
    )  # fmt: skip


def join_parts(parts: Sequence[RawPart], ticks_per_beat: int) -> tuple[Part, ...]:
    """Join the channels of a track, then the tracks of one name, if they hardly overlap: one part per player.

    Many exporters set the program only on the first channel of a track; the other channels get it as well.
    """
    programs: dict[int, set[int]] = {}
    for part in parts:
        programs.setdefault(part.track, set()).update({part.program} - {0})
    tracks: dict[tuple[int, int], list[Part]] = {}
    for part in parts:
        own = programs[part.track]
        program = next(iter(own)) if part.program == 0 and len(own) == 1 else part.program
        tracks.setdefault((part.track, program), []).append(Part((part,), part.notes))
    names: dict[tuple[str, int], list[Part]] = {}
    for group in tracks.values():
        for one in _joined(group, ticks_per_beat):
            name = "" if one.is_drums else shared_name(one.name)
            names.setdefault((name, one.program) if name else (f"\0{len(names)}", -1), []).append(one)
    return tuple(part for group in names.values() for part in _joined(group, ticks_per_beat))


def shared_name(name: str) -> str:
    """The name that takes share: "Alto Sax take 2" → "alto sax"; empty for a name without content, as "Track 3"."""
    text = name.strip().casefold()
    while (shorter := _TAKE.sub("", text).strip()) != text:
        if not shorter:  # "take 1", "Solo 2": keep all but the number
            return re.sub(rf"(?:[\W_]+{_NUMBER}|\d+)$", "", text)
        text = shorter
    return "" if _NO_NAME.fullmatch(text) else text


def _joined(parts: list[Part], ticks_per_beat: int) -> list[Part]:
    """Join each part, in descending order of notes, to the first that it hardly overlaps."""
    groups: list[Part] = []
    for part in sorted(parts, key=lambda part: (part.is_drums, -len(part.notes))):
        for index, group in enumerate(groups):
            drums = part.is_drums and not {8, 10} <= {member.channel for member in group.members}  # MPE uses channel 10
            if not drums and _hardly_overlap(group.notes, part.notes, ticks_per_beat // 8):
                members = tuple(sorted((*group.members, *part.members), key=lambda raw: (raw.track, raw.channel)))
                groups[index] = Part(members, _sorted(np.concatenate([group.notes, part.notes])))
                break
        else:
            groups.append(part)
    return sorted(groups, key=lambda part: (part.members[0].track, part.members[0].channel))


def _hardly_overlap(many: Notes, few: Notes, tolerance: int) -> bool:
    """Whether two lines form one: the same register, and few notes that start together or lie inside another."""
    if min(_onsets(many) / len(many), _onsets(few) / len(few)) < _ALONE:
        return False
    if abs(float(np.median(many["pitch"]) - np.median(few["pitch"]))) > _APART:
        return False
    onsets, starts = many["onset_tick"], few["onset_tick"]
    after = np.searchsorted(onsets, starts, side="left")
    to_next = onsets[np.minimum(after, len(onsets) - 1)] - starts
    to_last = starts - onsets[np.maximum(after - 1, 0)]
    together = np.minimum(np.abs(to_next), np.abs(to_last)) <= tolerance
    latest_end = np.maximum.accumulate(onsets + many["duration_tick"])
    inside = (after > 0) & (latest_end[after - 1] > starts + few["duration_tick"])
    return float(together.mean()) <= _TOGETHER and float(inside.mean()) <= _INSIDE


def _sorted(notes: Notes) -> Notes:
    return notes[np.lexsort((notes["pitch"], notes["onset_tick"]))]


def _onsets(notes: Notes) -> int:
    return len(np.unique(notes["onset_tick"]))


def _moves(part: Part) -> float:
    """The melodic movement: notes that start alone and change the pitch; a repeated note counts a quarter."""
    top = _top(part.notes)
    moving = np.count_nonzero(np.diff(top["pitch"])) + 1
    alone = len(top) / len(part.notes)
    return float((moving + (len(top) - moving) / 4) * alone**2)


def _top(notes: Notes) -> Notes:
    """The highest of the notes at each onset."""
    last: NDArray[np.bool_] = np.append(np.diff(notes["onset_tick"]) > 0, True)
    return notes[last]


def _likelihood(part: Part, ticks_per_beat: int) -> float:
    weight = next((weight for programs, weight in _PROGRAM_WEIGHTS if part.program in programs), 1.0)
    if _SOLOIST_NAME.search(part.name):
        weight = max(weight, 3.0)
    if part.is_bass:
        weight = 0.1
    if part.has_solo_name:
        weight *= 6.0
    elif _BACKING_NAME.search(part.name):
        weight *= 0.4
    if _walks(part.notes, ticks_per_beat):
        weight *= 0.25
    register = float(np.clip((np.median(part.notes["pitch"]) - _LOW) / (_HIGH - _LOW), 0.1, 1.0))
    return weight * register * _moves(part)


def _walks(notes: Notes, ticks_per_beat: int) -> bool:
    """Whether a part plays about one note per beat throughout, as a walking bass does."""
    steps = np.diff(np.unique(notes["onset_tick"])) / ticks_per_beat
    return len(steps) > 0 and float(np.mean(steps >= 0.85)) >= 0.9 and float(np.mean(steps <= 1.15)) >= 0.8
