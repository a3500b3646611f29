"""The SoundFont that sounds every note: pretty_midi's TimGM6mb, with a hole in its alto sax filled.

Its alto sax has samples for the keys up to 63 and from 65 on: E above middle C, one of the commonest notes of an alto
solo, would be silent. The zone below is made to reach it.
"""

import importlib.util
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from yardbird.errors import InputError

_INSTRUMENT, _MISSING_KEY = b"AltoSax", 64
_KEY_RANGE = 43  # the generator of a zone's lowest and highest key, SoundFont 2.01, 8.1.2
_INST, _BAG, _GEN = struct.Struct("<20sH"), struct.Struct("<HH"), struct.Struct("<HBB")


def soundfont_path() -> Path:
    """Where pretty_midi's SoundFont lies, found without importing pretty_midi.

    Raises:
        InputError: it is not installed.
    """
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec and spec.origin else Path("TimGM6mb.sf2")
    if not path.is_file():
        raise InputError(path, expected="pretty_midi's SoundFont", found="no such file", remedy="reinstall pretty_midi")
    return path


def mended(font: bytes) -> bytes:
    """The SoundFont with the alto sax's missing key filled from below; the same bytes where nothing is missing."""
    chunk = _parameters(font)
    start, size = chunk[b"inst"]
    instruments = list(_INST.iter_unpack(font[start : start + size]))
    for (name, first), (_, stop) in pairwise(instruments):
        if name.startswith(_INSTRUMENT):
            ranges = list(_key_ranges(font, chunk, first, stop))
            if not any(low <= _MISSING_KEY <= high for _, low, high in ranges):
                offset = next(offset for offset, _, high in ranges if high == _MISSING_KEY - 1)
                return font[: offset + 3] + bytes([_MISSING_KEY]) + font[offset + 4 :]
    return font


def _parameters(font: bytes) -> dict[bytes, tuple[int, int]]:
    """Offset and size of each sub-chunk of the list `pdta`, which holds presets, instruments and samples."""

    def chunks(start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
        while start < stop:
            (size,) = struct.unpack_from("<I", font, start + 4)
            yield font[start : start + 4], start + 8, size
            start += 8 + size + size % 2

    lists = [(start, size) for name, start, size in chunks(12, len(font)) if name == b"LIST"]
    start, size = next((start, size) for start, size in lists if font[start : start + 4] == b"pdta")
    return {name: (offset, length) for name, offset, length in chunks(start + 4, start + size)}


def _key_ranges(
    font: bytes, chunk: dict[bytes, tuple[int, int]], first: int, stop: int
) -> Iterator[tuple[int, int, int]]:
    """(offset of the generator, lowest key, highest key) of an instrument's zones `first` … `stop` − 1."""
    for zone in range(first, stop):
        begin, _ = _BAG.unpack_from(font, chunk[b"ibag"][0] + zone * _BAG.size)
        end, _ = _BAG.unpack_from(font, chunk[b"ibag"][0] + (zone + 1) * _BAG.size)
        for offset in range(chunk[b"igen"][0] + begin * _GEN.size, chunk[b"igen"][0] + end * _GEN.size, _GEN.size):
            generator, low, high = _GEN.unpack_from(font, offset)
            if generator == _KEY_RANGE:
                yield offset, low, high
