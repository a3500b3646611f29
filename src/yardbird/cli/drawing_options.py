"""Options that the commands that draw share: settings of params.yaml, the seed, the model."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from yardbird.cli.console import note
from yardbird.errors import ConfigError, InputError

Settings = TypeVar("Settings", bound=Any)  # a dataclass
_SEEDS = 1_000_000


def chosen_seed(seed: int | None) -> tuple[int, bool]:
    """The seed of the option, or a new one; and whether it is new."""
    return (secrets.randbelow(_SEEDS), True) if seed is None else (seed, False)


def note_seed(seed: int) -> None:
    note(f"drawn with a new seed; --seed {seed} gives the same result again")


def with_options(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """A section of params.yaml with the values of options; None keeps the section's value.

    Raises:
        InputError: the value of an option is invalid; the error names the option.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return replace(settings, **given)
    except ConfigError as error:
        name = error.key.rpartition(".")[2]
        if name not in given:
            raise
        option = f"--{name.replace('_', '-')}"
        raise InputError(option, expected=error.expected, found=error.found, remedy="change it") from None


def model_folder(model: str) -> Path:
    """The folder of a model: the path itself, or the registry's folder of `name@alias`."""
    if "@" not in model or Path(model).exists():
        return Path(model)
    from yardbird.tracking.registered_folder import fetch_model
    from yardbird.tracking.store import project_root

    return fetch_model(project_root(), model)
