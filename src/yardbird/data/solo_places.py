"""The solos of a folder of music files: their files, their numbers in a file, and what manifests say about them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePath

from yardbird.data.manifest import MANIFEST, Entry, Rejected, nfc, read_manifest, unique_stems
from yardbird.data.readers import FOREIGN, KINDS, is_read, piece_numbers, unread
from yardbird.errors import InputError

_SHADOW = ("._", "__MACOSX")  # beside every file that macOS has copied


@dataclass(frozen=True)
class Place:
    """The location of a solo: a file, relative to the folder of its source, and a number if the file has several."""

    path: PurePath
    number: str = ""

    @property
    def name(self) -> str:
        """The name in manifests and tables: `solo.mid`, `tunes.abc#3`."""
        return f"{self.path.as_posix()}#{self.number}" if self.number else self.path.as_posix()

    @property
    def file(self) -> PurePath:
        """A file name from which the id and the title are derived."""
        return self.path.with_name(f"{self.path.stem}#{self.number}{self.path.suffix}") if self.number else self.path


@dataclass(frozen=True)
class Listed:
    """A solo to read, and what manifests and file names say about it."""

    place: Place
    entry: Entry | None
    stem: str  # unique in the folder


def list_solos(folder: Path, rejected: list[Rejected]) -> list[Listed]:
    """The solos to read, in the order of their names; what cannot be read is added to `rejected`."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        remedy = "correct `sources` in params.yaml"
        raise InputError(folder, expected="a folder of music files", found=found, remedy=remedy)
    places = _places(folder, sorted(_music_files(folder, rejected), key=lambda path: path.as_posix()), rejected)
    entries, missing = _entries(folder, places, {row.file for row in rejected})
    rejected += missing
    stems = unique_stems([place.file for place in places])
    return [Listed(place, entries.get(place), stems[place.file]) for place in places]


def rejection(name: str, error: InputError) -> Rejected:
    return Rejected(name, f"expected {error.expected}, found {error.found}", error.remedy)


def _music_files(folder: Path, rejected: list[Rejected]) -> Iterator[PurePath]:
    """Paths of the files to read, relative to `folder`; unreadable folders and unsupported music files are added to
    `rejected`.

    Links are followed, but no folder is visited twice.
    """

    def reject(error: OSError) -> None:
        name = PurePath(os.path.relpath(error.filename, folder)).as_posix()
        reason = f"expected a readable folder, found {error.strerror}"
        rejected.append(Rejected(name, reason, "correct its permissions"))

    def refuse(path: PurePath, kind: str, remedy: str) -> None:
        rejected.append(Rejected(path.as_posix(), f"expected {KINDS}, found {kind}", remedy))

    seen = set()
    for top, inner, names in os.walk(folder, onerror=reject, followlinks=True):
        inner.sort()
        real = os.path.realpath(top)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = [name for name in inner if not name.startswith((".", *_SHADOW))]
        here = PurePath(os.path.relpath(top, folder))
        for name in [name for name in inner if PurePath(name).suffix.lower() in FOREIGN]:  # GarageBand: folders
            refuse(here / name, *FOREIGN[PurePath(name).suffix.lower()])
            inner.remove(name)
        for name in sorted(names):
            if name.startswith(_SHADOW):
                continue
            if is_read(folder / here / name):
                yield here / name
            elif found := unread(folder / here / name):
                refuse(here / name, *found)


def _places(folder: Path, paths: list[PurePath], rejected: list[Rejected]) -> list[Place]:
    """The solos of all files; a file whose solos cannot be listed is added to `rejected`."""
    places: list[Place] = []
    for path in paths:
        try:
            places += [Place(path, number) for number in piece_numbers(folder / path)]
        except InputError as error:
            rejected.append(rejection(path.as_posix(), error))
    return places


def _entries(folder: Path, places: list[Place], unread: set[str]) -> tuple[dict[Place, Entry], list[Rejected]]:
    """The entry of each solo in the manifest of its folder or of a parent folder, and entries without a file.

    A row may name one solo of a file (`tunes.abc#3`) or the file; the second fills empty fields of the first.
    """
    entries: dict[Place, Entry] = {}
    missing: list[Rejected] = []
    by_name: dict[str, list[Place]] = {}
    for place in places:
        for name in {place.path.as_posix(), place.name}:
            by_name.setdefault(nfc(name), []).append(place)
    homes = {parent for place in places for parent in place.path.parents} | {PurePath()}
    for home in sorted(homes, key=lambda home: len(home.parts)):
        found: dict[Place, Entry] = {}
        for name, entry in sorted(
            read_manifest(folder / home / MANIFEST, Entry).items(), key=lambda row: "#" in row[0]
        ):
            full = nfc((home / name).as_posix())
            for place in by_name.get(full, ()):
                found[place] = filled(entry, found.get(place, Entry()))
            if full not in by_name and full not in unread:
                reason = f"{(home / MANIFEST).as_posix()} names it, but the folder has no such music file"
                missing.append(Rejected(full, reason, "correct the manifest's column `file`, or add the file"))
        entries |= found
    return entries, missing


def filled(entry: Entry, other: Entry) -> Entry:
    """An entry with its empty fields filled from another."""
    return Entry(**{field.name: getattr(entry, field.name) or getattr(other, field.name) for field in fields(Entry)})
