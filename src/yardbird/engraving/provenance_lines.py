"""The title and the credit of a part: from the provenance file of a generated solo, else from the name of its file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yardbird import files


def title_of(solo: Path, stem: str) -> str:
    """The title of the chart that a solo was generated over, else `stem` in words."""
    chart = _provenance(solo).get("chart")
    if isinstance(chart, str) and chart.startswith("title:"):
        return chart.splitlines()[0].removeprefix("title:").strip()
    return " ".join(stem.replace("_", " ").split())


def credit_of(solo: Path) -> str:
    """The model, the seed and the file of a generated solo, else the file."""
    provenance = _provenance(solo)
    model, seed = provenance.get("model"), provenance.get("seed")
    family = model.get("family") if isinstance(model, Mapping) else None
    if not isinstance(family, str):
        return solo.name
    return f"Yardbird, {family.replace('_', ' ')}{'' if seed is None else f', seed {seed}'}: {solo.name}"


def _provenance(solo: Path) -> Mapping[str, Any]:
    try:
        found = files.read_json(solo.with_suffix(".json"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}  # no such file, or a file of another program
    return found if isinstance(found, Mapping) else {}
