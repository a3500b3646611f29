"""What was run: the commit, the bytes of the data, and the settings, as the pipeline's lock file has them."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

#: Outputs whose bytes identify a run.
_HASHED = ("data/ingested", "data/split.csv", "data/augmented", "data/clips", "data/encoded", "models")
_CODE = ("src", "stages", "params.yaml", "dvc.yaml")


@dataclass(frozen=True)
class Run:
    """`commit` is empty outside of Git; `changed`: the code or its settings are not those of the commit."""

    commit: str
    changed: bool
    hashes: Mapping[str, str]  # path → MD5
    settings: Mapping[str, Mapping[str, str]]  # section → key, dotted → value


def read_run(root: Path) -> Run:
    lock = root / "dvc.lock"
    stages = YAML(typ="safe").load(lock).get("stages", {}) if lock.is_file() else {}
    outs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    sections: dict[str, Any] = {}
    for stage in stages.values():
        sections |= stage.get("params", {}).get("params.yaml", {})
    commit = _git(root, "rev-parse", "HEAD")
    return Run(
        commit=commit,
        changed=bool(commit and _git(root, "status", "--porcelain", "--", *_CODE)),
        hashes={path: outs[path] for path in sorted(outs) if path.startswith(_HASHED) and (root / path).exists()},
        settings={name: dict(_flat(sections[name])) for name in sorted(sections)},
    )


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # Git is not installed
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys and their values as params.yaml would write them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
