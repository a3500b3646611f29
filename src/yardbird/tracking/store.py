"""Where runs and models are recorded: `mlflow.db` and `mlartifacts/` in the root, as a bare `mlflow ui` expects.

Git and DVC hold the truth; what stands here can be rebuilt. `MLFLOW_TRACKING_URI` points to another server.
"""

import contextlib
import logging
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from alembic.util import CommandError
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from yardbird.errors import YardbirdError

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
    tags = {"stage": os.environ.get("DVC_STAGE"), "dvc_experiment": os.environ.get("DVC_EXP_NAME")}
    with contextlib.suppress(FileNotFoundError):  # Git is not installed
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        if commit.returncode == 0:
            tags["mlflow.source.git.commit"] = commit.stdout.strip()
    return {name: value for name, value in tags.items() if value}


def flatten(section: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as `a.b.c: text`, which MLflow shows in columns."""
    flat: dict[str, str] = {}
    for name, value in section.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": str(value)}
    return flat
