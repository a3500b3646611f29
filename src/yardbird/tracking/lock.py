"""What dvc.lock knows: the md5 of every output, the background, and a name for the state of the whole pipeline."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from yardbird.config import BACKGROUND, PARAMS

LOCK = Path("dvc.lock")


def read_lock(path: Path = LOCK) -> Mapping[str, Any]:
    """Stage name → its entry; nothing where no pipeline has run yet."""
    if not path.exists():
        return {}
    stages: Mapping[str, Any] = YAML(typ="safe", pure=True).load(path).get("stages", {})
    return stages


def output_hashes(stages: Mapping[str, Any]) -> dict[str, str]:
    """Path → md5 of every output (a folder's ends in `.dir`)."""
    return {out["path"]: out["md5"] for entry in stages.values() for out in entry.get("outs", []) if "md5" in out}


def background_sources(stages: Mapping[str, Any]) -> str:
    """The background sources that the corpus was split with, as a tag; empty where there are none."""
    params = stages.get("split", {}).get("params", {}).get(PARAMS.name, {})
    return ", ".join(sorted(name for name, role in params.get("roles", {}).items() if role == BACKGROUND))


def pipeline_id(stages: Mapping[str, Any]) -> str:
    """An md5 over all entries but publish's own: that one is written only after publish has run."""
    upstream = {name: entry for name, entry in stages.items() if name != "publish"}
    return hashlib.md5(json.dumps(upstream, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
