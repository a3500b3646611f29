"""The settings of the MLflow store. They are in a file without MLflow so that `yardbird check` is fast."""

from dataclasses import dataclass
from typing import Literal

from yardbird.config import PositiveFloat, Settings


@dataclass(frozen=True)
class TrackingConfig(Settings, section="tracking"):
    """Section `tracking` of params.yaml."""

    if_silent: Literal["local", "stop"]
    answer_seconds: PositiveFloat
