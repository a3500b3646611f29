"""Yardbird: a pipeline that trains, evaluates and registers music generation models on a folder of jazz solos."""

import importlib
import importlib.metadata
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yardbird.data.reading import load_midi
    from yardbird.models.music_transformer import MusicTransformer, save_to_midi
    from yardbird.models.music_vae import MusicVAE
    from yardbird.models.pretrained import from_pretrained

# MLflow reads it when it is imported; it would write an id of this machine.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

__all__ = ["MusicTransformer", "MusicVAE", "from_pretrained", "load_midi", "save_to_midi"]

_HOMES = {
    "MusicTransformer": "yardbird.models.music_transformer",
    "MusicVAE": "yardbird.models.music_vae",
    "from_pretrained": "yardbird.models.pretrained",
    "load_midi": "yardbird.data.reading",
    "save_to_midi": "yardbird.models.music_transformer",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name, and with it torch, on first use, so that `import yardbird` is fast."""
    if name == "__version__":
        return importlib.metadata.version("yardbird")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
