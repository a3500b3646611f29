"""Atomic writing of files and folders, files inside zip files, hashes, and paths that cannot leave their folder."""

import csv
import ctypes
import errno
import functools
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from yardbird import drafts
from yardbird.errors import InputError, WriteError

_LONGEST_NAME = 255  # bytes, of most disks
_WORKING_FOLDER, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE (on macOS RENAME_SWAP)


def write_bytes(path: Path, content: bytes) -> None:
    """Write atomically: a reader sees the old or the new file, even after a kill or on a full disk.

    Raises:
        WriteError: the disk is full or read-only, or the permissions are missing.
    """
    try:
        with replacing_file(path) as file:
            file.write(content)
    except OSError as error:
        raise WriteError(path, len(content), error) from None


def write_to_draft(path: str, content: bytes) -> None:
    """Write a new file to the draft of a folder, which nobody reads before the whole folder is in place.

    It is not atomic, and faster: of many small files, `write_bytes` takes half of the time for names and renaming.

    Raises:
        WriteError: as in `write_bytes`.
    """
    try:
        try:
            _write_new(path, content)
        except FileNotFoundError:  # the first file of its folder
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _write_new(path, content)
    except OSError as error:
        raise WriteError(Path(path), len(content), error) from None


def _write_new(path: str, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)


@contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file to fill. It replaces `path` if the block succeeds and is deleted if the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = drafts.place_for(path.parent) / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with open(temporary, "xb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON, keys in the given order. Equal content gives equal bytes; NaN and infinity are errors."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a header and the rows, with `\\n` as line end. Entries of a row that are not in `columns` are ignored."""
    write_lines(path, columns, ([row.get(column, "") for column in columns] for row in rows))


def write_lines(path: Path, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Write a header and lines of values, one for each column, with `\\n` as line end."""
    with replacing_file(path) as file:
        writer = csv.writer(_Lines(file))
        writer.writerow(columns)
        writer.writerows(lines)


class _Lines:
    """Writes the lines of a CSV file, each ended by a newline alone.

    With a newline as line terminator, csv does not quote a carriage return in a text, and readers end the line there.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(f"{line.removesuffix(chr(13) + chr(10))}\n".encode())


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder to fill. It replaces `folder` if the block succeeds and is deleted if the block fails.

    On Linux and macOS the new folder replaces the old one in one step, if the disk can do that. Otherwise there is a
    moment without `folder`: if the process is killed then, the old one is `.NAME.old` next to it, and the next call for
    `folder` puts it back.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f".{folder.name}.old")
    _put_back(old, folder)
    draft = Path(tempfile.mkdtemp(dir=drafts.place_for(folder.parent), prefix=f".{folder.name}."))
    try:
        yield draft
        draft.chmod(0o755)
        if not folder.exists():
            draft.rename(folder)
        elif not _exchanged(draft, folder):
            folder.rename(old)
            draft.rename(folder)
    finally:
        _put_back(old, folder)
        shutil.rmtree(draft, ignore_errors=True)


def _put_back(old: Path, folder: Path) -> None:
    """Rename `old` to `folder` if a replacement ended between its two renames; else delete it."""
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False if the system or the disk cannot do that."""
    system, paths = ctypes.CDLL(None), (os.fsencode(one), os.fsencode(other))
    if hasattr(system, "renameat2"):
        return bool(system.renameat2(_WORKING_FOLDER, paths[0], _WORKING_FOLDER, paths[1], _EXCHANGE) == 0)
    return hasattr(system, "renamex_np") and bool(system.renamex_np(*paths, _EXCHANGE) == 0)  # macOS


def zip_folder(folder: Path, archive: Path) -> None:
    """Write the files below a folder to a zip file without compression; equal files give equal bytes."""
    with replacing_file(archive) as file, zipfile.ZipFile(file, "w") as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            # without a date, the entry has the first one that zip knows
            packed.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())


def read_bytes(path: Path) -> bytes:
    """The content of a file, which may be inside a zip file: `scores/00003.zip/solo.mid`."""
    if ".zip" not in os.fspath(path):  # the parents of a path take longer than reading it
        return path.read_bytes()
    archive = next((parent for parent in path.parents if parent.suffix == ".zip"), None)
    if archive is None or not archive.is_file():
        return path.read_bytes()
    try:
        return _opened(archive, archive.stat().st_mtime_ns, os.getpid()).read(path.relative_to(archive).as_posix())
    except KeyError:
        raise FileNotFoundError(errno.ENOENT, "no such file in the zip file", str(path)) from None


@functools.lru_cache(maxsize=8)
def _opened(archive: Path, changed: int, process: int) -> zipfile.ZipFile:  # noqa: ARG001  # a fork would share its position
    """An open zip file, because reading its table of contents takes longer than reading one small file from it."""
    return zipfile.ZipFile(archive)


def read_array(path: Path) -> Any:
    """A NumPy array that stays in its file; only the parts that are used are read.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the file is damaged.
    """
    import numpy as np  # most commands need no array

    try:
        return np.load(path, mmap_mode="r")
    except FileNotFoundError:
        raise
    except Exception as error:  # NumPy parses the header as Python and raises many types of errors
        found = f"a damaged file ({type(error).__name__})"
        raise InputError(path, expected="a NumPy array", found=found, remedy="run dvc repro") from None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path) -> str:
    """One hash over the names and the bytes of all files below a folder, but for Python's caches, as in .dvcignore.

    Links to folders are not followed, as by the readers of folders of solos: such a link counts with its target.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.parent.name != "__pycache__"):
        if path.is_file():
            digest.update(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n".encode())
        elif path.is_symlink():
            digest.update(f"{path.relative_to(folder).as_posix()} -> {path.readlink()}\n".encode())
    return digest.hexdigest()


def within(folder: Path, name: str) -> Path:
    """Return `folder / name`, and refuse a name from a data file that leads outside the folder.

    Raises:
        InputError: the name is absolute, or leaves the folder through `..` or a link.
    """
    path = folder / name
    is_possible = "\0" not in name and all(len(os.fsencode(part)) <= _LONGEST_NAME for part in path.parts)
    if not is_possible or not path.resolve().is_relative_to(folder.resolve()):
        found = "a path that leaves it" if is_possible else "no name of a file"
        remedy = "use a path relative to the folder"
        raise InputError(name[:_LONGEST_NAME], expected=f"a path inside {folder}", found=found, remedy=remedy)
    return path
