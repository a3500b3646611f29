"""What makes a store unusable: a server that does not answer, a file that is no database, another MLflow's schema."""

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import Timeout
from mlflow.exceptions import MlflowException
from mlflow.store import db_migrations
from mlflow.store.db import utils as mlflow_databases
from mlflow.store.db.db_types import DATABASE_ENGINES
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from mlflow.version import VERSION
from sqlalchemy.exc import SQLAlchemyError

from yardbird.errors import YardbirdError

#: Errors if the database is locked, read-only or damaged, or a server cannot be reached.
FAILURES = (MlflowException, SQLAlchemyError, CommandError, OSError, Timeout)
_SERVER = ("http", "https")
_MOVE_AWAY = "move it away, and run `yardbird mlflow sync`, which creates a new one"
#: Parts of the messages of SQLite, and what a user can do.
_REMEDIES = {
    "is not a database": _MOVE_AWAY,
    "is malformed": _MOVE_AWAY,
    "disk is full": "free space on the disk",
    "readonly database": "make mlflow.db and its folder writable",
    "unable to open database file": "make mlflow.db and its folder writable",
}


class TrackingError(YardbirdError):
    """MLflow cannot be reached or written."""


def first_line(error: BaseException) -> str:
    """The first line of an error, shortened, with a remedy if there is one: SQLAlchemy appends whole statements."""
    if isinstance(error, YardbirdError):
        return str(error)
    line = (str(error).splitlines() or [type(error).__name__])[0][:200]
    remedy = next((remedy for part, remedy in _REMEDIES.items() if part in line), "")
    return f"{line}; {remedy}" if remedy else line


def is_server(uri: str) -> bool:
    return urlsplit(uri).scheme in _SERVER


def is_database(uri: str) -> bool:
    return urlsplit(uri).scheme.partition("+")[0] in DATABASE_ENGINES


def database_file(uri: str) -> Path:
    """The file of a URI such as `sqlite:///mlflow.db`."""
    return Path(sqlalchemy.make_url(uri).database or ":memory:")


def _make_folder(db_uri: str) -> None:
    """MLflow makes the folder of the URI as written: beside a repository named `50%`, an empty one named `50%25`."""
    if db_uri.startswith("sqlite:"):
        database_file(db_uri).parent.mkdir(parents=True, exist_ok=True)


assert callable(mlflow_databases._make_parent_dirs_if_sqlite)  # the name that this version of MLflow calls
mlflow_databases._make_parent_dirs_if_sqlite = _make_folder


def shown(uri: str) -> str:
    """A URI without its password, for messages."""
    address = urlsplit(uri)
    if address.password is None:
        return uri
    host = address.netloc.rpartition("@")[2]
    return address._replace(netloc=f"{address.username}:***@{host}").geturl()


def silence(uri: str, seconds: float) -> str:
    """Why a server or a database does not answer within some seconds; empty if it does, and for files.

    One request is sent, in a thread, because the search for a host name has no time limit. MLflow itself sends eight
    requests, which takes five minutes.
    """
    if uri.startswith("sqlite:") or not (is_server(uri) or is_database(uri)):
        return ""
    ask = _ask_server if is_server(uri) else _ask_database
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_put, args=(answers, ask, uri, seconds), daemon=True).start()
    with contextlib.suppress(queue.Empty):
        return answers.get(timeout=seconds)
    return f"no answer in {seconds:g} seconds"


def check_database(uri: str) -> None:
    """
    Raises:
        TrackingError: the file is no database of MLflow, or its schema is that of another version of MLflow.
        SQLAlchemyError: the database cannot be read.
    """
    name = str(database_file(uri)) if uri.startswith("sqlite:") else shown(uri)
    with _connection(uri) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        tables = sqlalchemy.inspect(connection).get_table_names()
    script = ScriptDirectory(db_migrations.__path__[0])
    if found is None:
        if tables and uri.startswith("sqlite:"):
            raise TrackingError(f"{name}: expected MLflow's database, found one of another program; {_MOVE_AWAY}")
    elif found not in {revision.revision for revision in script.walk_revisions()}:
        raise TrackingError(
            f"{name}: expected a database of MLflow {VERSION}, found one of a newer MLflow (schema {found}); install "
            f"that MLflow, or {_MOVE_AWAY}"
        )
    elif found != script.get_current_head():
        raise TrackingError(
            f"{name}: expected a database of MLflow {VERSION}, found one of an older MLflow (schema {found}); make a "
            f"copy of it, then run `mlflow db upgrade {shown(uri)}`"
        )


def _put(answers: "queue.SimpleQueue[str]", ask: Callable[[str, float], str], uri: str, seconds: float) -> None:
    try:
        answers.put(ask(uri, seconds))
    except (*FAILURES, ImportError, ValueError) as error:  # a driver is not installed; the URI has no such form
        answers.put(" ".join(str(error).split())[-200:])


def _ask_server(uri: str, seconds: float) -> str:
    """Ask for an experiment: a proxy may forward the API only, and not the page that reports the server's health."""
    endpoint, name = "/api/2.0/mlflow/experiments/get-by-name", {"experiment_name": "Default"}
    options = {"max_retries": 0, "timeout": seconds, "raise_on_status": False}
    server = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
    answer = http_request(server, endpoint, "GET", params=name, **options)  # type: ignore[no-untyped-call]
    if answer.status_code in (401, 403):
        return f"it refuses the user (HTTP {answer.status_code}); set MLFLOW_TRACKING_USERNAME and _PASSWORD"
    with contextlib.suppress(json.JSONDecodeError):
        known = answer.json()
        if answer.ok or (isinstance(known, dict) and known.get("error_code") == "RESOURCE_DOES_NOT_EXIST"):
            return ""
    return f"HTTP {answer.status_code}, and not from MLflow's API"


def _ask_database(uri: str, _seconds: float) -> str:
    with _connection(uri):
        return ""


@contextlib.contextmanager
def _connection(uri: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
