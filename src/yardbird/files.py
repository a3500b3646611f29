"""Atomic writing of files and folders, hashes, and paths that cannot leave their folder."""

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yardbird import drafts
from yardbird.errors import InputError


def write_bytes(path: Path, content: bytes) -> None:
    """Write atomically: a reader sees the old or the new file, even after a kill or on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=drafts.place_for(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
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
    lines = _Lines()
    writer = csv.DictWriter(lines, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, lines.text.getvalue())


class _Lines:
    """Buffer for the lines of a CSV file, each ended by a newline alone.

    With a newline as line terminator, csv does not quote a carriage return in a text, and readers end the line there.
    """

    def __init__(self) -> None:
        self.text = io.StringIO()

    def write(self, line: str) -> int:
        return self.text.write(line.removesuffix("\r\n") + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder to fill. It replaces `folder` if the block succeeds and is deleted if the block fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=drafts.place_for(folder.parent), prefix=f".{folder.name}."))
    old = draft.with_name(f"{draft.name}.old")
    try:
        yield draft
        draft.chmod(0o755)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
    finally:
        if old.exists() and not folder.exists():  # the new folder could not be moved into place
            old.rename(folder)
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path) -> str:
    """One hash over the names and the bytes of all files below a folder, but for Python's caches, as in .dvcignore."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"):
        digest.update(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n".encode())
    return digest.hexdigest()


def within(folder: Path, name: str) -> Path:
    """Return `folder / name`, and refuse a name from a data file that leads outside the folder.

    Raises:
        InputError: the name is absolute, or leaves the folder through `..` or a link.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            name,
            expected=f"a path inside {folder}",
            found="a path that leaves it",
            remedy="use a path relative to the folder",
        )
    return path
