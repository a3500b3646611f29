"""The model registry: a version for every new content. The last is `challenger`; the gate chooses `champion`."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import mlflow
import pandas as pd
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

import yardbird
from yardbird import files
from yardbird.tracking.artifact_locations import local_path
from yardbird.tracking.endpoint import Server
from yardbird.tracking.gate import Standing, Verdict, decide
from yardbird.tracking.pyfunc import signature
from yardbird.tracking.store import tracking_uri

CHAMPION, CHALLENGER = "champion", "challenger"
#: MLflow's error codes for an unknown model or alias, and for a model name that exists already.
_UNKNOWN, _KNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"), "RESOURCE_ALREADY_EXISTS"
_PACKAGE = Path(yardbird.__file__).parent


def publish_model(
    root: Path, folder: Path, standing: Standing, *, run_id: str, server: Server, tags: Mapping[str, str]
) -> tuple[ModelVersion, Verdict]:
    """Register a trained family's folder and judge it. An existing version with equal defaults is reused.

    A champion is judged once for each standing: publishing it again repeats the stored verdict. Every other version is
    compared with the current champion.

    Args:
        run_id: the run of a new version.
        tags: additional tags of the version.
    """
    client, name = MlflowClient(tracking_uri(root)), server.endpoint.family
    content = _content(folder, server)
    with FileLock(root / "mlflow.lock"):
        version = _version_of(client, name, content)
        if version is None:
            version = _register(client, root, folder, content, run_id, server)
        champion = _champion(client, name)
        is_champion = champion is not None and str(champion.version) == str(version.version)
        if is_champion and standing == _standing(version) and "verdict" in version.tags:
            verdict = Verdict(**json.loads(version.tags["verdict"]))
        else:
            verdict = decide(standing, None if champion is None or is_champion else _standing(champion))
            if verdict.promoted:
                client.set_registered_model_alias(name, CHAMPION, version.version)
            elif is_champion:  # measured again, and it fails the gate now
                client.delete_registered_model_alias(name, CHAMPION)
        remembered = {"standing": standing.text(), "verdict": json.dumps(asdict(verdict))}
        for key, value in {**tags, **remembered}.items():
            client.set_model_version_tag(name, version.version, key, value)
        client.set_registered_model_alias(name, CHALLENGER, version.version)
    return version, verdict


def describe(root: Path, version: ModelVersion, card: str) -> None:
    """Set the model card as the description of the version and of the model."""
    client = MlflowClient(tracking_uri(root))
    client.update_model_version(version.name, version.version, card)
    client.update_registered_model(version.name, card)


def _content(folder: Path, server: Server) -> str:
    """A hash of the weights and the default settings. A change of the code does not make a new version."""
    text = files.sha256_folder(folder) + json.dumps(server.defaults, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _version_of(client: MlflowClient, name: str, content: str) -> ModelVersion | None:
    """The version with this content, unless its files on this machine are lost: it is then registered again."""
    versions = client.search_model_versions(f"name = '{name}'")
    same = (version for version in versions if version.tags.get("content") == content)
    return next((version for version in same if _has_files(client, version)), None)


def _has_files(client: MlflowClient, version: ModelVersion) -> bool:
    path = local_path(client.get_model_version_download_uri(version.name, version.version))
    return path is None or path.is_dir()


def _standing(version: ModelVersion) -> Standing | None:
    """The values with which a version was last judged."""
    text = version.tags.get("standing")
    return Standing.parse(text) if text else None


def _champion(client: MlflowClient, name: str) -> ModelVersion | None:
    """The champion, or None. Other errors of the store are raised, because None would promote a worse model."""
    try:
        return client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in _UNKNOWN:
            return None
        raise


def _register(
    client: MlflowClient, root: Path, folder: Path, content: str, run_id: str, server: Server
) -> ModelVersion:
    name, (row, params) = server.endpoint.family, server.endpoint.example
    with _run(tracking_uri(root), run_id):
        model = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(server.endpoint.file),
            artifacts={"model": str(folder)},
            code_paths=[str(_PACKAGE)],  # so that it loads unchanged after changes of the library
            signature=signature(server),
            input_example=(pd.DataFrame([row]), dict(params)),
            pip_requirements=_requirements(),
        )
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != _KNOWN:
                raise
        tags = {"content": content, "sha256": files.sha256_folder(folder)}
        return client.create_model_version(name, model.model_uri, run_id, tags=tags, model_id=model.model_id)


@contextmanager
def _run(uri: str, run_id: str) -> Iterator[None]:
    """Direct MLflow's fluent functions to our database and run, silence them, and restore the state afterwards."""
    before = os.environ.get("MLFLOW_TRACKING_URI", "")  # MLflow changes it; empty means not set
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run(run_id=run_id):
            yield
    finally:
        mlflow.set_tracking_uri(before)
        logger.setLevel(level)


def _requirements() -> list[str]:
    """Our direct dependencies with their installed versions."""
    names = [re.split(r"[^\w.-]", text)[0] for text in metadata.requires("yardbird") or () if "extra ==" not in text]
    return [f"{name}=={metadata.version(name)}" for name in sorted(names)]
