"""Fetch the folder of a registered model by name and alias or version, and list these names."""

import sqlite3
from contextlib import suppress
from pathlib import Path

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from yardbird import files
from yardbird.errors import InputError
from yardbird.tracking.artifact_locations import former_root, relocated
from yardbird.tracking.store import EXPERIMENT, is_own, settle, tracking_uri
from yardbird.tracking.store_faults import (
    FAILURES,
    TrackingError,
    check_database,
    database_file,
    first_line,
    is_database,
    shown,
)

_REGISTER = "run `dvc repro --force --single-item publish` to register the trained models, or give a folder"


def fetch_model(root: Path, reference: str) -> Path:
    """The folder of weights and codec of `name@alias` or `name@version`, downloaded from a remote store.

    If the repository has moved, the locations in mlflow.db are rewritten first; a read-only database stays as it is.

    Raises:
        InputError: no such model is registered, or its files are missing.
        TrackingError: the store cannot be read.
    """
    uri = tracking_uri(root)
    remedy = f"{_REGISTER}; `yardbird mlflow ui` lists the registered models"
    if not _exists(uri):
        raise InputError(reference, expected="a registered model", found="no database yet", remedy=remedy)
    client, former = _opened(uri, root)
    name, _, alias = reference.partition("@")
    find = client.get_model_version if alias.isdecimal() else client.get_model_version_by_alias
    try:
        source = client.get_model_version_download_uri(name, find(name, alias).version)
    except MlflowException as error:
        found = first_line(error).rstrip(".")
        if names := registered_references(root):
            remedy = f"choose one of {', '.join(names)}, or give a folder"
        raise InputError(reference, expected="a registered model", found=found, remedy=remedy) from None
    if former:
        source = relocated(source, former, root)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=source, tracking_uri=uri))
        (artifacts,) = (folder / "artifacts").iterdir()  # the one folder that publishing logs
    except (*FAILURES, ValueError) as error:
        found = f"none in {shown(source)} ({first_line(error)})"
        raise InputError(reference, expected="the files of a registered model", found=found, remedy=_REGISTER) from None
    return artifacts


def find_registered(root: Path, name: str, sha256: str) -> Path | None:
    """The folder of the version of a model whose files have this hash (`files.sha256_folder`); None without one.

    Raises:
        TrackingError: the store cannot be read.
    """
    uri = tracking_uri(root)
    if not _exists(uri):
        return None
    client, _ = _opened(uri, root)
    try:
        versions = client.search_model_versions(f"name = '{name}'")
    except MlflowException as error:
        raise TrackingError(f"MLflow at {shown(uri)}: {first_line(error)}") from None
    for version in sorted(versions, key=lambda version: int(version.version), reverse=True):
        if version.tags.get("sha256", sha256) != sha256:  # versions of former releases have no tag
            continue
        with suppress(InputError):  # its files are lost
            folder = fetch_model(root, f"{name}@{version.version}")
            if files.sha256_folder(folder) == sha256:
                return folder
    return None


def registered_references(root: Path) -> list[str]:
    """Every registered model with each of its aliases, as `name@alias`, sorted; none without a registry.

    Raises:
        InputError: the server refuses the request.
        TrackingError: the store cannot be read.
    """
    uri = tracking_uri(root)
    if not _exists(uri):
        return []
    client, _ = _opened(uri, root)
    try:
        models = client.search_registered_models()
    except MlflowException as error:
        remedy = "start its server, or unset MLFLOW_TRACKING_URI"
        raise InputError(shown(uri), expected="a model registry", found=first_line(error), remedy=remedy) from None
    return sorted(f"{model.name}@{alias}" for model in models for alias in model.aliases)


def _exists(uri: str) -> bool:
    """MLflow would create the database."""
    return not uri.startswith("sqlite:") or database_file(uri).exists()


def _opened(uri: str, root: Path) -> tuple[MlflowClient, Path | None]:
    """A client, and where the repository was if the locations in its database could not be rewritten."""
    try:
        if is_database(uri):
            check_database(uri)
        former = None
        if is_own(uri, root):
            try:
                settle(root)
            except TrackingError:  # a read-only medium
                former = former_root(root, EXPERIMENT)
        return MlflowClient(uri), former
    except (*FAILURES, sqlite3.Error) as error:
        raise TrackingError(f"MLflow at {shown(uri)}: {first_line(error)}") from None
