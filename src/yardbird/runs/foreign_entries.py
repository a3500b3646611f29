"""Entries of dvc.lock whose outputs this machine does not have, as in a fresh clone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.dvc_lock import LOCK

if TYPE_CHECKING:
    from dvc.repo import Repo


def drop_foreign_entries(repo: "Repo") -> list[str]:
    """Remove the entries of dvc.lock that name outputs which neither the cache nor the workspace holds.

    Training gives equal bytes on one machine, but not on two kinds of processor, so the lock in Git often names bytes
    that another machine made. If such an entry fits the parameters and the code, DVC looks only for those bytes, and
    runs the stage if they are missing. Without the entry it looks into its run cache, which
    holds what this machine has computed.

    Frozen stages keep their entry: their outputs are in Git.

    Returns:
        The names of the stages.
    """
    from dvc.stage import PipelineStage
    from dvc.utils.serialize import modify_yaml

    foreign = [
        stage.name
        for stage in repo.index.stages
        if isinstance(stage, PipelineStage)
        and not stage.frozen
        and any(out.use_cache and out.hash_info and missing(out) for out in stage.outs)
    ]
    path = Path(repo.root_dir) / LOCK
    if foreign and path.exists():
        with modify_yaml(str(path)) as lock:
            for name in foreign:
                lock["stages"].pop(name, None)
        repo._reset()
    return foreign


def missing(out: Any) -> bool:
    """Whether neither the workspace nor the cache holds the bytes of an output."""
    return bool((not out.exists or out.changed_checksum()) and out.changed_cache())  # the second one reads the cache
