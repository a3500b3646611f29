"""Runs the five experiments of the explore stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yardbird import files
from yardbird.config import Settings
from yardbird.latent.attribute_arithmetic import ArithmeticConfig, explore_arithmetic
from yardbird.latent.direction_file import DIRECTIONS
from yardbird.latent.directions import find_directions
from yardbird.latent.interpolation import InterpolationConfig, explore_interpolation
from yardbird.latent.latent_map import MapConfig, explore_map
from yardbird.latent.prior_solos import PriorConfig, explore_prior
from yardbird.latent.study import Figures, Study
from yardbird.latent.style_transfer import TransferConfig, explore_transfer
from yardbird.progress import progress

_DIGITS = 4


@dataclass(frozen=True)
class ExploreConfig(Settings, section="explore"):
    """Section `explore` of params.yaml."""

    split: Literal["validation", "test"]  # the held-out solos that the experiments use
    map: MapConfig
    interpolation: InterpolationConfig
    transfer: TransferConfig
    arithmetic: ArithmeticConfig
    prior: PriorConfig


def explore(study: Study, config: ExploreConfig, folder: Path) -> dict[str, Figures]:
    """Replace `folder` with a folder per experiment and the directions that two of them use.

    Returns:
        the headline metrics of each experiment.
    """
    directions = find_directions(study)
    with files.replacing_folder(folder) as draft:
        directions.save(draft / DIRECTIONS)
        experiments = {
            "map": lambda: explore_map(study, config.map, draft / "map"),
            "interpolation": lambda: explore_interpolation(study, config.interpolation, draft / "interpolation"),
            "transfer": lambda: explore_transfer(study, directions, config.transfer, draft / "transfer"),
            "arithmetic": lambda: explore_arithmetic(study, directions, config.arithmetic, draft / "arithmetic"),
            "prior": lambda: explore_prior(study, config.prior, draft / "prior"),
        }
        watched = progress(experiments.items(), doing="exploring", unit="experiment")
        results = {name: experiment() for name, experiment in watched}
    return {
        name: {figure: round(value, _DIGITS) for figure, value in figures.items()} for name, figures in results.items()
    }
