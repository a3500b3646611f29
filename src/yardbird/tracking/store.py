"""The store of runs and models: `mlflow.db` and `mlartifacts/` in the root, the defaults of `mlflow ui`.

Git and DVC are the source of truth: the store can be rebuilt from them. `MLFLOW_TRACKING_URI` selects another server.
"""

import getpass
import logging
import os
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from alembic.util import CommandError
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)
from sqlalchemy.exc import SQLAlchemyError

from yardbird.errors import YardbirdError
from yardbird.git import head_commit

EXPERIMENT = "yardbird"
#: Errors if the database is locked, read-only or damaged, or a server cannot be reached.
FAILURES = (MlflowException, SQLAlchemyError, CommandError, OSError, Timeout)
#: The kind opens the experiment on its runs, not on traces of language models.
_EXPERIMENT_TAGS = {
    MLFLOW_RUN_NOTE: (
        "Models that generate jazz solos. A run *pipeline* is one state of the pipeline (dvc.lock): all parameters, "
        "metrics, solos and the comparison. Under it are the trainings that it ran, with their curves and samples."
    ),
    "mlflow.experimentKind": "custom_model_development",
}
_SETUP_SECONDS = 120  # the first set-up takes a few seconds, and other processes wait for it


class TrackingError(YardbirdError):
    """MLflow cannot be reached or written."""


def project_root() -> Path:
    """The repository's root, also in a DVC experiment that runs in another folder."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def board_folder(root: Path, family: str, key: str) -> Path:
    """Where TensorBoard's files of a training are; `key` is that of its checkpoint."""
    return root / "tensorboard" / family / key


def tracking_uri(root: Path) -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def connect(root: Path) -> tuple[MlflowClient, str]:
    """A client and the id of the project's experiment. The first call creates the database and the experiment.

    A lock serialises processes, because creating the database concurrently damages it permanently.

    Raises:
        TrackingError: the database cannot be opened or written.
    """
    uri = tracking_uri(root)
    artifacts = (root / "mlartifacts").as_uri() if uri.startswith("sqlite:") else None
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)  # the first use logs forty lines of migrations
    try:
        with FileLock(root / "mlflow.lock", timeout=_SETUP_SECONDS):
            _create_database(uri)
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
    except FAILURES as error:
        raise TrackingError(f"MLflow at {uri}: {first_line(error)}") from None
    return client, experiment.experiment_id


def _remove_empty_default(client: MlflowClient) -> None:
    """Delete the experiment "Default" that MLflow creates in each database, so that only ours is listed."""
    default = client.get_experiment_by_name("Default")
    if default is None or default.lifecycle_stage == "deleted":
        return
    if not client.search_runs([default.experiment_id], run_view_type=ViewType.ALL, max_results=1):
        client.delete_experiment(default.experiment_id)


def _create_database(uri: str) -> None:
    """Create an SQLite database under another name first: MLflow cannot use one whose creation was interrupted."""
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:") or path.exists():
        return
    draft = path.with_name(f".{path.name}.creating")
    draft.unlink(missing_ok=True)  # of an interrupted creation
    MlflowClient(f"sqlite:///{draft}").search_experiments(max_results=1)
    draft.rename(path)


def first_line(error: BaseException) -> str:
    """The first line of an error, shortened: SQLAlchemy appends whole statements."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


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
