"""Decoding of the texts of a MIDI file, which does not state their encoding: one guess over all of its texts."""

from collections.abc import Sequence

#: The candidates if the texts are not ASCII, Unicode or clearly Latin: Shift-JIS, EUC-JP, Chinese, Cyrillic, Latin.
_GUESSED = ["cp932", "euc_jp", "gb18030", "cp1251", "cp1252"]
#: The bytes of 80 … 9F that Latin texts of Windows use: € … Š Œ Ž ‘ ’ “ ” • – — ™ š œ ž Ÿ
_LATIN_OF_WINDOWS = frozenset(b"\x80\x85\x8a\x8c\x8e\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9c\x9e\x9f")


def decode_texts(texts: Sequence[bytes]) -> list[str]:
    """Decode every text, without byte order marks and without what follows a NUL.

    UTF-16 is detected by its mark, or by a NUL in every other byte; UTF-8 by its validity. The other texts of the file
    share one encoding. It is Latin (Windows-1252) if most letters beyond ASCII are isolated, as in `Dø7` or `für`.
    Otherwise charset-normalizer guesses it, which needs more than a few letters.
    """
    wide = next((found for text in texts if (found := _wide(text))), "")  # decides for short ones, such as `E♭`
    decoded = [_unicode(text, wide) for text in texts]
    others = [text for text, found in zip(texts, decoded, strict=True) if found is None]
    encoding = _guess(others) if others else "ascii"
    return [
        _decode(text.partition(b"\0")[0], encoding) if found is None else found
        for text, found in zip(texts, decoded, strict=True)
    ]


def _unicode(text: bytes, wide: str) -> str | None:
    """The text if it is ASCII, UTF-8 or UTF-16; otherwise None. `wide` is the UTF-16 of other texts of the file."""
    body = text.rstrip(b"\0")  # the end of a C string, or the upper half of the last letter in UTF-16
    encoding = "utf-8-sig"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in body:
        encoding = _wide(text) or wide or encoding
    try:
        if encoding == "utf-8-sig":
            return body.partition(b"\0")[0].decode(encoding)
        return (body + b"\0" * (len(body) % 2)).decode(encoding).partition("\0")[0]
    except UnicodeDecodeError:
        return None


def _wide(text: bytes) -> str:
    """The byte order of a text in UTF-16 without a mark, most of whose letters are ASCII or Latin; "" for others."""
    body = text.rstrip(b"\0")
    if b"\0" not in body:
        return ""
    body += b"\0" * (len(body) % 2)
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        upper = body[start::2]
        if 2 * upper.count(0) > len(upper) and 0 not in body[1 - start :: 2]:
            return encoding
    return ""


def _guess(texts: Sequence[bytes]) -> str:
    joined = b"\n".join(dict.fromkeys(text.partition(b"\0")[0] for text in texts))
    beyond = [place for place, byte in enumerate(joined) if byte >= 0x80]
    in_pairs = sum(joined[place - 1] >= 0x80 or joined[place + 1 : place + 2] >= b"\x80" for place in beyond)
    is_latin = all(joined[place] >= 0xA0 or joined[place] in _LATIN_OF_WINDOWS for place in beyond)
    if is_latin and 2 * in_pairs <= len(beyond):
        return "cp1252"
    from charset_normalizer import from_bytes  # imported here because few files need it

    best = from_bytes(joined, cp_isolation=_GUESSED).best()
    return best.encoding if best else "cp1252"


def _decode(text: bytes, encoding: str) -> str:
    """Decode; fall back to Latin-1, which has a character for every byte."""
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        return text.decode("latin-1")
