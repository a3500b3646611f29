"""MLflow executes a file of its own: importing an endpoint has no effect on MLflow and loads no model code."""

import importlib
import runpy
import subprocess
import sys

import mlflow.models.model
import pytest

from yardbird.models.family_names import family_names
from yardbird.tracking.pyfunc import EndpointModel


@pytest.mark.parametrize("family", family_names())
def test_executing_the_file_of_an_endpoint_sets_the_model_and_importing_the_endpoint_does_not(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow.models.model, "__mlflow_model__", None)
    module = importlib.reload(importlib.import_module(f"yardbird.serving.{family}_endpoint"))
    assert mlflow.models.model.__mlflow_model__ is None
    runpy.run_path(str(module.ENDPOINT.file))
    model = mlflow.models.model.__mlflow_model__
    assert isinstance(model, EndpointModel)
    assert model._endpoint is module.ENDPOINT


def test_endpoints_are_described_without_loading_transformers_or_mlflow() -> None:
    names = ", ".join(f"yardbird.serving.{family}_endpoint" for family in family_names())
    code = f"import sys, {names}; print(*({{'transformers', 'mlflow'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
