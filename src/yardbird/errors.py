"""Errors that the input of a user can cause.

    YardbirdError            an error that a user can fix; the command line prints it as one line and exits with 1
    ├── InputError           a file or folder is not what was expected
    ├── ConfigError          params.yaml, a preset or a command-line value is not what was expected
    └── WriteError           a file cannot be written; also an OSError

Internal invariants are checked by `assert` and never raise these errors.
"""

import atexit
import errno
import functools
import gc
import re
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

_INTERRUPTED = 130  # exit status
_LONGEST = 1000  # characters of what was found, in a message
_FREE_SPACE = "free space on the disk, and run the same command again"
#: Errors of the operating system, and what a user can do about them.
_REMEDIES: Mapping[int | None, str] = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: "free space in your quota, and run the same command again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or use another disk",
    errno.EROFS: "choose a writable folder",
    errno.EACCES: "fix the permissions, or choose another folder",
    errno.EPERM: "fix the permissions, or choose another folder",
    errno.EIO: "check the disk",
}
#: How libraries that raise other errors report a full disk: NumPy, safetensors, PyTorch, SQLite.
_FULL = re.compile(r"\d+ requested and \d+ written|No space left on device|file write failed|disk is full")


class YardbirdError(Exception):
    """Base class of every error that a user can fix.

    Line breaks and other control characters of files are shown as escapes, so that the message is one line.

    >>> str(YardbirdError("a\\nb.mid: expected a solo"))
    'a\\\\nb.mid: expected a solo'
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(char if char.isprintable() else repr(char)[1:-1] for char in message))


class InputError(YardbirdError):
    """A file or folder is unusable.

    The message is one line: the file, what was expected, what was found, and how to fix it.

    >>> str(InputError("solo.mid", expected="a MIDI file", found="an empty file", remedy="export it again"))
    'solo.mid: expected a MIDI file, found an empty file; export it again'
    """

    def __init__(self, what: str | Path, *, expected: str, found: str, remedy: str) -> None:
        found = _short(found)
        self.what, self.expected, self.found, self.remedy = str(what), expected, found, remedy
        super().__init__(f"{what}: expected {expected}, found {found}; {remedy}")

    def __reduce__(self) -> Any:
        named = {"expected": self.expected, "found": self.found, "remedy": self.remedy}
        return functools.partial(InputError, self.what, **named), ()  # so that a worker can raise it


class ConfigError(YardbirdError):
    """A parameter is missing, unknown or of the wrong kind.

    >>> str(ConfigError("params.yaml", "encode.events.steps_per_beat", expected="an integer", found="'twelve'"))
    "params.yaml: encode.events.steps_per_beat: expected an integer, found 'twelve'"
    """

    def __init__(self, file: str | Path, key: str, *, expected: str, found: str) -> None:
        key, found = _short(key), _short(found)
        self.file, self.key, self.expected, self.found = str(file), key, expected, found
        super().__init__(f"{file}: {key}: expected {expected}, found {found}")

    def __reduce__(self) -> Any:
        return functools.partial(ConfigError, self.file, self.key, expected=self.expected, found=self.found), ()


class WriteError(YardbirdError, OSError):
    """A file cannot be written.

    The message is one line: the file, its size, the reason, the free space of its disk, and how to fix it.
    """

    def __init__(self, path: Path, size: int, cause: OSError) -> None:
        folder = next(folder for folder in path.absolute().parents if folder.is_dir())
        free = shutil.disk_usage(folder).free
        self.path, self.size, self.cause = path, size, cause
        reason = f"{cause.strerror or cause}; {_kilobytes(free)} are free in {folder}"
        remedy = _REMEDIES.get(cause.errno, "check the disk")
        super().__init__(f"{path}: cannot write {_kilobytes(size)} ({reason}); {remedy}")
        self.errno, self.strerror = cause.errno, cause.strerror

    def __reduce__(self) -> Any:
        return WriteError, (self.path, self.size, self.cause)

    def __str__(self) -> str:
        return str(self.args[0])  # OSError would show its number and text instead


def counted(number: int, noun: str) -> str:
    """A number and what it counts.

    >>> counted(1, "solo"), counted(2, "solo")
    ('1 solo', '2 solos')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _short(text: str) -> str:
    """A hostile file may contain a word of megabytes."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _kilobytes(size: int) -> str:
    return f"{-(-size // 1000):,} kB"


def disk_fault(error: Exception) -> str:
    """A line about an error that a full or read-only disk, or missing permissions, cause; empty for other errors."""
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        what = f"{error.filename}: " if error.filename else ""
        return f"{what}{error.strerror}; {_REMEDIES[error.errno]}"
    text = " ".join(str(error).split())
    return f"{text[:200]}; {_FREE_SPACE}" if _FULL.search(text) else ""


def stage_arguments(*names: str, known: Collection[str] = ()) -> list[str]:
    """Return the command-line arguments of a stage, one for each name.

    Raises:
        InputError: the number of arguments is wrong, or `known` is given and does not contain the first.
    """
    given = sys.argv[1:]
    if len(given) != len(names) or (known and given[0] not in known):
        expected = " and ".join(names) + (f" ({', '.join(known)})" if known else "")
        raise InputError(sys.argv[0], expected=expected, found=" ".join(given) or "nothing", remedy="run dvc repro")
    return given


def exit_on_error(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate the `main` of a stage: print an error that a user can fix as one line on stderr and exit with status 1.

    A missing file is such an error: a user may run a stage by hand before the stages that write its input. So is a full
    or read-only disk. Ctrl-C ends the stage without a message, with status 130 as in a shell. Garbage collection skips
    the objects that exist when the stage starts, and is enabled: scripts with slow imports disable it during these.
    """

    @functools.wraps(main)
    def guarded() -> None:
        gc.freeze()  # collections skip the modules imported so far
        atexit.register(gc.freeze)  # that at exit skips all objects, which takes tenths of a second with torch
        gc.enable()
        try:
            main()
        except YardbirdError as error:
            sys.exit(f"error: {error}")
        except FileNotFoundError as error:
            what = error.filename or error
            sys.exit(f"error: {what}: expected a file that an earlier stage writes, found no such file; run dvc repro")
        except KeyboardInterrupt:  # no traceback
            sys.exit(_INTERRUPTED)
        except Exception as error:
            if not (fault := disk_fault(error)):
                raise
            sys.exit(f"error: {fault}")

    return guarded
