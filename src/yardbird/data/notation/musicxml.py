"""Reader of MusicXML, also compressed. Archives are read in memory up to a limit; XML with entities is refused."""

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path
from xml.parsers import expat

from yardbird.data.notation.music21_scores import MAX_MEASURES, parsed
from yardbird.data.notation.musicxml_repair import repaired
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi

SUFFIXES = (".musicxml", ".xml", ".mxl")
MAX_BYTES = 32_000_000  # a symphony has less; a zip bomb has more
_MAX_NOTES = 10_000  # music21 needs half a second for a thousand
_MAX_DEPTH = 64  # of elements; MusicXML needs ten


def read_musicxml(path: Path) -> RawMidi:
    """Read MusicXML, compressed or not.

    Raises:
        InputError: the file is not MusicXML, is damaged, declares entities, or is too large for a solo.
    """
    content = path.read_bytes()
    if content[:4] == b"PK\x03\x04":
        content = _unzip(content, path)
    _check_xml(content, path)
    text, counts = repaired(_decode_xml(content, path))
    counts["measure_repeats_unread"] = content.count(b"<measure-repeat")
    counts["slashes_unread"] = content.count(b"<slash ")
    return parsed(text, "musicxml", path, counts)


def _unzip(content: bytes, path: Path) -> bytes:
    """The score inside a compressed MusicXML file, read in memory: names in the archive are never used as paths."""
    expected, remedy = "compressed MusicXML (.mxl)", "export it again"

    def member(archive: zipfile.ZipFile, name: str) -> bytes:
        if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(path, expected=expected, found="another compression", remedy=remedy)
        with archive.open(name) as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            found = f"more than {MAX_BYTES // 1_000_000} MB in {name}"
            raise InputError(path, expected=expected, found=found, remedy=remedy)
        return data

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            root = None
            if "META-INF/container.xml" in names:
                container = member(archive, "META-INF/container.xml")
                match = re.search(rb"""<rootfile\b[^>]*\bfull-path\s*=\s*["']([^"']+)["']""", container)
                root = match[1].decode("utf-8", "replace") if match else None
            if root not in names:
                scores = [n for n in names if n.lower().endswith((".xml", ".musicxml")) and "META-INF" not in n]
                root = scores[0] if scores else None
            if root is None:
                found = "an archive without a score"
                raise InputError(path, expected=expected, found=found, remedy=remedy)
            return member(archive, root)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError, ValueError) as error:
        found = f"a damaged archive ({str(error).strip() or type(error).__name__})"
        raise InputError(path, expected=expected, found=found, remedy=remedy) from None


def _check_xml(content: bytes, path: Path) -> None:
    """Refuse files that are not MusicXML, and XML that is unsafe to parse: entities, deep nesting, too many notes."""
    expected, remedy = "MusicXML", "export it again as MusicXML"
    if len(content) > MAX_BYTES:
        found = f"{len(content) / 1e6:.0f} MB"
        raise InputError(path, expected=f"at most {MAX_BYTES // 1_000_000} MB", found=found, remedy="cut it")
    depth = notes = measures = 0

    def refuse_entity(name: str, *_: object) -> None:
        raise InputError(path, expected=expected, found=f"a declared entity ({name})", remedy=remedy)

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal depth, notes, measures
        if depth == 0 and name != "score-partwise":
            if name == "score-timewise":
                raise InputError(
                    path, expected="score-partwise", found=name, remedy="open it in MuseScore and export it"
                )
            found = f"XML of another kind (<{name}>)"
            raise InputError(path, expected=expected, found=found, remedy="remove it, or export the score as MusicXML")
        depth += 1
        notes += {"note": 1, "harmony": 10}.get(name, 0)  # weights by the time that music21 takes
        measures = 0 if name == "part" else measures + (name == "measure")
        if measures > MAX_MEASURES:
            found = f"more than {MAX_MEASURES}"
            raise InputError(path, expected=f"at most {MAX_MEASURES} bars", found=found, remedy="cut it into solos")
        if depth > _MAX_DEPTH or notes > _MAX_NOTES:
            found = (
                f"more than {_MAX_NOTES} notes and chord symbols"
                if notes > _MAX_NOTES
                else f"more than {_MAX_DEPTH} nested elements"
            )
            raise InputError(path, expected="a solo", found=found, remedy="export the part of the soloist")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse_entity
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that expat cannot use
        found = f"damaged XML ({error})"
        raise InputError(path, expected=expected, found=found, remedy=remedy) from None


def _decode_xml(content: bytes, path: Path) -> str:
    """Decode XML that expat has accepted, by its byte order mark or its declaration."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16")
    else:
        declared = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']""", content[:200])
        encoding = declared[1].decode() if declared else "utf-8"
        try:
            text = content.decode(encoding, "replace").lstrip("\ufeff")
        except LookupError:
            raise InputError(path, expected="UTF-8", found=f"encoding {encoding}", remedy="export it again") from None
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)
