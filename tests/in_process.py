"""The program on its command line, in this process, since importing its libraries takes seconds."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

from yardbird.cli import app


def yardbird(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the program prints in a folder, and its exit status."""
    code: object = 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()) as stdout,
        contextlib.redirect_stderr(io.StringIO()) as stderr,
    ):
        try:
            app(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        if isinstance(code, str):  # as Python does at the end of a process
            print(code, file=sys.stderr)
            code = 1
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())
