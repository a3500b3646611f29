"""An endpoint as an MLflow model, which maps a table of texts to a table."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

from yardbird.errors import InputError, YardbirdError
from yardbird.time_budget import time_budget
from yardbird.tracking import scoring_guard
from yardbird.tracking.endpoint import Endpoint, RequestRow, Server

MOST_ROWS = 64  # of a request
_REMEDY = "request fewer or shorter rows, or start the server with a longer --timeout"
_LONGEST_VALUE = 40  # characters of a wrong value in an error


def signature(server: Server) -> ModelSignature:
    """Input and output columns, and the params with their defaults."""
    endpoint = server.endpoint
    return ModelSignature(
        inputs=Schema([ColSpec("string", name, required) for name, required in endpoint.columns.items()]),
        outputs=Schema([ColSpec(kind, name, always) for name, (kind, always) in endpoint.answers.items()]),
        params=ParamSchema([ParamSpec(name, kind, server.defaults[name]) for name, kind in endpoint.params.items()]),
    )


class EndpointModel(PythonModel):
    """Serves an endpoint. Errors that a user can fix become one-line errors."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def load_context(self, context: PythonModelContext) -> None:
        logging.getLogger("mlflow.models.utils").addFilter(_UnknownParams(tuple(self._endpoint.params)))
        self._answer = self._endpoint.open_model(Path(context.artifacts["model"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  # MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        try:
            rows = _rows(model_input, self._endpoint)
            with time_budget(scoring_guard.budget_seconds(), _REMEDY):
                return pd.DataFrame(self._answer(rows, params or {}))
        except YardbirdError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None


def _rows(table: pd.DataFrame, endpoint: Endpoint) -> list[RequestRow]:
    """The rows of a request. MLflow checks neither their number nor, in a server, the types of their values."""
    if not len(table):  # also if no column is known: MLflow drops unknown columns
        expected = f"rows with some of the columns {', '.join(endpoint.columns)}"
        raise InputError("request", expected=expected, found="none", remedy="add a row, or fix its columns")
    if len(table) > MOST_ROWS:
        remedy = "split it into several requests"
        raise InputError("request", expected=f"at most {MOST_ROWS} rows", found=f"{len(table):,}", remedy=remedy)
    rows: list[RequestRow] = []
    for number, record in enumerate(table.to_dict("records"), 1):
        row = {
            str(name): "" if pd.api.types.is_scalar(value) and pd.isna(value) else value
            for name, value in record.items()
        }
        for name, value in row.items():
            if not isinstance(value, str):
                found, remedy = repr(value)[:_LONGEST_VALUE], "write it in quotes, or leave it out"
                raise InputError(f"{name} {number}", expected="a text", found=found, remedy=remedy)
        rows.append(row)
    return rows


def serve(endpoint: Endpoint) -> None:
    """Set the model of the file that MLflow executes. Only `Endpoint.file` may call this."""
    scoring_guard.install()
    set_model(EndpointModel(endpoint))


@dataclass(frozen=True)
class _UnknownParams:
    """A log filter that turns MLflow's warning about unknown params into an error, for models with our params.

    MLflow drops unknown params before the model sees them, so that a misspelt `temprature` would have no effect. The
    warning is the only place that names them.
    """

    known: tuple[str, ...]

    def filter(self, record: logging.LogRecord) -> bool:
        unknown, _, supported = record.getMessage().partition("Supported params are: ")
        if unknown.startswith("Unrecognized params") and all(f"'{name}'" in supported for name in self.known):
            names = unknown.removeprefix("Unrecognized params [").split("]")[0]
            raise MlflowException.invalid_parameter_value(f"unknown params {names}; known are {', '.join(self.known)}")
        return True
