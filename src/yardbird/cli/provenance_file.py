"""The provenance file of a generated solo or sound, and the model and the files that it names by their hashes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.errors import InputError

_SHOWN = 12  # digits of a hash in a message
_EXPECTED = "the .json of a generated solo or sound"


@dataclass(frozen=True)
class Provenance:
    """The content of a provenance file. `made` is the part that only `yardbird regenerate` reads."""

    file: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> "Provenance":
        """Read a file that a command or a stage wrote.

        Raises:
            InputError: there is no such file, or it is another one.
        """
        try:
            content = files.read_json(file)
        except OSError as error:
            absent = "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror)
            found = "a folder" if file.is_dir() else absent
            raise InputError(file, expected=_EXPECTED, found=found, remedy="correct the path") from None
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            found, remedy = "a file of another kind", "name the .json next to the .mid or the .wav"
            raise InputError(file, expected=_EXPECTED, found=found, remedy=remedy) from None
        if not isinstance(content, Mapping) or not isinstance(content.get("model"), Mapping):
            found, remedy = "another .json", "name the one next to the .mid or the .wav"
            raise InputError(file, expected=_EXPECTED, found=found, remedy=remedy)
        if not isinstance(content.get("made"), Mapping):
            found = "one without the entry `made`, of an earlier version of Yardbird"
            raise InputError(file, expected=_EXPECTED, found=found, remedy="generate it again with its seed")
        made_with = content["made"].get("with", {})
        if not isinstance(made_with, Mapping) or not isinstance(made_with.get("libraries", {}), Mapping):
            found = "one with another entry `made.with`"
            raise InputError(file, expected=_EXPECTED, found=found, remedy="restore the file")
        return cls(file, content)

    @property
    def made(self) -> Mapping[str, Any]:
        made: Mapping[str, Any] = self.content["made"]
        return made

    def model(self, chosen: Path | None) -> Path:
        """The folder with the model's hash: `chosen`, or one of a run, an experiment or the registry.

        Raises:
            InputError: there is none.
            TrackingError: the registry cannot be read.
        """
        family, sha256 = (str(self.content["model"].get(name)) for name in ("family", "sha256"))
        expected = f"the {family} with the SHA-256 {sha256[:_SHOWN]}…"
        if chosen:
            if chosen.is_dir() and files.sha256_folder(chosen) == sha256:
                return chosen
            found = "another model" if chosen.is_dir() else "no such folder"
            raise InputError(chosen, expected=expected, found=found, remedy="name another folder with --model")
        for folder in _trained(family):
            if files.sha256_folder(folder) == sha256:
                return folder
        from yardbird.tracking.registered_folder import find_registered
        from yardbird.tracking.store import project_root

        if registered := find_registered(project_root(), family, sha256):
            return registered
        found = "no such model in models, out/experiments or the registry"
        raise InputError(self.file, expected=expected, found=found, remedy="name its folder with --model")

    def input(self, name: str, sha256: str) -> Path:
        """The file that `made` names, where it was, or next to the provenance file, or in the current folder.

        Raises:
            InputError: none of these files has this hash.
        """
        from yardbird.data.readers import file_and_number

        recorded = Path(self.made["files"][name])
        places = [recorded, self.file.with_name(recorded.name), Path(recorded.name)]
        there = [place for place in places if file_and_number(place)[0].is_file()]
        for place in there:
            if files.sha256(file_and_number(place)[0]) == sha256:
                return place
        found = f"a changed file {there[0]}" if there else "no such file"
        remedy = f"restore it, or put it next to {self.file.name}"
        expected = f"{recorded} with the SHA-256 {sha256[:_SHOWN]}…, which it was made from"
        raise InputError(self.file, expected=expected, found=found, remedy=remedy)


def _trained(family: str) -> Iterator[Path]:
    """The folders of a family in this repository and in its experiments."""
    from yardbird.models.family_names import family_names

    if family in family_names():  # a name from a file
        for folder in (Path("models") / family, *sorted(Path("out/experiments").glob(f"*/models/{family}"))):
            if folder.is_dir():
                yield folder
