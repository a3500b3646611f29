"""What bytes depend on besides data and settings: the code, the versions of libraries, and the processor."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from yardbird import files
from yardbird.pipeline import PIPELINE, read_stages

_ROOT = Path(files.__file__).resolve().parents[2]
#: The libraries that compute or write solos, sounds, pictures and sheet music.
_LIBRARIES = (
    "torch", "torchaudio", "transformers", "numpy", "scipy", "numba", "symusic", "pretty_midi", "soundfile",
    "matplotlib", "music21", "verovio", "fpdf2",
)  # fmt: skip


def software(stage: str) -> dict[str, Any]:
    """The code of a stage (a hash), Python, the libraries and the processor of this process, as JSON."""
    return {
        "yardbird": version("yardbird"),
        "code": _code_hash(stage),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "processor": _processor(),
    }


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two results of `software`, in words: `torch 2.10.0, now 2.11.0`."""
    flat = [{**record, **record.get("libraries", {}), "libraries": None} for record in (recorded, now)]
    return [
        f"{name} {flat[0].get(name, 'unknown')}, now {flat[1].get(name, 'unknown')}"
        for name in dict.fromkeys([*flat[0], *flat[1]])
        if flat[0].get(name) != flat[1].get(name)
    ]


def _code_hash(stage: str) -> str | None:
    """A hash of the files of the library that dvc.yaml declares for a stage; None if the library is not in a clone.

    A commit would not do: it changes with files that the stage does not use, and so would the outputs of the stage.
    """
    if not (_ROOT / PIPELINE).is_file():
        return None
    digest = hashlib.sha256()
    for dep in sorted(dep for dep in read_stages(_ROOT)[stage].deps if dep.startswith("src/")):
        path = _ROOT / dep
        digest.update(f"{dep} {files.sha256_folder(path) if path.is_dir() else files.sha256(path)}\n".encode())
    return digest.hexdigest()[:12]


def _processor() -> str:
    """The name of the GPU, or else of the CPU, with the instructions that torch uses."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
