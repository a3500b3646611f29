"""Seeded faults in the bytes of a file: what disks, cables, editors and hostile hands do to it."""

import random
import re
from collections.abc import Callable, Sequence

#: Values at the bounds of integers, as bytes.
_BYTES = (0, 1, 0x7F, 0x80, 0xF0, 0xF7, 0xFF)
#: What a reader of numbers may not expect: signs, other digits, overflow, thousands of digits.
_NUMBERS = (
    b"0", b"-1", b"00", b"1e309", b"-1e-400", b"nan", b"inf", b"99999999999", b"0.0000001", b"9" * 5000, "²".encode(),
    "٣".encode(), "½".encode(), b"0x10", b"1_0", b"+1", b"",
)  # fmt: skip
#: What a reader of text may not expect.
_TEXTS = (
    b"\0", b"\r", b"\n\n", b"\t", b'"', b"'", b"\\", b"\xff", b"\xed\xa0\x80", "\u202e".encode(), "\U0001f3b7".encode(),
    "e\u0301".encode(), "\ufeff".encode(), b"%s%n", b"../../../x", b"/dev/zero", b"${oc.env:HOME}", b"{{7*7}}",
    b"<script>", b"$(id)", b"[" * 300, b"(" * 300, b"A" * 3000,
)  # fmt: skip


def mutated(contents: Sequence[bytes], choose: random.Random, tokens: Sequence[bytes] = ()) -> bytes:
    """One of the files with one to eight faults.

    Args:
        contents: files of one format. A fault may put the end of one after the beginning of another.
        tokens: words of the format. They are inserted, and lengths are overwritten after those of four letters.
    """
    content = bytearray(choose.choice(contents))
    for _ in range(choose.choice((1, 1, 1, 2, 3, 8))):  # with several faults, most texts are refused at the first
        if not content:
            break
        fault = choose.randrange(len(_FAULTS) + 3)
        if fault < len(_FAULTS):
            _FAULTS[fault](content, choose)
        elif fault == len(_FAULTS):
            other = choose.choice(contents)
            content[choose.randrange(len(content)) :] = other[choose.randrange(len(other) or 1) :]
        elif fault == len(_FAULTS) + 1:
            _overwrite_length(content, choose, [token for token in tokens if len(token) == 4])
        else:
            content[_span(len(content), choose)] = choose.choice((*tokens, *_TEXTS))
    return bytes(content)


def damaged(content: bytes, seed: int) -> bytes:
    """Other bytes than `content`: the faults depend on the seed."""
    choose = random.Random(seed)
    while (changed := mutated([content], choose)) == content:
        pass
    return changed


def _span(size: int, choose: random.Random) -> slice:
    start = choose.randrange(size)
    return slice(start, start + choose.choice((0, 1, 2, 4, 16, 256, 4096)))


def _flip(content: bytearray, choose: random.Random) -> None:
    content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)


def _set(content: bytearray, choose: random.Random) -> None:
    content[choose.randrange(len(content))] = choose.choice((*_BYTES, choose.randrange(256)))


def _cut(content: bytearray, choose: random.Random) -> None:
    del content[_span(len(content), choose)]


def _truncate(content: bytearray, choose: random.Random) -> None:
    del content[choose.randrange(len(content)) :]


def _repeat(content: bytearray, choose: random.Random) -> None:
    span = _span(len(content), choose)
    content[span.start : span.start] = content[span] * choose.choice((1, 2, 50))


def _swap(content: bytearray, choose: random.Random) -> None:
    first, second = _span(len(content), choose), _span(len(content), choose)
    content[first], content[second] = content[second], content[first]


def _erase(content: bytearray, choose: random.Random) -> None:
    span = _span(len(content), choose)
    content[span] = choose.choice((bytes, choose.randbytes))(len(content[span]))


def _lengthen_delta(content: bytearray, choose: random.Random) -> None:
    place = choose.randrange(len(content))
    content[place : place + 1] = b"\xff\xff\xff\x7f"  # the longest length of variable size


def _change_number(content: bytearray, choose: random.Random) -> None:
    if numbers := list(re.finditer(rb"\d+", content)):
        found = choose.choice(numbers)
        content[found.start() : found.end()] = choose.choice(_NUMBERS)


def _change_line(content: bytearray, choose: random.Random) -> None:
    """Delete, repeat or move a line."""
    lines = content.splitlines(keepends=True)
    line = lines.pop(choose.randrange(len(lines)))
    for _ in range(choose.choice((0, 1, 2, 20))):
        lines.insert(choose.randint(0, len(lines)), line)
    content[:] = b"".join(lines)


_FAULTS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _set, _set, _cut, _truncate, _repeat, _swap, _erase, _lengthen_delta, _change_number, _change_number,
    _change_line,
)  # fmt: skip


def _overwrite_length(content: bytearray, choose: random.Random, names: Sequence[bytes]) -> None:
    """Overwrite the length after the name of a chunk, or four bytes anywhere."""
    places = [found.end() for name in names for found in re.finditer(re.escape(name), content)]
    place = choose.choice(places or [choose.randrange(len(content))])
    length = choose.choice((0, 1, 5, 0x7FFFFFFF, 0xFFFFFFFF, len(content), choose.randrange(len(content))))
    content[place : place + 4] = length.to_bytes(4, choose.choice(("big", "little")))
