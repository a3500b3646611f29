"""A folder in which an experiment runs: a clone with the present state of the workspace, which shares DVC's cache."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from yardbird.config import PARAMS, read_section
from yardbird.errors import InputError
from yardbird.runs.dvc_stage import open_repo
from yardbird.runs.git_commands import git, paths

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

    Data of an earlier run that the workspace no longer has is removed.

    Raises:
        InputError: a source is a relative path outside the repository.
        ConfigError: the params.yaml of `folder` names no sources.
    """
    inputs = _sources(root, folder / PARAMS)
    own = _outside_git(root, inputs)
    for path in {*_outside_git(folder, inputs)} - {*own}:
        (folder / path).unlink()
    for path in own:
        source, target = root / path, folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if source.is_dir():  # a link to a folder; Git lists what it has in folders by file
            target.symlink_to(source.resolve(), target_is_directory=True)
            continue
        try:
            os.link(source, target)
        except OSError:  # another file system
            shutil.copy2(source, target)


def data_outside_git(root: Path) -> list[str]:
    """The sources in params.yaml with files that neither Git nor DVC tracks.

    Raises:
        InputError: a source is a relative path outside the repository.
        ConfigError: params.yaml names no sources.
    """
    with open_repo(root) as repo:
        added = [Path(out.fs_path) for stage in repo.index.stages if not stage.cmd for out in stage.outs]
    found = []
    for source in _sources(root, root / PARAMS):
        others = _outside_git(root, [source])
        if any(not any((root / path).resolve().is_relative_to(out) for out in added) for path in others):
            found.append(source)
    return found


def _outside_git(root: Path, folders: Sequence[str]) -> list[str]:
    """The files in folders of a repository that are not in Git."""
    return paths(git(root, "ls-files", "-z", "--others", "--", *folders)) if folders else []


def _sources(root: Path, params: Path) -> list[str]:
    """The folders that params.yaml names by a path inside the repository and that no stage writes."""
    named = {f"sources.{name}": path for name, path in read_section("sources", dict[str, str], params).items()}
    named["audio.source"] = read_section("audio.source", str, params)
    with open_repo(root) as repo:
        written = {Path(out.fs_path) for stage in repo.index.stages if stage.cmd for out in stage.outs}
    inside = []
    for key, path in named.items():
        if Path(path).is_absolute():
            continue
        place = Path(os.path.abspath(root / path))
        if not place.is_relative_to(os.path.abspath(root)):
            remedy = "write an absolute path, or use --here"
            raise InputError(key, expected="a folder inside the repository", found=path, remedy=remedy)
        if place not in written:
            inside.append(path)
    return inside


def fetch_experiment(root: Path, folder: Path, name: str) -> None:
    """Copy the record of an experiment from its folder to the repository, where `dvc exp show` finds it.

    Raises:
        GitError: the folder has no such experiment.
    """
    head = git(folder, "rev-parse", "HEAD").strip()
    ref = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    git(root, "fetch", "--quiet", str(folder), f"+{ref}:{ref}")
    git(folder, "read-tree", ref)  # DVC has emptied the index


def finished_experiments(root: Path) -> set[str]:
    """The names of the recorded experiments of the repository."""
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/exps").split()
    return {ref.rpartition("/")[2] for ref in refs if not ref.startswith(("refs/exps/exec", "refs/exps/celery"))}


def _bring_code(root: Path, folder: Path) -> None:
    """Give the folder the commit of the workspace, and the uncommitted state of all files that Git does not ignore.

    All of it is in the index, so that new files are recorded, too, and files that the workspace lacks are removed.
    """
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


def _share_cache(root: Path, folder: Path) -> None:
    local = Path(".dvc/config.local")
    if (root / local).exists():
        shutil.copy2(root / local, folder / local)
    with open_repo(root) as repo:
        cache = repo.cache.legacy.path
    with open_repo(folder) as repo, repo.config.edit("local") as config:
        config.setdefault("cache", {})["dir"] = cache
