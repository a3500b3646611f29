"""The store of runs and models: `mlflow.db` and `mlartifacts/` in the root, the defaults of `mlflow ui`.

Git and DVC are the source of truth: the store can be rebuilt from them. `MLFLOW_TRACKING_URI` selects another server.
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
#: Errors if the database is locked, read-only or damaged, or a server cannot be reached.
FAILURES = (MlflowException, SQLAlchemyError, CommandError, OSError, Timeout)
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
                return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts)
            if experiment.lifecycle_stage == "deleted":
                client.restore_experiment(experiment.experiment_id)
    except FAILURES as error:
        raise TrackingError(f"MLflow at {uri}: {first_line(error)}") from None
    return client, experiment.experiment_id


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


def provenance() -> dict[str, str]:
    """Tags with the origin of a run: Git commit, DVC stage and experiment, if known."""
    tags = {
        "stage": os.environ.get("DVC_STAGE"),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME"),
        "mlflow.source.git.commit": head_commit(Path()),
    }
    return {name: value for name, value in tags.items() if value}
