"""A folder in which an experiment runs: a clone with the present state of the workspace, which shares DVC's cache."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from yardbird.config import PARAMS, read_params
from yardbird.errors import InputError
from yardbird.runs.git_commands import git, paths
from yardbird.runs.stage_runner import open_repo

EXPERIMENTS = Path("out/experiments")


@contextmanager
def experiment_folder(root: Path, name: str) -> Iterator[Path]:
    """Yield `out/experiments/<name>`, with the commit, the uncommitted changes and the cache of the workspace.

    A folder of an earlier run is brought to the state of the workspace; its outputs and checkpoints stay, so that an
    interrupted experiment continues. While the block runs, the folder is locked.

    Raises:
        InputError: the experiment is running, or a source is outside the repository.
        GitError: Git is not installed, this is not a repository, or it has no commit.
    """
    folder = root / EXPERIMENTS / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{name}.lock"))
    try:
        with lock.acquire(timeout=0):
            _bring_code(root, folder)
            _share_cache(root, folder)
            yield folder
    except Timeout:
        found, remedy = "one that is running", "wait for it, or choose another --name"
        raise InputError(folder, expected="an experiment that is not running", found=found, remedy=remedy) from None


def bring_data(root: Path, folder: Path) -> None:
    """Link or copy the data that the stages read and Git ignores: own solos and recordings.

    Raises:
        InputError: a source is a relative path outside the repository.
    """
    for path in own_data(root, folder):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(root / path, target)
        except OSError:  # another file system
            shutil.copy2(root / path, target)


def own_data(root: Path, folder: Path) -> list[str]:
    """The files in the sources of the params.yaml of `folder` that are in the workspace, but not in Git.

    Raises:
        InputError: a source is a relative path outside the repository.
    """
    inputs = _sources(root, read_params(folder / PARAMS))
    return paths(git(root, "ls-files", "-z", "--others", "--", *inputs)) if inputs else []


def data_outside_git(root: Path) -> list[str]:
    """The sources in params.yaml with files that neither Git nor DVC tracks.

    Raises:
        InputError: a source is a relative path outside the repository.
    """
    with open_repo(root) as repo:
        added = [Path(out.fs_path) for stage in repo.index.stages if not stage.cmd for out in stage.outs]
    found = []
    for source in _sources(root, read_params(root / PARAMS)):
        others = paths(git(root, "ls-files", "-z", "--others", "--", source))
        if any(not any((root / path).resolve().is_relative_to(out) for out in added) for path in others):
            found.append(source)
    return found


def _sources(root: Path, params: Mapping[str, Any]) -> list[str]:
    """The folders inside the repository that params.yaml names and that no stage writes."""
    named = {f"sources.{name}": str(path) for name, path in params["sources"].items()}
    named["audio.source"] = str(params["audio"]["source"])
    with open_repo(root) as repo:
        written = {Path(out.fs_path) for stage in repo.index.stages if stage.cmd for out in stage.outs}
    inside = []
    for key, path in named.items():
        place = (root / path).resolve()
        if not Path(path).is_absolute() and not place.is_relative_to(root.resolve()):
            remedy = "write an absolute path, or use --here"
            raise InputError(key, expected="a folder inside the repository", found=path, remedy=remedy)
        if place.is_relative_to(root.resolve()) and place.exists() and place not in written:
            inside.append(path)
    return inside


def fetch_experiment(root: Path, folder: Path, name: str) -> None:
    """Copy the record of an experiment from its folder to the repository, where `dvc exp show` finds it.

    Raises:
        GitError: the folder has no such experiment.
    """
    found = git(folder, "for-each-ref", "--format=%(refname)", "refs/exps").split()
    refs = [ref for ref in found if ref.rpartition("/")[2] == name]
    git(root, "fetch", "--quiet", str(folder), *(f"+{ref}:{ref}" for ref in refs))


def finished_experiments(root: Path) -> set[str]:
    """The names of the recorded experiments of the repository."""
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/exps").split()
    return {ref.rpartition("/")[2] for ref in refs if not ref.startswith(("refs/exps/exec", "refs/exps/celery"))}


def _bring_code(root: Path, folder: Path) -> None:
    """Give the folder the commit of the workspace and its uncommitted changes of all files that Git does not ignore."""
    head = git(root, "rev-parse", "--verify", "HEAD").strip()
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": f"{scratch}/index"}
        git(root, "read-tree", head, env=index)
        git(root, "add", "--all", env=index)
        tree = git(root, "write-tree", env=index).strip()
    if not (folder / ".git").exists():
        shutil.rmtree(folder, ignore_errors=True)  # the rest of a clone that was interrupted
        git(root, "clone", "--quiet", "--shared", "--no-checkout", str(root), str(folder))
    git(folder, "update-ref", "--no-deref", "HEAD", head)
    git(folder, "read-tree", "--reset", "-u", tree)
    git(folder, "read-tree", head)


def _share_cache(root: Path, folder: Path) -> None:
    local = Path(".dvc/config.local")
    if (root / local).exists():
        shutil.copy2(root / local, folder / local)
    with open_repo(root) as repo:
        cache = repo.cache.legacy.path
    with open_repo(folder) as repo, repo.config.edit("local") as config:
        config.setdefault("cache", {})["dir"] = cache
