"""The declarations of a stage in dvc.yaml, and their hash: runs of a stage with equal hashes give equal outputs."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.config import PARAMS, read_params
from yardbird.errors import ConfigError, InputError
from yardbird.yaml_text import parsed_yaml

PIPELINE = Path("dvc.yaml")


@dataclass(frozen=True)
class Stage:
    """One stage as DVC runs it; `train@music_vae` is the instance of the foreach stage `train` with key `music_vae`."""

    name: str
    key: str | None  # of a foreach stage: the item of the list, or the key of the mapping
    cmd: str
    deps: tuple[str, ...]
    params: tuple[str, ...]  # keys of params.yaml; dots separate levels


def read_stages(root: Path = Path()) -> dict[str, Stage]:
    """The stages by name, with `foreach` expanded and `${…}` replaced by `vars` and by params.yaml, as DVC does."""
    content = parsed_yaml((root / PIPELINE).read_bytes())
    values = dict(read_params(root / PARAMS))
    for entry in content["vars"]:
        values |= entry
    return {stage.name: stage for name, entry in content["stages"].items() for stage in _instances(name, entry, values)}


def stage_hash(name: str, root: Path = Path(), *, free: Collection[str] = ()) -> str:
    """A hash of the bytes of a stage's declared dependencies and of the values of its declared parameters.

    It does not depend on the order in dvc.yaml. tests/test_architecture.py compares the declarations with the code.

    Args:
        free: keys of params.yaml, such as `musicgen.training.threads`, whose values do not change the hash.

    Raises:
        InputError: there is no such stage, or a dependency is missing.
        ConfigError: params.yaml lacks a value that dvc.yaml refers to.
    """
    stages, params = read_stages(root), read_params(root / PARAMS)
    if name not in stages:
        found = f"only {', '.join(stages)}"
        raise InputError(PIPELINE, expected=f"a stage {name}", found=found, remedy="declare it in dvc.yaml")
    stage = stages[name]
    values = {key: _without(_value(key, params), key, free) for key in stage.params}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode())
    for dep in sorted(stage.deps):
        path = root / dep
        if not path.exists():
            raise InputError(
                dep, expected=f"a dependency of stage {name}", found="no such file", remedy="run dvc repro"
            )
        digest.update(f"{dep} {files.sha256_folder(path) if path.is_dir() else files.sha256(path)}\n".encode())
    return digest.hexdigest()[:16]


def _instances(name: str, entry: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Stage]:
    if "foreach" not in entry:
        yield _stage(name, None, entry, values)
        return
    items = _filled(entry["foreach"], values)
    for key, item in items.items() if isinstance(items, dict) else zip(items, items, strict=True):
        yield _stage(f"{name}@{key}", key, entry["do"], {**values, "key": key, "item": item})


def _stage(name: str, key: str | None, body: Mapping[str, Any], values: Mapping[str, Any]) -> Stage:
    deps, params = (tuple(_filled(text, values) for text in body.get(part, ())) for part in ("deps", "params"))
    return Stage(name, key, _filled(body["cmd"], values), deps, params)


def _filled(text: Any, values: Mapping[str, Any]) -> Any:
    """`text` with every `${a.b}` replaced. A text of only one `${a.b}` becomes its value, of any type."""

    if not isinstance(text, str):
        return text
    if whole := re.fullmatch(r"\$\{([^}]+)\}", text):
        return _value(whole[1], values)
    return re.sub(r"\$\{([^}]+)\}", lambda match: str(_value(match[1], values)), text)


def _without(value: Any, key: str, left_out: Collection[str]) -> Any:
    """A section without the keys that are left out, at any depth."""
    if not isinstance(value, Mapping):
        return value
    kept = {name: f"{key}.{name}" for name in value if f"{key}.{name}" not in left_out}
    return {name: _without(value[name], path, left_out) for name, path in kept.items()}


def _value(key: str, values: Mapping[str, Any]) -> Any:
    try:
        return reduce(lambda section, part: section[part], key.split("."), values)
    except (KeyError, TypeError):
        raise ConfigError(PARAMS, key, expected="a value, to which dvc.yaml refers", found="nothing") from None
