"""Fuzzing with mutated MIDI files: each must be read, or refused in one line, within 10 seconds and 1 GiB.

The files are mutated etudes: bits are flipped, spans are cut, repeated, swapped or taken from another file, lengths are
overwritten, and ends are cut off. A file that is read must also be written and read back, as in the pipeline.
"""

import argparse
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import PARAMS, read_section
from yardbird.data.etudes.compose import etudes
from yardbird.data.reading import IngestConfig, read_solo
from yardbird.errors import InputError
from yardbird.music.midi import read_raw, read_score, write_score

SECONDS, MEBIBYTES = 10, 1024


def seed_files(folder: Path, count: int) -> list[bytes]:
    """The bytes of `count` etudes, of a file with running status, sysex and lyrics, and of that file in RIFF."""
    contents = []
    for etude in etudes(0, count):
        write_score(etude.score, folder / "seed.mid")
        contents.append((folder / "seed.mid").read_bytes())
    body = bytes.fromhex("00 90 3c 5a 81 70 3c 00 00 3e 5a 81 70 3e 00")  # notes in running status
    body += bytes.fromhex("00 f0 05 7e 7f 09 01 f7 00 ff 05 03 43 6d 37 00 91 45 60 83 60 45 00")
    events = bytes.fromhex("00 ff 51 03 06 1a 80 00 ff 58 04 04 02 18 08 00 ff 59 02 fd 00 00 c0 41")
    events += body * 20 + bytes.fromhex("00 ff 2f 00")
    plain = (
        b"MThd" + bytes.fromhex("00 00 00 06 00 00 00 01 01 e0 4d 54 72 6b") + len(events).to_bytes(4, "big") + events
    )
    riff = b"RMIDdata" + len(plain).to_bytes(4, "little") + plain
    return [*contents, plain, b"RIFF" + len(riff).to_bytes(4, "little") + riff]


def mutate(contents: Sequence[bytes], choose: random.Random) -> bytes:
    """One of the files with one to eight faults."""
    content = bytearray(choose.choice(contents))
    for _ in range(choose.randint(1, 8)):
        if not content:
            break
        if choose.randrange(len(_MUTATIONS)):
            choose.choice(_MUTATIONS)(content, choose)
        else:
            other = choose.choice(contents)
            content[choose.randrange(len(content)) :] = other[choose.randrange(len(other)) :]
    return bytes(content)


def _span(size: int, choose: random.Random) -> slice:
    start = choose.randrange(size)
    return slice(start, start + choose.choice((1, 2, 4, 16, 256)))


def _flip(content: bytearray, choose: random.Random) -> None:
    content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)


def _set(content: bytearray, choose: random.Random) -> None:
    content[choose.randrange(len(content))] = choose.choice((0, 1, 0x7F, 0x80, 0xF0, 0xF7, 0xFF, choose.randrange(256)))


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


def _overwrite_length(content: bytearray, choose: random.Random) -> None:
    chunks = [
        place for place in range(len(content)) if bytes(content[place : place + 4]) in (b"MThd", b"MTrk", b"data")
    ]
    place = choose.choice(chunks) + 4 if chunks else 0
    length = choose.choice((0, 1, 5, 0x7FFFFFFF, 0xFFFFFFFF, len(content), choose.randrange(len(content))))
    content[place : place + 4] = length.to_bytes(4, "big")


def _lengthen_delta(content: bytearray, choose: random.Random) -> None:
    place = choose.randrange(len(content))
    content[place : place + 1] = b"\xff\xff\xff\x7f"


def _widen_header(content: bytearray, choose: random.Random) -> None:
    content[8:14] = bytes(choose.choice((0, 1, 2, 0x7F, 0xFF)) for _ in range(6))


_MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _set, _set, _cut, _truncate, _repeat, _swap, _overwrite_length, _lengthen_delta, _widen_header
)  # fmt: skip


def read_all(content: bytes, folder: Path, config: IngestConfig) -> str:
    """The outcome of ingesting a file: `used` or `refused`."""
    path = folder / "mutated.mid"
    path.write_bytes(content)
    try:
        score = read_solo(read_raw(path), path, None, config).score
    except InputError as error:
        if "\n" in str(error):
            raise ValueError("an error of several lines") from None
        return "refused"
    write_score(score, folder / "score.mid")
    back = read_score(folder / "score.mid")
    assert (back.notes == score.notes).all(), "the notes differ after reading them back"
    assert (back.meters, back.chords, back.end_tick) == (score.meters, score.chords, score.end_tick)
    return "used"


@dataclass
class Tally:
    """The number of files by outcome, the slowest time, and the files that broke a rule."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


def fuzz(count: int, seed: int, config: IngestConfig, keep: Path | None = None) -> Tally:
    """Read `count` mutated files; file N of a seed is always the same. Files that break a rule are saved in `keep`."""
    tally = Tally()
    with TemporaryDirectory() as name:
        folder = Path(name)
        contents = seed_files(folder, 6)
        for number in range(count):
            content = mutate(contents, random.Random(f"{seed}/{number}"))
            start = time.perf_counter()
            try:
                with _limit(SECONDS):
                    outcome = read_all(content, folder, config)
            except Exception as error:
                outcome = "broken"
                tally.broken.append(f"{number}: {type(error).__name__}: {error}")
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{seed}_{number}.mid").write_bytes(content)
            tally.outcomes[outcome] += 1
            tally.slowest_seconds = max(tally.slowest_seconds, time.perf_counter() - start)
    return tally


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def peak_mebibytes() -> float:
    """The peak memory of this process."""
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files that break a rule")
    options = parser.parse_args()
    os.chdir(Path(__file__).resolve().parents[1])
    tally = fuzz(options.count, options.seed, read_section("ingest", IngestConfig, PARAMS), options.keep)
    print(*tally.broken, sep="\n")
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.outcomes.items()))
    print(f"{options.count} files: {outcomes}; slowest {tally.slowest_seconds:.2f} s, peak {peak_mebibytes():.0f} MiB")
    if tally.broken or peak_mebibytes() > MEBIBYTES:
        sys.exit(1)


if __name__ == "__main__":
    main()
