"""The trained models that the studio offers: folders in `models/`, and versions of the MLflow registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from yardbird.devices import prepare_torch
from yardbird.errors import InputError
from yardbird.models.family import Family
from yardbird.models.family_kinds import LatentFamily, SoundFamily, TokenFamily
from yardbird.models.family_names import TRAINED
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.models.trained_folder import open_family

MODELS = Path("models")
WHAT_TO_RUN = (
    "run `make demo` in the project's folder (about a quarter of an hour), or `yardbird run`; then reload this page"
)
Kind = TypeVar("Kind", bound=Family)
FAMILIES = ("music_transformer", "music_vae", "musicgen")


@dataclass(frozen=True)
class Opened:
    """A model in memory, and the provenance of its weights."""

    family: Family
    provenance: Mapping[str, Any]


class ModelShelf:
    """Opens each model once, and again if its files change. Use by several threads is safe."""

    def __init__(self, folder: Path = MODELS, registered: Sequence[str] = ()) -> None:
        """
        Args:
            registered: versions in the registry, as `name@alias`.
        """
        self._folder, self._registered = folder, tuple(registered)
        self._opened: dict[str, tuple[int, Opened]] = {}
        self._lock = Lock()

    def names(self, *families: str) -> list[str]:
        """The models of these families: folders first, then versions of the registry."""
        folders = [name for name in FAMILIES if (self._folder / name / TRAINED).is_file()]
        return [name for name in (*folders, *self._registered) if name.partition("@")[0] in families]

    def note_models(self) -> list[str]:
        """The models that draw notes."""
        return self.names("music_transformer", "music_vae")

    def open(self, name: str | None) -> Opened:
        """A model by its name in the lists.

        Raises:
            InputError: there is no such model, or its folder is damaged.
        """
        if name not in self.names(*FAMILIES):
            remedy = WHAT_TO_RUN if not self.names(*FAMILIES) else "choose one of the list"
            raise InputError("model", expected="a trained model", found=name or "none", remedy=remedy)
        with self._lock:
            prepare_torch()  # flushing denormal numbers is a setting of each thread
            folder = self._place(name)
            changed = (folder / TRAINED).stat().st_mtime_ns
            known = self._opened.get(name)
            if known is None or known[0] != changed:
                known = self._opened[name] = changed, Opened(*open_family(folder))
            return known[1]

    def artists(self, name: str | None) -> list[str]:
        """The artists whose style can be requested of a model; none if it ignores them."""
        family = self.open(name).family if name in self.note_models() else None
        return list(family.codec.artists) if isinstance(family, TokenFamily) else []

    def filler(self, name: str) -> Opened:
        """A model that fills bars: the named one if it can, otherwise the first that can.

        Raises:
            InputError: there is none.
        """
        for candidate in (name, *self.names("music_transformer")):
            opened = self.open(candidate)
            if isinstance(opened.family, TokenFamily) and opened.family.fill_context:
                return opened
        raise InputError("fill", expected="a trained Music Transformer", found="none", remedy=WHAT_TO_RUN)

    def note_model(self, name: str | None) -> Opened:
        """A model that draws notes."""
        opened = self.open(name)
        if not isinstance(opened.family, TokenFamily | LatentFamily):
            raise _other_kind(opened, "a model that writes notes")
        return opened

    def vae(self, name: str | None) -> tuple[MusicVAEFamily, Mapping[str, Any]]:
        """A MusicVAE and its provenance."""
        opened = self.open(name)
        if not isinstance(opened.family, MusicVAEFamily):
            raise _other_kind(opened, "a MusicVAE")
        return opened.family, opened.provenance

    def singer(self, name: str | None) -> tuple[SoundFamily, Mapping[str, Any]]:
        """A MusicGen and its provenance."""
        opened = self.open(name)
        if not isinstance(opened.family, SoundFamily):
            raise _other_kind(opened, "a MusicGen")
        return opened.family, opened.provenance

    def _place(self, name: str) -> Path:
        if "@" not in name:
            return self._folder / name
        from yardbird.tracking.registered_folder import fetch_model  # MLflow takes seconds to import
        from yardbird.tracking.store import project_root

        return fetch_model(project_root(), name)


def registered_models() -> list[str]:
    """The versions of the registry that have an alias, such as `music_vae@champion`; none without a registry."""
    from yardbird.tracking.registered_folder import registered_references
    from yardbird.tracking.store import project_root

    return [name for name in registered_references(project_root()) if name.partition("@")[0] in FAMILIES]


def described(name: str) -> str:
    """A model's name for people: `Music Transformer`, or `Music Transformer (champion)`."""
    family, _, alias = name.partition("@")
    words = {"music_transformer": "Music Transformer", "music_vae": "MusicVAE", "musicgen": "MusicGen"}[family]
    return f"{words} ({alias})" if alias else words


def _other_kind(opened: Opened, expected: str) -> InputError:
    found = f"a {opened.family.name}"
    return InputError("model", expected=expected, found=found, remedy="choose another model")
