"""What dvc.lock records: the MD5 of every output, the parameters, and an identifier of the state of the pipeline."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from yardbird.config import BACKGROUND, PARAMS

LOCK = Path("dvc.lock")


def read_lock(path: Path = LOCK) -> Mapping[str, Any]:
    """Stage name → its entry; empty if the pipeline has never run."""
    if not path.exists():
        return {}
    stages: Mapping[str, Any] = YAML(typ="safe", pure=True).load(path).get("stages", {})
    return stages


def output_hashes(stages: Mapping[str, Any]) -> dict[str, str]:
    """Path → MD5 of every output; the MD5 of a folder ends in `.dir`."""
    return {out["path"]: out["md5"] for entry in stages.values() for out in entry.get("outs", []) if "md5" in out}


def parameters(stages: Mapping[str, Any]) -> dict[str, Any]:
    """The sections and keys of params.yaml that the stages ran with, sorted by name."""
    found: dict[str, Any] = {}
    for entry in stages.values():
        found |= entry.get("params", {}).get(PARAMS.name, {})
    return {name: found[name] for name in sorted(found)}


def background_sources(stages: Mapping[str, Any]) -> str:
    """The background sources that the corpus was split with, comma-separated; empty if there are none."""
    params = stages.get("split", {}).get("params", {}).get(PARAMS.name, {})
    return ", ".join(sorted(name for name, role in params.get("roles", {}).items() if role == BACKGROUND))


def pipeline_id(stages: Mapping[str, Any]) -> str:
    """An MD5 over all entries except `publish`: publish computes it before its own entry is written."""
    upstream = {name: entry for name, entry in stages.items() if name != "publish"}
    return hashlib.md5(json.dumps(upstream, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
