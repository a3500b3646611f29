"""Objects of DVC's cache are compared with their hashes before they are used: DVC trusts those that are read-only."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvc.repo import Repo


def verify_objects(repo: "Repo", say: Callable[[str], None]) -> None:
    """From now on, this repository object deletes damaged cache objects when DVC asks for them, and says so in a line.

    DVC then runs the stage whose output is missing, or fetches it. Each object is hashed once, when it is checked out
    or looked up for that; the outputs of unchanged stages are not.
    """
    _verify(repo.cache.local, say)


def _verify(cache: Any, say: Callable[[str], None]) -> None:
    from dvc_objects.errors import ObjectFormatError

    trusting, sound = cache.check, set[str]()

    def check(oid: str, *arguments: Any, **options: Any) -> Any:
        path = Path(cache.oid_to_path(oid))
        if oid not in sound and path.is_file():
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "md5").hexdigest()
            if found != oid.removesuffix(".dir"):
                path.unlink()
                say(f"{path}: expected the object of its MD5 in DVC's cache, found other bytes; it is deleted")
                raise ObjectFormatError(f"{path} is damaged")
            sound.add(oid)
        return trusting(oid, *arguments, **options)

    cache.check = check
