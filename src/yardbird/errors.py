"""What can go wrong with what a user gives us.

    YardbirdError            anything a user can mend; the command line prints it as one line and exits with 1
    ├── InputError           a file or folder is not what was expected
    └── ConfigError          params.yaml, a preset or a command-line value is not what was expected

Broken invariants of our own are `assert`ed and never wrapped in these.
"""

import functools
import sys
from collections.abc import Callable, Collection
from pathlib import Path


class YardbirdError(Exception):
    """Base of every error a user can mend."""


class InputError(YardbirdError):
    """A file or folder is unusable.

    The text is one line: what, what was expected, what was found, what to do.

    >>> str(InputError("solo.mid", expected="a MIDI file", found="an empty file", remedy="export it again"))
    'solo.mid: expected a MIDI file, found an empty file; export it again'
    """

    def __init__(self, what: str | Path, *, expected: str, found: str, remedy: str) -> None:
        self.what, self.expected, self.found, self.remedy = str(what), expected, found, remedy
        super().__init__(f"{what}: expected {expected}, found {found}; {remedy}")


class ConfigError(YardbirdError):
    """A parameter is missing, unknown or of the wrong kind.

    >>> str(ConfigError("params.yaml", "encode.events.steps_per_beat", expected="an integer", found="'twelve'"))
    "params.yaml: encode.events.steps_per_beat: expected an integer, found 'twelve'"
    """

    def __init__(self, file: str | Path, key: str, *, expected: str, found: str) -> None:
        self.key, self.expected, self.found = key, expected, found
        super().__init__(f"{file}: {key}: expected {expected}, found {found}")


def stage_arguments(*names: str, known: Collection[str] = ()) -> list[str]:
    """What a stage was called with, one argument a name.

    Raises:
        InputError: there are more or fewer, or the first is none of the `known`, where these are given.
    """
    given = sys.argv[1:]
    if len(given) != len(names) or (known and given[0] not in known):
        expected = " and ".join(names) + (f" ({', '.join(known)})" if known else "")
        raise InputError(sys.argv[0], expected=expected, found=" ".join(given) or "nothing", remedy="run dvc repro")
    return given


def exit_on_error(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate a stage's `main`: what a user can mend is one line on stderr and exit status 1, without a traceback.

    That includes a file that is not there: stages read what other stages write, and may be run by hand before them.
    """

    @functools.wraps(main)
    def guarded() -> None:
        try:
            main()
        except YardbirdError as error:
            sys.exit(f"error: {error}")
        except FileNotFoundError as error:
            what = error.filename or error
            sys.exit(f"error: {what}: expected what an earlier stage writes, found no such file; run dvc repro")

    return guarded
