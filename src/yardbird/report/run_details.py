"""Reads the commit, the hashes of the data and the settings of a run; hashes and settings are from dvc.lock."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import flatten
from yardbird.dvc_lock import LOCK, output_hashes, parameters, read_lock
from yardbird.git import has_changes, head_commit

#: Prefixes of the outputs whose hashes identify a run.
_HASHED = ("data/ingested", "data/split.csv", "data/augmented", "data/clips", "data/encoded", "models")
_CODE = ("src", "stages", "params.yaml", "dvc.yaml")


@dataclass(frozen=True)
class Run:
    commit: str  # empty outside of Git
    changed: bool  # the code or its settings differ from those of the commit
    hashes: Mapping[str, str]  # path → MD5
    settings: Mapping[str, str]  # dotted key of params.yaml → value


def read_run(root: Path) -> Run:
    stages = read_lock(root / LOCK)
    outs = output_hashes(stages)
    return Run(
        commit=head_commit(root),
        changed=has_changes(root, _CODE),
        hashes={path: outs[path] for path in sorted(outs) if path.startswith(_HASHED) and (root / path).exists()},
        settings=flatten(parameters(stages)),
    )
