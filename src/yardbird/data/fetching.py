"""Downloads of public collections: pinned by hash, resumable, and without overwriting files."""

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from yardbird import files
from yardbird.data.public_collections import Collection, Download
from yardbird.errors import InputError
from yardbird.progress import progress

_CHUNK_BYTES = 1 << 16
_MAX_MEMBER_BYTES = 50_000_000  # of an archive; a zip bomb has more
_TIMEOUT_SECONDS = 60


def fetch(collection: Collection, folder: Path) -> list[Path]:
    """Download the missing files into `folder` and return all files, each checked against its SHA-256.

    An interrupted download stays in a hidden file; the next call continues it.

    Raises:
        InputError: there is no connection, the server fails, the bytes differ from the pinned ones, or another file of
            that name exists.
    """
    there: list[Path] = []
    for download in collection.downloads:
        wanted = dict(download.members) or {download.name: str(download.sha256)}
        missing = [name for name, digest in wanted.items() if not _is_there(folder, name, digest)]
        if missing and download.members:
            archive = _download(download, folder, f".{download.name}")
            _unpack(archive, folder, {name: wanted[name] for name in missing}, download)
            archive.unlink()
        elif missing:
            _download(download, folder, download.name)
        there += [folder / name for name in wanted]
    return there


def _is_there(folder: Path, name: str, digest: str) -> bool:
    path = files.within(folder, name)
    if not path.exists():
        return False
    if not path.is_file() or files.sha256(path) != digest:
        expected, found = f"no file, or the file with SHA-256 {digest[:12]}…", "another file of that name"
        raise InputError(path, expected=expected, found=found, remedy="move it away; no file is overwritten")
    return True


def _download(download: Download, folder: Path, name: str) -> Path:
    """Download with pooch, which writes a temporary file, checks the hash, and then moves the file into place."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    registry = {name: f"sha256:{download.sha256}" if download.sha256 else None}
    store = pooch.create(path=folder, base_url="", registry=registry, urls={name: download.url}, allow_updates=False)
    part = folder / f".{download.name}.part"
    try:
        return Path(store.fetch(name, downloader=_Resuming(part, download.max_bytes)))
    except requests.exceptions.HTTPError as error:
        answer = error.response
        found = f"{answer.status_code} {answer.reason}" if answer is not None else str(error)
        raise InputError(download.url, expected="the file", found=found, remedy="try again later") from None
    except requests.exceptions.RequestException as error:
        kept = f"; it continues after the {part.stat().st_size / 1e6:.1f} MB received" if part.exists() else ""
        found = f"a broken connection ({type(error).__name__})"
        raise InputError(download.url, expected="the file", found=found, remedy=f"run it again{kept}") from None
    except ValueError:  # pooch raises it for a wrong hash
        expected, found = f"SHA-256 {str(download.sha256)[:12]}…", "other bytes, which were deleted"
        remedy = "run it again; if the error stays, the source has changed"
        raise InputError(download.url, expected=expected, found=found, remedy=remedy) from None


@dataclass(frozen=True)
class _Resuming:
    """A downloader for pooch that continues `part`, the file of an interrupted download."""

    part: Path
    max_bytes: int

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        import requests

        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS, headers=headers) as response:
            if not (have and response.status_code == 416):  # nothing is missing: the download was complete
                response.raise_for_status()
                continued = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
                have = have if response.status_code == 206 and continued else 0
                self._receive(response, url, have)
        os.replace(self.part, output_file)

    def _receive(self, response: Any, url: str, have: int) -> None:
        left = int(response.headers.get("Content-Length") or 0)
        bar = progress(total=have + left or None, initial=have, unit="B", unit_scale=True, doing=self.part.name)
        with self.part.open("ab" if have else "wb") as file, bar:
            for chunk in response.iter_content(_CHUNK_BYTES):
                have += len(chunk)
                if have > self.max_bytes:
                    file.close()
                    self.part.unlink()
                    expected = f"at most {self.max_bytes / 1e6:.0f} MB"
                    raise InputError(url, expected=expected, found="more", remedy="the source has changed")
                file.write(chunk)
                bar.update(len(chunk))


def _unpack(archive: Path, folder: Path, wanted: dict[str, str], download: Download) -> None:
    """Write the wanted members under their names without folders if their SHA-256 matches; ignore all others."""
    import hashlib

    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                name = PurePosixPath(info.filename.replace("\\", "/")).name
                if name in wanted and info.file_size <= _MAX_MEMBER_BYTES:
                    with opened.open(info) as member:
                        content = member.read(_MAX_MEMBER_BYTES)
                    if hashlib.sha256(content).hexdigest() == wanted[name]:
                        found[name] = content
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        archive.unlink()
        reason = str(error).strip() or type(error).__name__
        remedy = "run it again"
        raise InputError(download.url, expected="an archive", found=f"none ({reason})", remedy=remedy) from None
    if missing := sorted(set(wanted) - set(found)):
        archive.unlink()
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        found_text = f"none of that SHA-256 for {named}"
        remedy = "the source has changed; nothing was written"
        raise InputError(download.url, expected="the pinned files", found=found_text, remedy=remedy)
    for name, content in found.items():
        files.write_bytes(files.within(folder, name), content)
