"""Fuzzing of every reader of files that users give: a mutated file is read, or refused in one line that names it.

Each file may take some seconds of one processor and 2 GiB, and nothing may be written outside its folder. The files are
whole ones with seeded faults (`mutations.py`), or what atheris finds by the branches that a file takes (`--atheris`,
after `pip install atheris`).
"""

import argparse
import gc
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, FunctionType

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from fuzzed_readers import READERS, ROOT, Reader
from mutations import mutated

from yardbird.data.manifest import MANIFEST
from yardbird.errors import YardbirdError

_GIBIBYTES = 2  # that a process may use beyond what it uses before the first file


class _TooLongError(BaseException):
    """Readers do not catch it."""


@dataclass
class Tally:
    """The number of files by outcome, the slowest time, and the files that broke a rule."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return f"{self.outcomes.total()} files: {outcomes}; slowest {self.slowest_seconds:.2f} s"


def fuzz(name: str, count: int, seed: int = 0, keep: Path | None = None) -> Tally:
    """Read `count` mutated files; those that break a rule are saved in `keep`.

    File N of a seed is always the same, except for ogg, whose streams contain a random number.
    """
    tally, reader = Tally(), READERS[name]
    warm_up(reader)
    contents = reader.contents()
    for number in range(count):
        content = mutated(contents, random.Random(f"{seed}/{number}"), reader.tokens)
        _try(reader, content, tally, f"{name}_{seed}_{number}", keep)
    return tally


def warm_up(reader: Reader) -> None:
    """Read a whole file without limits: this imports libraries."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / reader.file
        path.write_bytes(reader.seeds()[0])
        reader.read(path)


def _named_instead(reader: Reader, folder: Path) -> tuple[str, ...]:
    """If a manifest makes all files unusable, the error names their folder, and the first reason."""
    return (f"{folder}: expected at least one usable file",) if reader.file == MANIFEST else ()


def _try(reader: Reader, content: bytes, tally: Tally, label: str, keep: Path | None) -> None:
    start, faults = time.process_time(), ""
    with TemporaryDirectory() as outer:
        folder = Path(outer) / "folder"
        folder.mkdir()
        path = folder / reader.file
        path.write_bytes(content)
        try:
            with _limit(reader.seconds):
                reader.read(path)
            outcome = "used"
        except YardbirdError as error:
            outcome = "refused"
            if "\n" in str(error) or "\r" in str(error):
                faults = f"an error of several lines: {str(error)!r}"
            elif not any(name in str(error) for name in (path.name, "-S", *_named_instead(reader, folder))):
                faults = f"an error that does not name the file: {error}"
        except (Exception, _TooLongError) as error:
            faults = f"{type(error).__name__}: {error}"
        if len(list(Path(outer).iterdir())) > 1:
            faults = "a file was written outside the folder"
    seconds = time.process_time() - start
    tally.slowest_seconds = max(tally.slowest_seconds, seconds)
    if seconds > reader.seconds:
        faults = faults or f"{seconds:.0f} seconds"
    if faults:
        outcome = "broken"
        tally.broken.append(f"{label}: {faults}")
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{label}{path.suffix}").write_bytes(content)
    tally.outcomes[outcome] += 1


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLongError(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def limit_memory() -> None:
    """Let allocations fail beyond what this process uses now and `_GIBIBYTES` more."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (_GIBIBYTES << 30), resource.RLIM_INFINITY))


def _with_atheris(name: str, seconds: int, seed: int, keep: Path | None) -> None:
    """Mutate by coverage until the time is over. libFuzzer ends the process; its status is 77 if a rule was broken."""
    try:
        import atheris  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        sys.exit("error: atheris: expected the package, found none; pip install atheris")
    reader = READERS[name]
    warm_up(reader)  # imports what it reads with
    for each in gc.get_objects():  # only ours: to instrument all functions of all libraries takes many minutes
        if isinstance(each, FunctionType) and (each.__module__ or "").startswith("yardbird."):
            atheris.instrument_func(each)

    def one(content: bytes) -> None:
        tally = Tally()
        _try(reader, content, tally, f"{name}_atheris", keep)
        if tally.broken:
            raise AssertionError(tally.broken[0])

    with TemporaryDirectory() as corpus:
        for number, content in enumerate(reader.seeds()):  # hundreds of real files would take all the time
            (Path(corpus) / f"{number}").write_bytes(content)
        dictionary = Path(corpus).with_suffix(".words")
        lines = ["".join(f"\\x{byte:02x}" for byte in token) for token in reader.tokens]
        dictionary.write_text("".join(f'"{line}"\n' for line in lines))
        options = [f"-max_total_time={seconds}", f"-seed={seed + 1}", "-rss_limit_mb=4096", f"-dict={dictionary}"]
        atheris.Setup([sys.argv[0], *options, "-artifact_prefix=/dev/null", corpus], one)
        atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="reader", help=f"all, or some of {', '.join(READERS)}")
    parser.add_argument("--count", type=int, default=1000, help="files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files that break a rule")
    parser.add_argument("--atheris", type=int, metavar="SECONDS", help="fuzz one reader by coverage")
    options = parser.parse_args()
    if unknown := set(options.readers) - set(READERS):
        parser.error(f"expected readers among {', '.join(READERS)}, found {', '.join(sorted(unknown))}")
    if options.atheris and len(options.readers) != 1:
        parser.error("expected one reader with --atheris")
    keep = options.keep and options.keep.absolute()
    os.chdir(ROOT)
    if options.atheris:
        _with_atheris(options.readers[0], options.atheris, options.seed, keep)
    names, broken = options.readers or list(READERS), False
    for name in names:
        warm_up(READERS[name])
    limit_memory()
    for name in names:
        tally = fuzz(name, options.count, options.seed, keep)
        print(*tally.broken, f"{name}: {tally}", sep="\n", flush=True)
        broken = broken or bool(tally.broken)
    sys.exit(broken)


if __name__ == "__main__":
    main()
