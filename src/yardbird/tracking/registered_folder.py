"""Fetch the folder of a registered model by name and alias or version, and list these names."""

from pathlib import Path

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from yardbird.errors import InputError
from yardbird.tracking.store import first_line, tracking_uri


def fetch_model(root: Path, reference: str) -> Path:
    """The folder of weights and codec of `name@alias` or `name@version`, downloaded from a remote store.

    Raises:
        InputError: no such model is registered.
    """
    uri = tracking_uri(root)
    remedy = "run `yardbird run` to register models, or give a folder; `yardbird mlflow ui` lists the registered models"
    if uri.startswith("sqlite:") and not Path(uri.removeprefix("sqlite:///")).exists():  # MLflow would create it
        raise InputError(reference, expected="a registered model", found="no database yet", remedy=remedy)
    client = MlflowClient(uri)
    name, _, alias = reference.partition("@")
    find = client.get_model_version if alias.isdigit() else client.get_model_version_by_alias
    try:
        source = client.get_model_version_download_uri(name, find(name, alias).version)
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=source, tracking_uri=uri))
    except MlflowException as error:
        found = first_line(error)
        raise InputError(reference, expected="a registered model", found=found, remedy=remedy) from None
    (artifacts,) = (folder / "artifacts").iterdir()  # the one folder that publishing logs
    return artifacts


def registered_references(root: Path) -> list[str]:
    """Every registered model with each of its aliases, as `name@alias`, sorted; none without a registry."""
    uri = tracking_uri(root)
    if uri.startswith("sqlite:") and not Path(uri.removeprefix("sqlite:///")).exists():  # MLflow would create it
        return []
    try:
        models = MlflowClient(uri).search_registered_models()
    except MlflowException as error:
        remedy = "start its server, or unset MLFLOW_TRACKING_URI"
        raise InputError(uri, expected="a model registry", found=first_line(error), remedy=remedy) from None
    return sorted(f"{model.name}@{alias}" for model in models for alias in model.aliases)
