"""pretty_midi's SoundFont TimGM6mb with two faults repaired, so that every note sounds at its pitch.

Its alto sax has no sample for key 64: E above middle C, one of the most common notes of an alto solo, would be silent.
The repair extends the zone below to key 64.

For its piano, bass and others, the root key of a sample is stored in the instrument, not in the sample. symusic's
synthesizer ignores it and plays the bass three and the piano thirteen or more semitones off. The repair stores the
root key in the samples.
"""

import importlib.util
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from yardbird.errors import InputError

_INSTRUMENT, _MISSING_KEY = b"AltoSax", 64
_KEY_RANGE = 43  # the generator of a zone's lowest and highest key, SoundFont 2.01, 8.1.2
_ROOT_KEY, _SAMPLE = 58, 53  # generators: the root key that overrides that of the sample; the sample's number
_ROOT_OFFSET = 40  # of the root key in a sample's header, in bytes
_INST, _BAG, _GEN = struct.Struct("<20sH"), struct.Struct("<HH"), struct.Struct("<HBB")
_HEADER, _SIZE, _AMOUNT = struct.Struct("<20s5I2b2H"), struct.Struct("<I"), struct.Struct("<H")


def soundfont_path() -> Path:
    """The path of pretty_midi's SoundFont, found without importing pretty_midi.

    Raises:
        InputError: pretty_midi is not installed.
    """
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec and spec.origin else Path("TimGM6mb.sf2")
    if not path.is_file():
        raise InputError(path, expected="pretty_midi's SoundFont", found="no such file", remedy="reinstall pretty_midi")
    return path


def repaired(font: bytes) -> bytes:
    """The SoundFont without the two faults; a SoundFont that has neither is returned unchanged."""
    return _rooted(_filled(font))


def _rooted(font: bytes) -> bytes:
    """Copy every sample for which an instrument overrides the root key, with that key in the header of the copy."""
    chunks = _parameters(font)
    start, size = chunks[b"shdr"]
    headers = [font[offset : offset + _HEADER.size] for offset in range(start, start + size, _HEADER.size)]
    end_of_samples = headers.pop()
    numbers = {header: number for number, header in reversed(list(enumerate(headers)))}
    body = bytearray(font[:start])
    for zone in _zones(font, chunks):
        if _ROOT_KEY in zone and _SAMPLE in zone:
            (root,), (sample,) = (_AMOUNT.unpack_from(font, zone[generator]) for generator in (_ROOT_KEY, _SAMPLE))
            header = headers[sample][:_ROOT_OFFSET] + bytes([root]) + headers[sample][_ROOT_OFFSET + 1 :]
            if header not in numbers:
                numbers[header] = len(headers)
                headers.append(header)
            _AMOUNT.pack_into(body, zone[_SAMPLE], numbers[header])
    content = b"".join([*headers, end_of_samples])
    grown = len(content) - size
    for offset in (start - 4, font.rindex(b"pdta", 0, start) - 4, 4):  # sizes of the chunk, the list and the file
        _SIZE.pack_into(body, offset, _SIZE.unpack_from(font, offset)[0] + grown)
    return bytes(body) + content + font[start + size :]


def _zones(font: bytes, chunks: dict[bytes, tuple[int, int]]) -> Iterator[dict[int, int]]:
    """For every zone of every instrument: generator → offset of its amount."""
    start, size = chunks[b"ibag"]
    for (begin, _), (end, _) in pairwise(_BAG.iter_unpack(font[start : start + size])):
        first = chunks[b"igen"][0]
        yield {
            _GEN.unpack_from(font, offset)[0]: offset + 2
            for offset in range(first + begin * _GEN.size, first + end * _GEN.size, _GEN.size)
        }


def _filled(font: bytes) -> bytes:
    """Extend the alto sax's zone below the missing key to that key."""
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
    """Offset and size of each sub-chunk of the list `pdta`, which describes presets, instruments and samples."""

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
