"""The last run in Git: committing it on a local branch, and setting aside what was changed since."""

from pathlib import Path

from yardbird.config import PARAMS
from yardbird.dvc_lock import LOCK
from yardbird.runs.git_commands import GitError, git, paths

_MESSAGE = "Record a run of the pipeline"
#: What a run writes and Git tracks.
RESULTS = (LOCK.as_posix(), "reports")
_NOBODY = ("-c", "user.name=yardbird", "-c", "user.email=yardbird@localhost")  # if Git does not know the user


def check_branch(root: Path, branch: str) -> None:
    """Reject a name that Git does not allow for a branch, before a long run.

    Raises:
        GitError: the name is not allowed, or Git is not installed.
    """
    git(root, "check-ref-format", "--branch", branch)


def record(root: Path, branch: str) -> str:
    """Commit the results of a run on a local branch, and return a line about it.

    The branch starts at the current commit, and is checked out. If it is checked out already, the commit is added to
    it. If it exists but is not checked out, the name gets a number. If other files differ from the commit, nothing is
    committed: the results then belong to a change that the user commits.

    Raises:
        GitError: Git is not installed, this is not a repository, or it has no commit.
    """
    changed = paths(git(root, "diff", "--name-only", "-z", "HEAD"))
    others = [path for path in changed if not _is_result(path)]
    if others:
        return f"not committed, because {', '.join(others[:3])} differs from the commit, too: use git commit -a"
    git(root, "add", "--all", "--", *RESULTS)
    if not git(root, "diff", "--cached", "--name-only"):
        return "the results are those of the current commit"
    start = git(root, "branch", "--show-current").strip()
    if not _is_record(start, branch):
        git(root, "switch", "--quiet", "--create", _free_name(root, branch))
    options = ("--quiet", "--no-verify", "--no-gpg-sign", "--message", _MESSAGE)
    git(root, *_identity(root), "commit", *options)
    name = git(root, "branch", "--show-current").strip()
    kept = f"; {start} is unchanged" if start and start != name else ""
    return f"the results are committed on the local branch {name}{kept}"


def set_changes_aside(root: Path) -> list[str]:
    """Put the changes of params.yaml, dvc.lock and the reports into `git stash`; returns the changed files.

    Raises:
        GitError: Git is not installed, or this is not a repository.
    """
    changed = paths(git(root, "diff", "--name-only", "-z", "HEAD", "--", PARAMS.name, *RESULTS))
    if changed:
        git(root, "stash", "push", "--quiet", "--message", "before yardbird restore", "--", *changed)
    return changed


def take_changes_back(root: Path) -> None:
    """Undo `set_changes_aside`."""
    git(root, "stash", "pop", "--quiet")


def other_records(root: Path) -> list[str]:
    """The local branches that end in a recorded run, except the current one."""
    found = git(root, "for-each-ref", "--format=%(HEAD) %(refname:short) %(subject)", "refs/heads").splitlines()
    tips = [line.strip().partition(" ") for line in found if not line.startswith("*")]
    return [name for name, _, subject in tips if subject == _MESSAGE]


def _identity(root: Path) -> tuple[str, ...]:
    try:
        git(root, "var", "GIT_AUTHOR_IDENT")
    except GitError:
        return _NOBODY
    return ()


def _is_result(path: str) -> bool:
    return any(path == result or path.startswith(f"{result}/") for result in RESULTS)


def _is_record(name: str, branch: str) -> bool:
    return name == branch or (name.startswith(f"{branch}-") and name.removeprefix(f"{branch}-").isdigit())


def _free_name(root: Path, branch: str) -> str:
    taken = set(git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads").split())
    return next(name for name in [branch, *(f"{branch}-{count}" for count in range(2, 10_000))] if name not in taken)
