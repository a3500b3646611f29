"""Copies of a solo's MIDI file in other keys and at other tempos, made by changing its bytes.

The bytes equal those of `write_score` for the transposed and scaled score, without reading and writing it again for
each copy: only pitches, tempos, the key signature and the chord symbols differ.
"""

from functools import lru_cache

import numpy as np

from yardbird.music.chords import Chord, chord_symbol
from yardbird.music.midi import is_chord
from yardbird.music.midi_events import META
from yardbird.music.pitch import Key

_TRACK = 22  # where the events of the only track start: after the header of the file and that of the track
_MARKER, _TEMPO, _KEY = 0x06, 0x51, 0x59
_SLOWEST = 0xFFFFFF  # microseconds a beat that a file can hold


class MidiCopies:
    """Makes copies of the content of a file that `write_score` wrote."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        pitches: list[int] = []
        self._tempos: list[int] = []  # places of all tempos, of three bytes
        self._key: int | None = None  # place of the key signature, of two bytes
        self._chords: list[tuple[int, int, str]] = []  # start (at the length), end and text of all chord symbols
        place, end = _TRACK, _TRACK + int.from_bytes(content[_TRACK - 4 : _TRACK], "big")
        while place < end:
            while content[place] & 0x80:  # the time since the last event
                place += 1
            place += 1
            status = content[place]
            if status < 0xA0:  # a note starts or ends
                pitches.append(place + 1)
                place += 3
            elif status != META:  # the program
                place += 2
            else:
                start = place + 2
                place, length = _number(content, start)
                kind = content[start - 1]
                if kind == _TEMPO:
                    self._tempos.append(place)
                elif kind == _KEY:
                    self._key = place
                elif kind == _MARKER:
                    text = content[place : place + length].decode()
                    if is_chord(text):
                        self._chords.append((start, place + length, text))
                place += length
        self._pitches = np.array(pitches, dtype=np.int64)  # places of all pitches
        self._symbols = {text for *_, text in self._chords}

    def copy(self, semitones: int, tempo_factor: float) -> bytes:
        """The content of the copy; the caller keeps the pitches inside 0 … 127."""
        content = bytearray(self._content)
        if tempo_factor != 1:
            for place in self._tempos:
                qpm = 60e6 / int.from_bytes(content[place : place + 3], "big") * tempo_factor
                content[place : place + 3] = min(round(60e6 / qpm), _SLOWEST).to_bytes(3, "big")
        if not semitones:  # keeps the written names of the chords
            return bytes(content)
        np.frombuffer(content, dtype=np.int8)[self._pitches] += np.int8(semitones)
        signature = None
        if self._key is not None:
            signature = _signature(content[self._key], content[self._key + 1], semitones)
            content[self._key] = signature[0]
        symbols = {text: _marker(text, semitones, signature) for text in self._symbols}
        pieces: list[bytes | bytearray] = []
        end = _TRACK
        for start, stop, text in self._chords:
            pieces += content[end:start], symbols[text]
            end = stop
        track = b"".join([*pieces, content[end:]])
        return bytes(content[: _TRACK - 4]) + len(track).to_bytes(4, "big") + track


def _number(content: bytes, place: int) -> tuple[int, int]:
    """The place after a number of seven bits a byte, and the number."""
    number = content[place] & 0x7F
    while content[place] & 0x80:
        place += 1
        number = number << 7 | content[place] & 0x7F
    return place + 1, number


@lru_cache(maxsize=256)
def _signature(fifths: int, minor: int, semitones: int) -> tuple[int, int]:
    """The two bytes of a key signature moved by `semitones`."""
    return _key(fifths, minor).transposed(semitones).fifths & 0xFF, minor


def _key(fifths: int, minor: int) -> Key:
    return Key.from_fifths(fifths - 256 if fifths > 127 else fifths, "minor" if minor else "major")


@lru_cache(maxsize=4096)
def _marker(text: str, semitones: int, signature: tuple[int, int] | None) -> bytes:
    """The length and the text of a chord symbol moved by `semitones`, spelled in the key of the moved signature."""
    chord = Chord.parse(text)
    symbol = chord_symbol(chord and chord.transposed(semitones), signature and _key(*signature)).encode()
    return bytes([len(symbol)]) + symbol
