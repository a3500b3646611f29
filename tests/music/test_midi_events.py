"""Broken MIDI files are read completely, with a flag for each fault, or refused with one line that names the fault."""

import gzip
import io
import itertools
import zipfile
from collections.abc import Callable
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.errors import InputError
from yardbird.music.file_kinds import name_kind
from yardbird.music.midi import RawMidi, read_raw
from yardbird.music.midi_events import META, read_events
from yardbird.music.pitch import Key
from yardbird.music.score import Meter, Tempo

END = bytes.fromhex("00 ff 2f 00")
NOTES = 8
PLAYED = bytes.fromhex("00 c0 41") + b"".join(
    bytes([0, 0x90, 60 + note, 90, 0x81, 0x70, 0x80, 60 + note, 0]) for note in range(NOTES)
)


def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    return name + (len(body) if length is None else length).to_bytes(4, "big") + body


def midi(*tracks: bytes, kind: int = 1, count: int | None = None) -> bytes:
    """A header and whole chunks."""
    number = len(tracks) if count is None else count
    return chunk(b"MThd", b"".join(value.to_bytes(2, "big") for value in (kind, number, 480))) + b"".join(tracks)


def track(events: bytes = PLAYED, end: bytes = END, length: int | None = None) -> bytes:
    return chunk(b"MTrk", events + end, length)


def meta(kind: int, data: bytes) -> bytes:
    return bytes([0, META, kind, len(data)]) + data


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], RawMidi]:
    def write_and_read(content: bytes) -> RawMidi:
        (tmp_path / "a.mid").write_bytes(content)
        return read_raw(tmp_path / "a.mid")

    return write_and_read


def riff(content: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    body = b"RMID" + before + b"data" + len(content).to_bytes(4, "little") + content + after
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def macbinary(content: bytes) -> bytes:
    head = bytearray(128)
    head[1:11] = b"\x09Donna Lee"
    head[65:69] = b"Midi"
    head[83:87] = len(content).to_bytes(4, "big")
    return bytes(head) + content + bytes(-len(content) % 128) + b"a resource fork"


LIST = b"LIST" + (8).to_bytes(4, "little") + b"INFOINAM"
BROKEN = {
    "a key of 18 flats": (midi(track(meta(0x59, b"\xee\x00") + PLAYED)), ("broken_event:key_signature",)),
    "a key of a third mode": (midi(track(meta(0x59, b"\x00\x02") + PLAYED)), ("broken_event:key_signature",)),
    "a key of one byte": (midi(track(meta(0x59, b"\x01") + PLAYED)), ("broken_event:key_signature",)),
    "a tempo of two bytes": (midi(track(meta(0x51, b"\x07\xa1") + PLAYED)), ("broken_event:tempo",)),
    "a tempo of zero": (midi(track(meta(0x51, b"\0\0\0") * 2 + PLAYED)), ("broken_event:tempo x2",)),
    "a meter of one byte": (midi(track(meta(0x58, b"\x04") + PLAYED)), ("broken_event:meter",)),
    "an unknown meta event": (midi(track(meta(0x60, b"what?") + meta(0x54, b"") + PLAYED)), ()),
    "an undefined status": (midi(track(bytes.fromhex("00 fd") + PLAYED)), ("broken_event:status_fd",)),
    "a song position": (midi(track(bytes.fromhex("00 f2 01 02") + PLAYED)), ("broken_event:status_f2",)),
    "a velocity beyond 127": (
        midi(track(PLAYED + bytes.fromhex("00 b0 07 ff"))), ("broken_event:data_byte",)
    ),
    "running status after sysex": (
        midi(track(PLAYED[:-9] + bytes.fromhex("00 90 43 5a 00 f0 05 7e 7f 09 01 f7 60 43 00"))),
        ("broken_event:running_status",),
    ),
    "running status after a marker": (
        midi(track(PLAYED[:-9] + bytes.fromhex("00 90 43 5a") + meta(0x06, b"C7") + bytes.fromhex("60 43 00"))),
        ("broken_event:running_status",),
    ),
    "a sysex longer than its track": (
        midi(track(bytes.fromhex("00 f0 8f 7f 7e 7f 09 01 f7") + PLAYED)), ("broken_event:system_exclusive",)
    ),
    "an unknown chunk before": (midi(chunk(b"XFIH", b"abcd"), track(), count=1), ("unknown_chunk:XFIH",)),
    "an unknown chunk between": (
        midi(track(b""), chunk(b"XF|\n"[:3] + b"?", b""), track(), count=2), ("unknown_chunk:XF__",)
    ),
    "an unknown chunk at the end": (midi(track(), chunk(b"CASM", b"abcd"), count=1), ("unknown_chunk:CASM",)),
    "half an unknown chunk at the end": (midi(track(), b"CASM\0\0\1\0abc", count=1), ("stray_bytes:11",)),
    "zeros at the end": (midi(track(), bytes(100), count=1), ("stray_bytes:100",)),
    "a length too short": (midi(track(length=40), track(b"")), ("track_length",)),
    "a length too long": (midi(track(length=90), track(b"")), ("track_length",)),
    "a length beyond the file": (midi(track(b""), track(length=5000)), ("track_length",)),
    "no length": (midi(track(length=0), track(b"")), ("track_length",)),
    "no length and no end": (midi(track(end=b"", length=0xFFFFFFFF)), ("end_of_track_missing",)),
    "no end of track": (midi(track(end=b""), track(b"", end=b"")), ("end_of_track_missing x2",)),
    "the last byte missing": (midi(track())[:-1], ("end_of_track_missing",)),
    "the end of track missing": (midi(track())[:-4], ("end_of_track_missing",)),
    "the last event cut": (midi(track(PLAYED, end=END[:-1])), ("end_of_track_missing",)),
    "bytes after the end of track": (midi(track(end=END + b"\0\0\0\0")), ("bytes_after_end_of_track:4",)),
    "fewer tracks than stated": (midi(track(), count=3), ("missing_tracks:2",)),
    "more tracks than stated": (midi(track(b""), track(), count=1), ()),
    "type 2 with one track": (midi(track(), kind=2), ()),
    "type 9": (midi(track(), kind=9), ("midi_type:9",)),
    "a long header": (b"MThd\0\0\0\x08\0\1\0\1\1\xe0??" + track(), ()),
    "a header of the wrong length": (b"MThd\0\0\0\x99\0\1\0\1\1\xe0" + track(), ("header_length:153",)),
    "a second file after it": (midi(track()) * 2, (f"second_midi_file:{len(midi(track()))} bytes left out",)),
    "RIFF": (riff(midi(track())), ()),
    "RIFF with other chunks": (riff(midi(track()), before=LIST, after=LIST), ()),
    "MacBinary": (macbinary(midi(track())), ()),
    "a line before": (b"\r\n" + midi(track()), ("leading_bytes:2",)),
    "a mark of UTF-8 before": (b"\xef\xbb\xbf" + midi(track()), ("leading_bytes:3",)),
    "junk before": (bytes(range(128, 200)) + midi(track()), ("leading_bytes:72",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_read_completely_and_its_faults_are_flagged(read: Callable, name: str) -> None:
    content, flags = BROKEN[name]
    raw = read(content)
    assert raw.flags == flags
    assert [len(part.notes) for part in raw.parts] == [NOTES]
    assert raw.unended_notes == 0
    assert (raw.keys, raw.tempos, raw.meters) == ((), (), ()), "broken events are not guessed"


def test_events_longer_than_needed_are_used(read: Callable) -> None:
    events = meta(0x58, b"\x03\x02") + meta(0x51, b"\x07\xa1\x20\x00\x00") + meta(0x59, b"\xfd\x00\x00")
    raw = read(midi(track(events + PLAYED)))
    assert (raw.meters, raw.tempos, raw.keys) == ((Meter(0, 3, 4),), (Tempo(0, 120.0),), (Key.parse("Eb"),))
    assert raw.flags == ()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (midi(track(), track())[:-30], r"a truncated file \(track 2 of 2: 49 of its 79 bytes are there, 30 are mis"),
        (midi(track(), track(), count=3)[: -(8 + 79)] + b"MTrk\0", r"\(track 2 of 3: its length is missing\)"),
        (midi(count=3), "a truncated file: none of its 3 tracks is there"),
        (b"MThd\0\0\0\6\0", "a truncated file: 9 of the 14 bytes of its header"),
        (riff(midi(track()))[:-20], r"59 of its 79 bytes are there"),
        (midi(track(b"\0\x40\x40")), r"a corrupt file \(track 1 of 1: a data byte without a status at byte 1\)"),
        (midi(track(b"\xff\xff\xff\xff\x7f")), "a length of more than four bytes at byte 0"),
        (midi(track(bytes.fromhex("00 ff 01 7f 41"))), "the event at byte 0 is longer than the track"),
        (midi(track(b"\xff\xff\xff\x7f\x90\x40\x40" * 2)), "its events go on beyond tick 268,435,455"),
        (midi(track(), track(), kind=2), "type 2"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_refused_with_the_place_and_the_size_of_the_fault(
    read: Callable, content: bytes, found: str
) -> None:
    with pytest.raises(InputError, match=found) as error:
        read(content)
    assert "\n" not in str(error.value)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("solo.mid"), content)  # stored, so that it contains MThd
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "found", "remedy"),
    [
        (b"", "an empty file", "export it again"),
        (b"\0" * 700, "a file of zeros only", "download the file itself"),
        (b"\n <!DOCTYPE HTML PUBLIC><title>404</title>", "an HTML page", "download the file itself"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html><html>', "an HTML page", "download the file itself"),
        (gzip.compress(midi(track()), mtime=0), "a gzip archive", "unpack it"),
        (zipped(midi(track())), "a ZIP archive", "unpack it"),
        (b"%PDF-1.7", "a PDF document", "a scan or a print holds no notes"),
        (b"ID3\x03\0", r"a sound file \(MP3\)", "audio.source"),
        (b"\xff\xfb\x90\x64", r"a sound file \(MP3\)", "audio.source"),
        (b"RIFF\x24\0\0\0WAVEfmt ", r"a sound file \(WAV\)", "audio.source"),
        (b"\0\0\0\x20ftypM4A ", "a sound or film file", "audio.source"),
        (b'<?xml version="1.0"?><score-partwise version="3.1">', "a MusicXML score", "save it with the suffix"),
        (b"%abc-2.1\n% a tune\nX:1\nT:Donna Lee\nK:Ab\n", "a tune in ABC notation", "save it with the suffix"),
        (b"!!!COM: Parker\n**kern\n4c", r"a Humdrum file \(kern\)", "save it with the suffix"),
        (b"\x18FICHIER GUITAR PRO v4.06", "a Guitar Pro file", "export it as a standard MIDI file"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "the metadata of a Mac beside a file", "delete it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (b"TVRoZAAAAAYAAQABAeBNVHJr", "a MIDI file in base64", "decode it"),
        (b"not a midi file", "a text that does not start with MThd", "export it"),
        (b"\x93\x80\x01", "a file that does not start with MThd", "export it again"),
    ],
)
def test_another_kind_of_file_is_named(read: Callable, content: bytes, found: str, remedy: str) -> None:
    with pytest.raises(InputError, match=f"expected a MIDI file, found {found}.*; .*{remedy}"):
        read(content)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_kind_or_are_unknown(content: bytes) -> None:
    assert all(name_kind(content))


def test_valid_files_give_the_same_events_as_mido(shared: Path) -> None:
    """mido is the slow reference: it refuses broken files and reads the others."""
    places = ("parker", "coltrane", "nottingham", "fixtures/pretty-midi")
    for path in [path for place in places for path in sorted((shared / place).glob("*.mid"))[::9]]:
        ours = read_events(path.read_bytes(), path)
        theirs = mido.MidiFile(path, clip=True)
        assert (ours.flags, ours.ticks_per_beat) == ((), theirs.ticks_per_beat)
        for events, messages in zip(ours.tracks, theirs.tracks, strict=True):
            ticks = itertools.accumulate(message.time for message in messages)
            timed = [pair for pair in zip(ticks, messages, strict=True) if pair[1].type != "sysex"]
            for event, (tick, message) in zip(events, timed, strict=True):
                read = bytes([META, event.meta]) if event.status == META else bytes([event.status]) + event.data
                assert (event.tick, read) == (tick, bytes(message.bytes())[: len(read)])


@given(data=st.data())
def test_every_mutation_of_a_small_file_is_read_or_refused(data: st.DataObject, tmp_path_factory) -> None:
    content = bytearray(midi(track(meta(0x06, b"C7") + PLAYED), track(b"\0\xf0\x02\x01\xf7")))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        if not content:
            break
    path = tmp_path_factory.getbasetemp() / "mutated.mid"
    path.write_bytes(content)
    try:
        raw = read_raw(path)
    except InputError:
        return
    assert all(part.notes["pitch"].max() < 128 and part.notes["velocity"].max() < 128 for part in raw.parts)
