"""A tolerant parser of standard MIDI files: it flags broken events and uses the rest, as players do.

Neither mido nor symusic is used here. mido rejects a whole file for one bad event. symusic stops silently at running
status after a system exclusive message, and reads the byte after a short tempo event as a part of it.
"""

import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from yardbird.errors import InputError
from yardbird.music.file_kinds import NO_MIDI, name_kind

META = 0xFF
END_OF_TRACK = 0x2F
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}  # of the channel messages
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # of system messages, which files must not contain; others: 0
_HEADER = b"MThd"
_TRACK = b"MTrk"
_SEARCHED = 65_536  # bytes at the start of a file; a container's or a mail's header is shorter
_END_BYTES = 4  # of the event that ends a track: a delta of one byte, FF 2F 00
_UNKNOWN_LENGTH = 0x7FFFFFFF  # and above: the program was stopped before it wrote the length
_LATEST = 0x0FFFFFFF  # tick: the longest delta, so a later bar could not be written
_REMEDY = "export it again as a standard MIDI file"


class Event(NamedTuple):
    """A channel message (`status` 0x80 … 0xEF) or a meta event (`status` 0xFF, its type in `meta`)."""

    tick: int  # since the start of the track
    status: int
    meta: int
    data: bytes


@dataclass(frozen=True)
class MidiEvents:
    """The tracks of a file; `flags` name the faults that were repaired or left out, such as `unknown_chunk:XFIH`."""

    ticks_per_beat: int
    tracks: tuple[tuple[Event, ...], ...]
    flags: tuple[str, ...]


class _BrokenTrackError(Exception):
    """The boundaries between the events of a track are lost."""


def read_events(content: bytes, path: Path) -> MidiEvents:
    """Read a standard MIDI file of type 0 or 1, also inside RIFF (.rmi) or MacBinary, or after other bytes.

    Args:
        content: the bytes of the file.
        path: the name of the file, for error messages.

    Raises:
        InputError: the file is of another kind, which the error names; it is truncated or corrupt; it has no beats
            (SMPTE time, type 2).
    """
    faults: Counter[str] = Counter()
    content = _unwrapped(content, path, faults)
    header, at = _header(content, path, faults)
    tracks: list[tuple[Event, ...]] = []
    while at < len(content):
        if content[at : at + 4] == _HEADER:
            faults[f"second_midi_file:{len(content) - at} bytes left out"] += 1
            break
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        if name == _TRACK:
            if len(content) - at < 8:
                raise _truncated(path, len(tracks) + 1, header.tracks, "its length is missing")
            try:
                events, at = _read_track(content, at + 8, length, len(tracks) + 1, header.tracks, path, faults)
            except _BrokenTrackError as fault:
                found = f"a corrupt file (track {len(tracks) + 1} of {header.tracks}: {fault})"
                raise InputError(path, expected="a whole MIDI file", found=found, remedy=_REMEDY) from None
            tracks.append(events)
        elif _is_chunk(content, at):
            faults["unknown_chunk:" + re.sub(rb"[^A-Za-z0-9]", b"_", name).decode()] += 1
            at += 8 + length
        else:  # padding, or the rest of a chunk with a wrong length: search for the next track
            following = content.find(_TRACK, at)
            faults[f"stray_bytes:{(len(content) if following < 0 else following) - at}"] += 1
            at = len(content) if following < 0 else following
    if header.type == 2 and len(tracks) != 1:
        raise InputError(path, expected="type 0 or 1", found="type 2 (separate patterns)", remedy=_REMEDY)
    if not tracks and header.tracks:
        found = f"a truncated file: none of its {header.tracks} tracks is there"
        raise InputError(path, expected="a whole MIDI file", found=found, remedy=_REMEDY)
    if len(tracks) < header.tracks:
        faults[f"missing_tracks:{header.tracks - len(tracks)}"] += 1
    flags = [name if count == 1 else f"{name} x{count}" for name, count in faults.items()]
    return MidiEvents(header.ticks_per_beat, tuple(tracks), tuple(flags))


def _unwrapped(content: bytes, path: Path, faults: Counter[str]) -> bytes:
    """The file from its MThd on; in a RIFF file, to the end of the chunk that contains it."""
    if content.startswith(_HEADER):
        return content
    if not content:
        raise InputError(path, expected="a MIDI file", found="an empty file", remedy=_REMEDY)
    is_riff = content[:4] == b"RIFF" and content[8:12] == b"RMID"
    start = content.find(_HEADER, 0, len(content) if is_riff else _SEARCHED)
    if is_riff and start > 0:
        length = int.from_bytes(content[start - 4 : start], "little")
        return content[start : start + length] if content[start - 8 : start - 4] == b"data" else content[start:]
    if content[128:132] == _HEADER and content[0] == 0 and 0 < content[1] < 64:  # MacBinary
        length = int.from_bytes(content[83:87], "big")  # of the data fork; a resource fork follows it
        return content[128 : 128 + length] if length else content[128:]
    kind, remedy = name_kind(content)
    if start < 0 or (kind, remedy) != NO_MIDI:
        raise InputError(path, expected="a MIDI file", found=kind, remedy=remedy)
    faults[f"leading_bytes:{start}"] += 1
    return content[start:]


class _Header(NamedTuple):
    type: int
    tracks: int
    ticks_per_beat: int


def _header(content: bytes, path: Path, faults: Counter[str]) -> tuple[_Header, int]:
    """The header, and the position of the chunks after it."""
    if len(content) < 14:
        found = f"a truncated file: {len(content)} of the 14 bytes of its header"
        raise InputError(path, expected="a whole MIDI file", found=found, remedy=_REMEDY)
    length, kind, tracks, ticks_per_beat = struct.unpack(">IHHH", content[4:14])
    if ticks_per_beat >= 0x8000:
        raise InputError(path, expected="ticks a beat", found="SMPTE frames a second", remedy=_REMEDY)
    if ticks_per_beat == 0:
        raise InputError(path, expected="ticks a beat", found="zero ticks a beat", remedy=_REMEDY)
    if kind > 2:
        faults[f"midi_type:{kind}"] += 1
    after = 8 + length
    if length < 6 or (after != len(content) and not _is_chunk(content, after)):
        faults[f"header_length:{length}"] += 1
        after = 14
    return _Header(kind, tracks, ticks_per_beat), after


def _is_chunk(content: bytes, at: int) -> bool:
    """Whether a chunk starts here: a name of printable letters, and a length that fits into the file."""
    name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
    if name in (_TRACK, _HEADER):
        return True
    return len(name) == 4 and name.isascii() and name.decode().isprintable() and at + 8 + length <= len(content)


def _read_track(
    content: bytes, start: int, length: int, number: int, count: int, path: Path, faults: Counter[str]
) -> tuple[tuple[Event, ...], int]:
    """The events of the track whose first event is at `start`, and the position of the next chunk.

    The stated length is used if a chunk or the end of the file follows it. Otherwise the track ends with its end of
    track event, or where the next track starts.
    """
    stop = start + length
    believed = stop == len(content) or (stop < len(content) and _is_chunk(content, stop))
    if not believed:
        following = content.find(_TRACK, start)
        stop = len(content) if following < 0 else following
    events, at, is_ended, is_cut = _events(content[start:stop], faults)
    if any(event.tick > _LATEST for event in events[-2:] if event.meta != END_OF_TRACK):
        raise _BrokenTrackError(f"its events go on beyond tick {_LATEST:,}")
    if is_ended:
        if at != length:
            faults[f"bytes_after_end_of_track:{length - at}" if believed else "track_length"] += 1
        return events, stop if believed else start + at
    missing = length - (stop - start)
    if stop == len(content) and 0 < missing < _UNKNOWN_LENGTH - len(content):
        if missing > _END_BYTES:
            there = f"{stop - start:,} of its {length:,} bytes are there, {missing:,} are missing"
            raise _truncated(path, number, count, there)
    elif is_cut and stop - start - at >= _END_BYTES:
        raise _BrokenTrackError(f"the event at byte {at} is longer than the track")
    faults["end_of_track_missing"] += 1
    return events, stop


def _truncated(path: Path, number: int, count: int, what: str) -> InputError:
    found = f"a truncated file (track {number} of {count}: {what})"
    return InputError(path, expected="a whole MIDI file", found=found, remedy="download or export it again")


def _events(body: bytes, faults: Counter[str]) -> tuple[tuple[Event, ...], int, bool, bool]:
    """Return the events up to the end of track or of `body`, the position where reading stopped, whether there was an
    end of track, and whether the last event is cut off.

    Running status continues after system exclusive and meta events, as in players; the standard ends it there.
    """
    events: list[Event] = []
    tick = at = begin = running = 0
    is_interrupted = False
    size = len(body)
    try:
        while at < size:
            begin = at
            delta, at = (body[at], at + 1) if body[at] < 0x80 else _variable_length(body, at)
            tick += delta
            status = body[at]
            if status < 0x80:  # running status
                if not running:
                    raise _BrokenTrackError(f"a data byte without a status at byte {at}")
                status = running
                if is_interrupted:
                    faults["broken_event:running_status"] += 1
            else:
                at += 1
            is_interrupted = status >= 0xF0
            if status < 0xF0:
                running = status
                data = body[at : at + _DATA_BYTES[status >> 4]]
                at += _DATA_BYTES[status >> 4]
                if at > size:
                    return tuple(events), begin, False, True
                if not data.isascii():  # above the highest value: clipped to it, as other readers do
                    faults["broken_event:data_byte"] += 1
                    data = bytes(min(byte, 0x7F) for byte in data)
                events.append(Event(tick, status, 0, data))
            elif status in (0xF0, 0xF7, META):
                meta = body[at] if status == META else 0
                length, at = _variable_length(body, at + (status == META))
                if at + length > size and status != META and (end := body.find(0xF7, at)) >= 0:
                    faults["broken_event:system_exclusive"] += 1
                    length = end + 1 - at
                if at + length > size:
                    return tuple(events), begin, False, True
                if status == META and meta == END_OF_TRACK:
                    events.append(Event(tick, status, meta, b""))
                    return tuple(events), at + length, True, False
                if status == META:
                    events.append(Event(tick, status, meta, body[at : at + length]))
                at += length
            else:
                faults[f"broken_event:status_{status:02x}"] += 1
                at += _SYSTEM_DATA_BYTES.get(status, 0)
    except IndexError:
        return tuple(events), begin, False, True
    return tuple(events), size, False, False


def _variable_length(body: bytes, at: int) -> tuple[int, int]:
    """A number of one to four bytes with seven bits each, and the position after it.

    Raises:
        IndexError: the number is cut off.
    """
    value = body[at] & 0x7F
    for count in range(1, 5):
        if body[at + count - 1] < 0x80:
            return value, at + count
        if count < 4:
            value = value << 7 | body[at + count] & 0x7F
    raise _BrokenTrackError(f"a length of more than four bytes at byte {at}")
