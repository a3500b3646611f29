"""The trained model that `generate` draws with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.cli.chosen_artist import chosen_artist
from yardbird.cli.drawing_options import model_folder

if TYPE_CHECKING:
    from yardbird.models.family import Family


@dataclass(frozen=True)
class ChosenModel:
    """A trained model that is not loaded yet: its folder, its family, and the artists of its vocabulary, if any.

    Only models of event tokens have a vocabulary.
    """

    folder: Path
    family: str
    artists: Sequence[str]

    @classmethod
    def find(cls, model: str, family: str | None) -> "ChosenModel":
        """The model of --model; it imports no torch.

        Raises:
            InputError: there is no such model.
        """
        from yardbird.codecs.artist_names import artist_names
        from yardbird.models.family_names import family_of

        folder = model_folder(model)
        return cls(folder, family_of(folder, family)[0], artist_names(folder / "codec.json"))

    def artist(self, given: str | None) -> str | None:
        """The artist that is given, in full; unchanged if the model has no artists."""
        return chosen_artist(self.artists, given) if self.artists and given is not None else given

    def open(self) -> "tuple[Family, Mapping[str, Any]]":
        """The loaded model, and the provenance of its weights."""
        from yardbird.models.trained_folder import open_family

        return open_family(self.folder, self.family)
