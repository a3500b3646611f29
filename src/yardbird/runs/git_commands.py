"""Git commands whose failure is an error."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from yardbird.errors import YardbirdError


class GitError(YardbirdError):
    """Git is not installed, or a command failed."""


def git(root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """The output of a Git command in a folder.

    Raises:
        GitError: Git is not installed, or the command failed; with its last line.
    """
    command = ["git", *arguments]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
        )
    except FileNotFoundError:
        raise GitError("git: expected the command, found none; install Git") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise GitError(f"git {arguments[0]}: {lines[-1].removeprefix('fatal: ')}")
    return done.stdout


def paths(output: str) -> list[str]:
    """The paths in the output of a Git command with `-z`."""
    return [path for path in output.split("\0") if path]
