"""The kind of a file that is not MIDI, by its first bytes, so that an error message can name a remedy."""

import re

_UNPACK = "unpack it"
_SOUND = "put recordings in the folder of audio.source; only notes are read here"
_EXPORT = "export it as a standard MIDI file"
_NOTATION = "save it with the suffix of its kind, or export it as a standard MIDI file"
_DOWNLOAD = "download the file itself"

#: The description of a file of unknown kind, and the remedy.
NO_MIDI = ("a file that does not start with MThd", "export it again as a standard MIDI file")

#: A pattern for the start of the file, the kind of file, and the remedy.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a ZIP archive", _UNPACK),
    (rb"\x1f\x8b", "a gzip archive", _UNPACK),
    (rb"BZh\d", "a bzip2 archive", _UNPACK),
    (rb"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb".{257}ustar", "a tar archive", _UNPACK),
    (rb"SIT!|StuffIt|\(This file must be converted with BinHex", "a StuffIt or BinHex archive of a Mac", _UNPACK),
    (rb"\x00\x05\x16\x07", "the metadata of a Mac beside a file (._…)", "delete it: the file is the one without ._"),
    (rb"%PDF", "a PDF document", "a scan or a print holds no notes; " + _EXPORT),
    (rb"RIFF....WAVE|RF64....WAVE", "a sound file (WAV)", _SOUND),
    (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "a sound file (MP3)", _SOUND),
    (rb"OggS", "a sound file (Ogg)", _SOUND),
    (rb"fLaC", "a sound file (FLAC)", _SOUND),
    (rb"FORM....AIF", "a sound file (AIFF)", _SOUND),
    (rb"....ftyp|\xff[\xf1\xf9]", "a sound or film file (MP4, M4A, AAC)", _SOUND),
    (rb"RIFF....AVI |\x1aE\xdf\xa3", "a film", _EXPORT),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM....\0\0\0\0", "a picture", _EXPORT),
    (rb"FORM....XDIR|FORM....XMID|MUS\x1a|HMI-MIDI|HMIMIDI|MROF", "the music of a game (XMI, MUS, HMI)", _EXPORT),
    (rb"[\x08-\x20]FICHIER GUITAR PRO|BCFZ|BCFS", "a Guitar Pro file", _EXPORT),
    (rb"\x0fSIBELIUS", "a Sibelius file", _EXPORT),
    (rb"ENIGMA BINARY FILE", "a Finale file", _EXPORT),
    (rb"SQLite format 3\0", "an SQLite database", _NOTATION),
    (rb"\xd0\xcf\x11\xe0", "an old Office document", _EXPORT),
    (rb"\{\\rtf", "a text document (RTF)", _EXPORT),
    (rb"version https://git-lfs", "a pointer of Git LFS, not the file", "run git lfs pull"),
    (rb"TVRoZA", "a MIDI file in base64", "decode it (base64 -d)"),
    (rb"begin [0-7]{3} ", "a uuencoded file", "decode it (uudecode)"),
    (rb"\s*<(!doctype html|html|head|body|script)", "an HTML page", _DOWNLOAD),
    (rb"\s*<\?xml.{0,2000}?<(score-partwise|score-timewise|!DOCTYPE score)", "a MusicXML score", _NOTATION),
    (rb"\s*<\?xml.{0,2000}?<html", "an HTML page", _DOWNLOAD),
    (rb"\s*<(\?xml|!doctype|svg)", "an XML file", _EXPORT),
    (rb"(%[^\n]*\n|\s)*X: *\d+\s", "a tune in ABC notation", _NOTATION),
    (rb"(!!![^\n]*\n)*\*\*(kern|mens|harm|text)", "a Humdrum file (kern)", _NOTATION),
    (rb"\s*[\[{]\s*[\"\[{]", "a JSON file", _EXPORT),
    (rb"\xff\xfe|\xfe\xff", "a text in UTF-16", _EXPORT),
)  # fmt: skip


def name_kind(content: bytes) -> tuple[str, str]:
    """The kind of a file, e.g. `"a gzip archive"`, and the remedy; `NO_MIDI` if it is unknown.

    >>> name_kind(b"<!DOCTYPE html><title>404</title>")
    ('an HTML page', 'download the file itself')
    """
    if not any(content):
        return "a file of zeros only", _DOWNLOAD
    head = content[:4096].removeprefix(b"\xef\xbb\xbf")
    for pattern, kind, remedy in _KINDS:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            return kind, remedy
    if head.isascii() and all(byte >= 32 or byte in b"\t\n\r\f" for byte in head):
        return "a text that does not start with MThd", _EXPORT
    return NO_MIDI
