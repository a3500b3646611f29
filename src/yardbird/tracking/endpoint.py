"""What a family offers through the registry, in plain terms: its module in `yardbird.serving` fills this in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["string", "long", "double", "boolean"]
#: One row of a request: its columns as text; one that is missing or null is empty.
Row = Mapping[str, str]
#: The rows of a request under its settings → the rows of the answer.
Answer = Callable[[Sequence[Row], Mapping[str, Any]], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Endpoint:
    """How a registered family answers, and what its model card says of it."""

    family: str
    file: Path  # MLflow executes it to load the model; all it does is call `pyfunc.serve` with this endpoint
    open_model: Callable[[Path], Answer]  # from the family's folder
    columns: Mapping[str, bool]  # of a request: must it be there?
    params: Mapping[str, Kind]  # what a request may set
    defaults: Mapping[str, Any]  # of those params that params.yaml does not set
    answers: Mapping[str, tuple[Kind, bool]]  # columns of an answer; does every answer have it?
    example: tuple[Row, Mapping[str, Any]]  # a row and its params
    about: str  # a sentence or two: what the model does
    use: str  # markdown: how it is asked
    health: Mapping[str, str]  # what the card shows apart: words → the figure's name in the reports; {}: nothing


@dataclass(frozen=True)
class Server:
    """An endpoint under the settings of this workspace."""

    endpoint: Endpoint
    settings: Mapping[str, Any]  # section `generate` or `sing`, and `seed`; what is no param of it does not matter

    @property
    def defaults(self) -> dict[str, Any]:
        """Of every param."""
        known = {**self.endpoint.defaults, **self.settings}
        return {name: known[name] for name in self.endpoint.params}
