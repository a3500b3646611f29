"""What commands print: results on stdout; notes and progress on stderr. `-q` prints results only, `-v` also logs."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from tqdm import tqdm

from yardbird.progress import progress

#: The option of every command that prints values.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_HIDDEN = "TQDM_DISABLE"
_quiet = False


@contextmanager
def verbosity(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Hide notes and progress if `quiet`; show the warnings and the log of all libraries if `verbose`.

    By default, notes and progress are shown, warnings and log lines of libraries are not. Experiments inherit `quiet`.
    """
    global _quiet
    logger, level, hidden = logging.getLogger(), logging.getLogger().level, os.environ.get(_HIDDEN)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.ERROR)
    with warnings.catch_warnings():
        if not sys.warnoptions:  # python -W and PYTHONWARNINGS take precedence
            warnings.simplefilter("default" if verbose else "ignore")
        _quiet = quiet
        if quiet:
            os.environ[_HIDDEN] = "1"
        try:
            yield
        finally:
            _quiet = False
            logger.removeHandler(handler)
            logger.setLevel(level)
            if quiet and hidden is None:
                del os.environ[_HIDDEN]


def note(text: str) -> None:
    """Print a line about the result on stderr, unless `-q` is given."""
    if not _quiet:
        typer.echo(f"note: {text}", err=True)


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Show on a terminal what the command does, until it is done: a step that cannot be counted."""
    with progress(doing=f"{doing} …", bar_format="{desc}"):
        yield


def result(text: str) -> None:
    """Print a line of the result on stdout, above a bar that is shown."""
    tqdm.write(text)


def print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
