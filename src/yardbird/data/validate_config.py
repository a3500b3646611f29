"""The settings of stage validate."""

from dataclasses import dataclass
from typing import Annotated, Literal

from yardbird.config import ASCENDING, Settings


@dataclass(frozen=True)
class ValidateConfig(Settings, section="validate"):
    """Section `validate` of params.yaml."""

    on_error: Literal["set_aside", "stop"]  # a solo with an error: leave it out of the later stages, or stop
    qpm_range: Annotated[tuple[float, ...], ASCENDING]  # mean tempo: an error outside; at any moment: a warning
    pitch_range: Annotated[tuple[int, ...], ASCENDING]  # a warning outside
    min_bars: int  # fewer: an error
    min_chord_coverage: float  # share of a solo's notes under a chord; less: a warning
