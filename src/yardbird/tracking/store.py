"""Where runs and models are recorded: `mlflow.db` and `mlartifacts/` in the root, as a bare `mlflow ui` expects.

Git and DVC hold the truth; what stands here can be rebuilt. `MLFLOW_TRACKING_URI` points to another server.
"""

import logging
import os
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from alembic.util import CommandError
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from yardbird.errors import YardbirdError
from yardbird.git import head_commit

EXPERIMENT = "yardbird"
#: What goes wrong when the database is locked, read-only, damaged, or a server is out of reach.
FAILURES = (MlflowException, SQLAlchemyError, CommandError, OSError, Timeout)
_SETUP_SECONDS = 120  # a first set-up takes a few; several processes queue


class TrackingError(YardbirdError):
    """MLflow cannot be reached or written."""


def project_root() -> Path:
    """The repository's root, also from a DVC experiment that runs in a folder of its own."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def board_folder(root: Path, family: str, key: str) -> Path:
    """Where TensorBoard's files of a training are; `key` is that of its checkpoint."""
    return root / "tensorboard" / family / key


def tracking_uri(root: Path) -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def connect(root: Path) -> tuple[MlflowClient, str]:
    """A client, and the id of the project's experiment, both made on first use.

    Several processes that create the database at once would damage it for good: they queue at a lock.

    Raises:
        TrackingError: the database cannot be opened or written.
    """
    uri = tracking_uri(root)
    artifacts = (root / "mlartifacts").as_uri() if uri.startswith("sqlite:") else None
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)  # forty lines of migrations on first use
    try:
        with FileLock(root / "mlflow.lock", timeout=_SETUP_SECONDS):
            client = MlflowClient(uri)
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts)
            if experiment.lifecycle_stage == "deleted":
                client.restore_experiment(experiment.experiment_id)
    except FAILURES as error:
        raise TrackingError(f"MLflow at {uri}: {first_line(error)}") from None
    return client, experiment.experiment_id


def first_line(error: BaseException) -> str:
    """The start of an error's text: SQLAlchemy appends whole statements."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def provenance() -> dict[str, str]:
    """Tags that say where a run comes from: Git commit, DVC stage and experiment, as far as they are known."""
    tags = {
        "stage": os.environ.get("DVC_STAGE"),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME"),
        "mlflow.source.git.commit": head_commit(Path()),
    }
    return {name: value for name, value in tags.items() if value}
