"""The locations of artifacts in mlflow.db. MLflow stores absolute paths, so a moved repository rewrites them."""

import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ARTIFACTS = "mlartifacts"
DATABASE = "mlflow.db"
#: A copy of the database from before the last rewriting.
BACKUP = "mlflow.db.backup"
#: Table and column of every location.
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
_WAIT_SECONDS = 20  # for other processes that write


def former_root(root: Path, experiment: str) -> Path | None:
    """Where the repository was when its database was written, if that is not `root`; the database is only read.

    An experiment whose artifacts are elsewhere, such as in `s3://`, has not moved.

    Raises:
        sqlite3.Error: the file cannot be read, or is no database of MLflow.
    """
    database = root / DATABASE
    if not database.is_file() or not database.stat().st_size:
        return None
    with _opened(database, "ro") as connection:
        if not connection.execute("select 1 from sqlite_master where name = 'experiments'").fetchone():
            return None
        row = connection.execute("select artifact_location from experiments where name = ?", (experiment,)).fetchone()
    location = local_path(row[0]) if row else None
    return location.parent if location and location.name == ARTIFACTS and location.parent != root else None


def rewrite(root: Path, former: Path) -> int:
    """Let every location below `former` point below `root`, in one transaction; returns their number.

    The database is copied first, to `BACKUP`.

    Raises:
        sqlite3.Error, OSError: the database or its folder cannot be written; then nothing has changed.
    """
    draft = root / f".{BACKUP}.draft"
    try:
        with _opened(root / DATABASE, "rw") as connection:
            with closing(sqlite3.connect(draft)) as copy:
                connection.backup(copy)
            os.replace(draft, root / BACKUP)
            changed = 0
            connection.execute("begin immediate")
            for table, column in _COLUMNS:
                for before, after in ((former.as_uri(), root.as_uri()), (str(former), str(root))):
                    rows = connection.execute(
                        f"update {table} set {column} = ? || substr({column}, ?) where substr({column}, 1, ?) = ?",
                        (after, len(before) + 1, len(before) + 1, f"{before}/"),
                    )
                    changed += rows.rowcount
            connection.execute("commit")
    finally:
        draft.unlink(missing_ok=True)
    return changed


def relocated(location: str, former: Path, root: Path) -> str:
    """A location as `rewrite` would write it."""
    before = f"{former.as_uri()}/"
    return f"{root.as_uri()}/{location.removeprefix(before)}" if location.startswith(before) else location


def local_path(location: str) -> Path | None:
    """The path of a location on this machine; None for a location on a server."""
    address = urllib.parse.urlsplit(location)
    return Path(urllib.parse.unquote(address.path)) if address.scheme == "file" else None


@contextmanager
def _opened(database: Path, mode: str) -> Iterator[sqlite3.Connection]:
    uri = f"{database.as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
        yield connection  # closing it rolls an open transaction back
