"""Where commands write: in `out/<command>`, and never over an earlier result, except with `--force`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from yardbird.errors import InputError

#: Git ignores it.
OUT = Path("out")

Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result of the same name.")]


def check_out(out: Path) -> None:
    """Reject a path that is a file or is below one."""
    for path in (out, *out.parents):
        if path.exists() and not path.is_dir():
            raise InputError(path, expected="a folder to write to", found="a file", remedy="use another --out")


def free_take(files: Callable[[str], Iterable[Path]], *, chosen: bool, force: bool) -> str:
    """The ending of the names of a result: empty, or `_take2`, `_take3`, … if there is an earlier result.

    Args:
        files: the files to write, for an ending of their names.
        chosen: the user has chosen the folder. Its names get no number; an earlier result is an error instead.
        force: earlier results are replaced.

    Raises:
        InputError: there is an earlier result in a folder that the user has chosen.
    """
    end, take = "", 1
    while earlier := None if force else next((path for path in files(end) if path.exists()), None):
        if chosen:
            remedy = "add --force to replace it, or use another --out"
            raise InputError(earlier, expected="no earlier result", found="one", remedy=remedy)
        take += 1
        end = f"_take{take}"
    return end
