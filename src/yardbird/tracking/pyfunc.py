"""A family as an MLflow model: charts in, MIDI out."""

import base64
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

from yardbird.errors import YardbirdError
from yardbird.music.midi import write_score
from yardbird.music.score import Score

#: One solo for each chart (empty: a free one), under settings named as in section `generate` and `seed`.
Answer = Callable[[Sequence[str], Mapping[str, Any]], Sequence[Score]]

#: What a request may set, and its type.
PARAMS = {
    "bars": "long",
    "temperature": "double",
    "top_k": "long",
    "top_p": "double",
    "qpm": "double",
    "artist": "string",
    "lowest_pitch": "long",
    "highest_pitch": "long",
    "seed": "long",
}


def signature(defaults: Mapping[str, Any]) -> ModelSignature:
    """A column of charts in; MIDI in base64 and what it holds out; settings with their defaults."""
    return ModelSignature(
        inputs=Schema([ColSpec("string", "chart")]),
        outputs=Schema(
            [ColSpec("string", "midi"), ColSpec("long", "bars"), ColSpec("long", "notes"), ColSpec("double", "qpm")]
        ),
        params=ParamSchema([ParamSpec(name, kind, defaults[name]) for name, kind in PARAMS.items()]),
    )


class SoloModel(PythonModel):
    """Answers a table with the column `chart` with one of the columns midi (base64), bars, notes, qpm."""

    def __init__(self, open_model: Callable[[Path], Answer]) -> None:
        self._open_model = open_model

    def load_context(self, context: PythonModelContext) -> None:
        logging.getLogger("mlflow.models.utils").addFilter(_refuse_unknown_params)
        self._answer = self._open_model(Path(context.artifacts["model"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  # MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        try:
            charts = ["" if pd.isna(chart) else chart for chart in model_input["chart"]]
            scores = self._answer(charts, params or {})
        except YardbirdError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        return pd.DataFrame(
            {
                "midi": [_as_base64(score) for score in scores],
                "bars": [score.bar_count for score in scores],
                "notes": [len(score.notes) for score in scores],
                "qpm": [score.mean_qpm for score in scores],
            }
        )


def serve(open_model: Callable[[Path], Answer]) -> None:
    """Called by the file that MLflow executes: this is its model."""
    set_model(SoloModel(open_model))


def _refuse_unknown_params(record: logging.LogRecord) -> bool:
    """MLflow drops unknown params with a warning before we see them: a misspelt `temprature` would go unnoticed.

    The warning is the only place where they can be seen, so it is made an error here.
    """
    text = record.getMessage()
    if text.startswith("Unrecognized params") and "temperature" in text:
        names = text.removeprefix("Unrecognized params [").split("]")[0]
        raise MlflowException.invalid_parameter_value(f"unknown params {names}; known are {', '.join(PARAMS)}")
    return True


def _as_base64(score: Score) -> str:
    with tempfile.TemporaryDirectory() as folder:
        write_score(score, Path(folder) / "solo.mid")
        return base64.b64encode((Path(folder) / "solo.mid").read_bytes()).decode()
