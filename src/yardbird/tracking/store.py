"""The store of runs and models: `mlflow.db` and `mlartifacts/` in the root, the defaults of `mlflow ui`.

Git and DVC are the source of truth: the store can be rebuilt from them. `MLFLOW_TRACKING_URI` selects a server or
another database.
"""

import functools
import getpass
import logging
import os
import sqlite3
import sys
from pathlib import Path

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # with 7, a server that stops costs five minutes

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

from yardbird.config import read_section
from yardbird.git import head_commit
from yardbird.tracking.artifact_locations import ARTIFACTS, BACKUP, DATABASE, former_root, rewrite
from yardbird.tracking.store_faults import (
    FAILURES,
    TrackingError,
    check_database,
    database_file,
    first_line,
    is_database,
    is_server,
    shown,
    silence,
)
from yardbird.tracking.tracking_config import TrackingConfig

EXPERIMENT = "yardbird"
#: Where the artifacts of a new experiment go if `MLFLOW_TRACKING_URI` is a database. MLflow's server reads it, too.
_ARTIFACT_ROOT = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
#: The kind opens the experiment on its runs, not on traces of language models.
_EXPERIMENT_TAGS = {
    MLFLOW_RUN_NOTE: (
        "Models that generate jazz solos. A run *pipeline* is one state of the pipeline (dvc.lock): all parameters, "
        "metrics, solos and the comparison. Under it are the trainings that it ran, with their curves and samples."
    ),
    "mlflow.experimentKind": "custom_model_development",
}
_SETUP_SECONDS = 120  # the first set-up takes a few seconds, and other processes wait for it


class SilentStoreError(TrackingError):
    """The store in `MLFLOW_TRACKING_URI` does not answer."""


def project_root() -> Path:
    """The repository's root, also in a DVC experiment that runs in another folder."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def board_folder(root: Path, family: str, key: str) -> Path:
    """Where TensorBoard's files of a training are; `key` is that of its checkpoint."""
    return root / "tensorboard" / family / key


def tracking_uri(root: Path) -> str:
    """The store in `MLFLOW_TRACKING_URI`, or mlflow.db if it is not set.

    A server or a database on a server is asked once in a process whether it answers. If it does not, the process goes
    on with mlflow.db and prints a line about it.

    Raises:
        SilentStoreError: it does not answer, and `tracking.if_silent` is `stop`.
    """
    local = _local(root / DATABASE)
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    if not chosen or chosen.startswith("sqlite:"):
        return chosen or local
    return _answering(chosen, local)


@functools.cache
def _answering(uri: str, local: str) -> str:
    try:
        check_answer(uri)
    except SilentStoreError as error:
        if read_section("tracking", TrackingConfig).if_silent == "stop":
            raise SilentStoreError(f"{error}; start it, or unset MLFLOW_TRACKING_URI") from None
        os.environ["MLFLOW_TRACKING_URI"] = local  # of this process, because MLflow's own functions read it
        print(f"warning: {error}; {DATABASE} is used instead (tracking.if_silent in params.yaml)", file=sys.stderr)
        return local
    return uri


def check_answer(uri: str) -> None:
    """
    Raises:
        SilentStoreError: the server or the database does not answer within `tracking.answer_seconds`.
    """
    if not uri.startswith("sqlite:") and (is_server(uri) or is_database(uri)):  # a file needs no parameters
        fault = silence(uri, read_section("tracking", TrackingConfig).answer_seconds)
        if fault:
            raise SilentStoreError(f"the MLflow store {shown(uri)} does not answer: {fault}")


def _local(database: Path) -> str:
    """The URI of an SQLite file. SQLAlchemy decodes `%` in it, and ends the path at `?`."""
    return f"sqlite:///{database}".replace("%", "%25").replace("?", "%3F")


def is_own(uri: str, root: Path) -> bool:
    """Whether a store is the database in the root: another one may be shared, and keeps the locations it has."""
    return uri.startswith("sqlite:") and database_file(uri).resolve() == (root / DATABASE).resolve()


def connect(root: Path) -> tuple[MlflowClient, str]:
    """A client and the id of the project's experiment. The first call creates the database and the experiment.

    A lock serialises processes, because creating the database concurrently damages it permanently.

    Raises:
        TrackingError: the database cannot be opened or written.
    """
    uri = tracking_uri(root)
    artifacts = None if is_server(uri) else os.environ.get(_ARTIFACT_ROOT, (root / ARTIFACTS).as_uri())
    for name in ("alembic", "mlflow.store.db.utils"):  # the first use logs forty lines of migrations
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are logged with a traceback; they are raised, too
    try:
        with FileLock(root / "mlflow.lock", timeout=_SETUP_SECONDS):
            _create_database(uri)
            if is_database(uri):
                check_database(uri)
            if is_own(uri, root):
                _settle(root)
            client = MlflowClient(uri)
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                client.create_experiment(EXPERIMENT, artifact_location=artifacts)
                experiment = client.get_experiment_by_name(EXPERIMENT)
            assert experiment is not None
            if experiment.lifecycle_stage == "deleted":
                client.restore_experiment(experiment.experiment_id)
            for tag, text in _EXPERIMENT_TAGS.items():
                if experiment.tags.get(tag) != text:
                    client.set_experiment_tag(experiment.experiment_id, tag, text)
            if artifacts:
                _remove_empty_default(client)
    except (*FAILURES, sqlite3.Error) as error:
        raise TrackingError(f"MLflow at {shown(uri)}: {first_line(error)}") from None
    return client, experiment.experiment_id


def settle(root: Path) -> None:
    """Rewrite the locations of artifacts in mlflow.db if the repository has moved or is a copy, and print a line.

    Raises:
        TrackingError: the database cannot be read or written.
    """
    try:
        if former_root(root, EXPERIMENT):
            with FileLock(root / "mlflow.lock", timeout=_SETUP_SECONDS):
                _settle(root)
    except (*FAILURES, sqlite3.Error) as error:
        raise TrackingError(f"{root / DATABASE}: {first_line(error)}") from None


def _settle(root: Path) -> None:
    if not (former := former_root(root, EXPERIMENT)):
        return
    changed = rewrite(root, former)
    text = f"the repository was in {former}; {changed} locations in {DATABASE} now name {root} (before: {BACKUP})"
    missing = f"; copy {former / ARTIFACTS} to {root}, too" if not (root / ARTIFACTS).is_dir() else ""
    print(f"note: {text}{missing}", file=sys.stderr)


def _remove_empty_default(client: MlflowClient) -> None:
    """Delete the experiment "Default" that MLflow creates in each database, so that only ours is listed."""
    default = client.get_experiment_by_name("Default")
    if default is None or default.lifecycle_stage == "deleted":
        return
    if not client.search_runs([default.experiment_id], run_view_type=ViewType.ALL, max_results=1):
        client.delete_experiment(default.experiment_id)


def _create_database(uri: str) -> None:
    """Create an SQLite database under another name first: MLflow cannot use one whose creation was interrupted.

    The location of artifacts is given as a URI: MLflow writes it into an SQL statement, in which a path with quotes is
    an error.
    """
    if not uri.startswith("sqlite:") or ((path := database_file(uri)).exists() and path.stat().st_size):
        return
    draft = path.with_name(f".{path.name}.creating")
    draft.unlink(missing_ok=True)  # of an interrupted creation
    SqlAlchemyStore(_local(draft), (path.absolute().parent / ARTIFACTS).as_uri())  # type: ignore[no-untyped-call]
    draft.rename(path)


def provenance(stage: str) -> dict[str, str]:
    """Tags with the origin of a run: user, script, Git commit, DVC stage and experiment, if known."""
    tags = {
        "stage": stage,
        "dvc_experiment": os.environ.get("DVC_EXP_NAME"),
        MLFLOW_USER: _user(),
        MLFLOW_SOURCE_NAME: f"stages/{stage.partition('@')[0]}.py",
        MLFLOW_SOURCE_TYPE: "LOCAL",
        MLFLOW_GIT_COMMIT: head_commit(Path()),
    }
    return {name: value for name, value in tags.items() if value}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in some containers
        return ""
