"""Trained models of notes as folders in the layout of the Hugging Face hub: config, safetensors weights, model card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from huggingface_hub import ModelCardData, snapshot_download
from huggingface_hub.errors import HFValidationError

from yardbird import files
from yardbird.errors import InputError
from yardbird.models.family import TRAINED, Family
from yardbird.models.trained_folder import open_family

CARD = "README.md"
_NEEDED = ["*.json", "*.safetensors"]  # no pickles


class Pretrained(Family):
    """A family whose folder can be shared. `save_pretrained` writes the folder, `from_pretrained` opens it.

    Attributes:
        trained: the content of `trained.json`, the origin of the weights; empty for a model that was just created.
    """

    trained: Mapping[str, Any] = {}

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
    ) -> Self:
        """Open a trained model, onto the GPU if there is one.

        >>> family = MusicVAEFamily.from_pretrained("models/music_vae")

        Args:
            name: a folder, or the name of a repository on the hub. A `Path` is always a folder; a string is a name if
                there is no such folder. Only a name needs a network, and only if the hub's cache does not have it.
            revision: a branch, tag or commit of the repository.
            cache_dir: the hub's cache; None: the default of `huggingface_hub`.
            local_files_only: do not use the network.

        Raises:
            InputError: there is no such folder or repository, or it does not hold a model of this family.
        """
        folder = _locate(name, revision, cache_dir, local_files_only)
        family, origin = open_family(folder, None if (folder / TRAINED).is_file() else cls.name)
        if not isinstance(family, cls):
            remedy = f"open it with {type(family).__name__}"
            raise InputError(name, expected=f"a {cls.name}", found=f"a {family.name}", remedy=remedy)
        family.trained = origin["trained"]
        return family

    def save_pretrained(self, folder: str | Path, card: str | None = None) -> None:
        """Write weights, configuration, codec, origin and card. An existing folder is completed and overwritten.

        Args:
            card: the content of the model card; None: a card without results, unless the folder has one.
        """
        folder = Path(folder)
        self.save(folder)
        files.write_json(folder / TRAINED, {"family": self.name, **self.trained})
        if card is not None or not (folder / CARD).exists():
            files.write_text(folder / CARD, card or f"---\n{card_data(self.name).to_yaml()}\n---\n{_body(type(self))}")


def card_data(family: str, **more: Any) -> ModelCardData:
    """The front matter of a model card, with the tags of a family of notes."""
    tags = ["music", "jazz", "midi", "symbolic-music-generation", family.replace("_", "-")]
    return ModelCardData(library_name="yardbird", tags=tags, **more)


def usage(family: type[Family]) -> str:
    """How to open the model in Python, in Markdown."""
    return f"""```python
from yardbird import {family.__name__}, save_to_midi

family = {family.__name__}.from_pretrained("path/of/this/folder")  # or its name on the hub
save_to_midi(family.sample(seed=1), "solo.mid")
```
"""


def _body(family: type[Family]) -> str:
    return f"# {family.name}\n\nA model of the Yardbird pipeline for jazz solos.\n\n## In Python\n{usage(family)}"


def _locate(name: str | Path, revision: str | None, cache_dir: str | Path | None, local_files_only: bool) -> Path:
    """The folder of a model: local, in the hub's cache, or downloaded. Makes one request, so it fails fast offline."""
    if isinstance(name, Path) or Path(name).is_dir():
        return Path(name)
    try:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                allow_patterns=_NEEDED,
            )
        )
    except HFValidationError:
        found = "no such folder"
    except OSError as error:  # no network, no such repository, or no permission
        found = f"no such folder, and no access to such a repository ({str(error).splitlines()[0]})"
    remedy = "run `dvc repro`, or give the folder of a trained model"
    raise InputError(name, expected="a folder, or a repository on the hub", found=found, remedy=remedy)
