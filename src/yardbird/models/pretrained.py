"""Trained models as folders in the layout of the Hugging Face hub: configuration, safetensors weights, model card."""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData, snapshot_download
from huggingface_hub.errors import HFValidationError

from yardbird import files
from yardbird.checksums import SUMS, write_sums
from yardbird.errors import InputError
from yardbird.models.family import Family
from yardbird.models.family_names import TRAINED
from yardbird.models.trained_folder import open_family

CARD = "README.md"
_NEEDED = ["*.json", "*.safetensors", SUMS]  # no pickles


def from_pretrained(
    name: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Family:
    """Open a trained model of any family, in evaluation mode, on the GPU if there is one.

    >>> family = from_pretrained("models/music_vae")

    Args:
        name: a folder, or the name of a repository on the hub. A `Path` is always a folder; a string is a name if there
            is no such folder. Only a name needs a network, and only if the hub's cache does not have the repository.
        revision: a branch, tag or commit of the repository.
        cache_dir: the hub's cache; None: the default of `huggingface_hub`.
        local_files_only: do not use the network.

    Raises:
        InputError: there is no such folder or repository, or it does not hold a trained model.
    """
    return open_family(_locate(name, revision, cache_dir, local_files_only))[0]


def save_pretrained(family: Family, folder: str | Path, *, trained: Any = None, card: str | None = None) -> None:
    """Write weights, configuration, codec, origin and card. Other files of an existing folder are kept.

    Args:
        trained: the content of `trained.json`, the origin of the weights; None: only the name of the family.
        card: the content of the model card; None: a card without results, unless the folder has one.
    """
    folder = Path(folder)
    family.save(folder)
    files.write_json(folder / TRAINED, trained or {"family": family.name})
    write_sums(folder)
    if card is None and not (folder / CARD).exists():
        title = f"# {family.name}\n\nA model of the Yardbird pipeline for jazz solos."
        card = f"---\n{card_data(family.name).to_yaml()}\n---\n{title}\n\n## In Python\n{USAGE}"
    if card is not None:
        files.write_text(folder / CARD, card)


def card_data(family: str, **more: Any) -> ModelCardData:
    """The front matter of a model card, with the tags of a family."""
    tags = ["music", "jazz", "music-generation", family.replace("_", "-")]
    return ModelCardData(library_name="yardbird", tags=tags, **more)


#: How to open a model in Python, in Markdown.
USAGE = """```python
from yardbird import from_pretrained, save_to_midi

family = from_pretrained("path/of/this/folder")  # or its name on the hub
save_to_midi(family.sample(seed=1), "solo.mid")
```
"""


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
    remedy = "run `yardbird run`, or give the folder of a trained model"
    raise InputError(name, expected="a folder, or a repository on the hub", found=found, remedy=remedy)
