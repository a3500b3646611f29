"""Errors that the input of a user can cause.

    YardbirdError            an error that a user can fix; the command line prints it as one line and exits with 1
    ├── InputError           a file or folder is not what was expected
    └── ConfigError          params.yaml, a preset or a command-line value is not what was expected

Internal invariants are checked by `assert` and never raise these errors.
"""

import functools
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

_INTERRUPTED = 130  # exit status


class YardbirdError(Exception):
    """Base class of every error that a user can fix."""


class InputError(YardbirdError):
    """A file or folder is unusable.

    The message is one line: the file, what was expected, what was found, and how to fix it.

    >>> str(InputError("solo.mid", expected="a MIDI file", found="an empty file", remedy="export it again"))
    'solo.mid: expected a MIDI file, found an empty file; export it again'
    """

    def __init__(self, what: str | Path, *, expected: str, found: str, remedy: str) -> None:
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
        self.file, self.key, self.expected, self.found = str(file), key, expected, found
        super().__init__(f"{file}: {key}: expected {expected}, found {found}")

    def __reduce__(self) -> Any:
        return functools.partial(ConfigError, self.file, self.key, expected=self.expected, found=self.found), ()


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

    A missing file is such an error: a user may run a stage by hand before the stages that write its input. Ctrl-C ends
    the stage without a message, with status 130 as in a shell.
    """

    @functools.wraps(main)
    def guarded() -> None:
        try:
            main()
        except YardbirdError as error:
            sys.exit(f"error: {error}")
        except FileNotFoundError as error:
            what = error.filename or error
            sys.exit(f"error: {what}: expected a file that an earlier stage writes, found no such file; run dvc repro")
        except KeyboardInterrupt:  # no traceback
            sys.exit(_INTERRUPTED)

    return guarded
