"""The state of a Git repository, read through the command `git`."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def head_commit(root: Path) -> str:
    """The hash of the current commit; empty outside a repository, before its first commit, or without Git."""
    return _git(root, "rev-parse", "HEAD")


def has_changes(root: Path, paths: Sequence[str]) -> bool:
    """Whether files under `paths` differ from the current commit; False without a commit."""
    return bool(head_commit(root) and _git(root, "status", "--porcelain", "--", *paths))


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # Git is not installed
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
