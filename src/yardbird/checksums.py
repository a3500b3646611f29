"""Checksums of the files of a folder, as `sha256sum` writes them: damage is found before a file is used."""

from pathlib import Path

from yardbird import files
from yardbird.errors import InputError

SUMS = "SHA256SUMS"
_REMEDY = "delete the folder, and copy it again or run `yardbird run`, which restores what it has made"
_NOT_SUMMED = {SUMS, "README.md"}  # a card may be edited


def write_sums(folder: Path) -> None:
    """Write the checksum of each file of a complete folder to SHA256SUMS, except that of its card.

    `sha256sum -c SHA256SUMS` in the folder checks them, too.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files.write_text(
        folder / SUMS, "".join(f"{files.sha256(folder / name)}  {name}\n" for name in names if name not in _NOT_SUMMED)
    )


def check_sums(folder: Path) -> None:
    """Compare the files of a folder with its SHA256SUMS. A folder without this file, of other origin, is not checked.

    Raises:
        InputError: a file is missing or has other bytes, or SHA256SUMS is damaged.
    """
    sums = folder / SUMS
    try:
        lines = sums.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        raise InputError(sums, expected="checksums", found="other bytes", remedy=_REMEDY) from None
    if not lines:
        raise InputError(sums, expected="checksums", found="none", remedy=_REMEDY)
    for line in lines:
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64:
            raise InputError(sums, expected="checksums", found=repr(line[:80]), remedy=_REMEDY)
        path = files.within(folder, name)
        found = files.sha256(path) if path.is_file() else None
        if found != digest:
            what = "other bytes: it is damaged, or was changed" if found else "no such file"
            raise InputError(path, expected=f"the file of its checksum in {SUMS}", found=what, remedy=_REMEDY)
