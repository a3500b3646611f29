"""The last committed run, taken from DVC's cache."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.data.sources import remove_other_sources
from yardbird.dvc_lock import LOCK
from yardbird.errors import YardbirdError
from yardbird.runs.dvc_stage import open_repo
from yardbird.runs.foreign_entries import missing
from yardbird.runs.recorded_run import other_records, set_changes_aside, take_changes_back
from yardbird.runs.stage_runner import busy
from yardbird.runs.verified_cache import verify_objects

if TYPE_CHECKING:
    from dvc.repo import Repo

_INGESTED = Path("data/ingested")


class NotRestoredError(YardbirdError):
    """DVC's cache does not hold the results of the commit, or DVC cannot read the pipeline."""


def restore_run(root: Path, say: Callable[[str], None]) -> None:
    """Set changes of parameters and results aside, and take the outputs of the commit from the cache. No stage runs.

    Raises:
        InputError: another command of DVC runs.
        GitError: Git is not installed, or this is not a Git repository.
        NotRestoredError: DVC cannot read the pipeline, or neither the workspace nor the cache holds some outputs. Then
            nothing is changed.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import lock_repo

    aside = set_changes_aside(root)
    try:
        with open_repo(root) as repo, lock_repo(repo):
            verify_objects(repo, say)
            outs = _cached_outs(repo)
            if aside:
                say(f"set aside with git stash: {', '.join(aside)}")
            for out in outs:
                if not out.exists or out.changed_checksum():
                    say(f"{out}: from the cache")
                    out.checkout(force=True)
    except BaseException as error:  # Ctrl-C, too: no change stays aside unsaid
        if aside:
            take_changes_back(root)
        if isinstance(error, LockError):
            raise busy(root) from None
        if isinstance(error, DvcException):
            raise NotRestoredError(
                f"DVC: {' '.join(str(error).split())}; fix it and run the same command again"
            ) from None
        raise
    if sources := [path.name for path in map(Path, map(str, outs)) if path.parent == _INGESTED]:
        remove_other_sources(root / _INGESTED, sources)


def _cached_outs(repo: "Repo") -> list[Any]:
    """The outputs that Git does not track, each of which is in the workspace or in the cache."""
    outs = [out for stage in repo.index.stages for out in stage.outs if out.use_cache]
    lacking = [str(out) for out in outs if not out.hash_info or missing(out)]
    if lacking:
        others = [f"git switch {branch}, which has a run, or " for branch in other_records(Path(repo.root_dir))]
        found = f"{lacking[0]}{f' and {len(lacking) - 1} others' if lacking[1:] else ''} in neither"
        expected = "the results of this commit in the workspace or in DVC's cache"
        raise NotRestoredError(f"{LOCK}: expected {expected}, found {found}; {''.join(others[:1])}yardbird run")
    return outs
