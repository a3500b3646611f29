"""The description of how a registered family is served. The family's module in `yardbird.serving` defines one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["string", "long", "double", "boolean"]
#: One row of a request: its columns as text. A null is empty.
RequestRow = Mapping[str, str]
#: (rows of a request, its settings) → rows of the response.
Answer = Callable[[Sequence[RequestRow], Mapping[str, Any]], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Endpoint:
    """How a registered family responds to requests, and its texts in the model card."""

    family: str
    file: Path  # executed by MLflow to load the model; it only calls `pyfunc.serve` with this endpoint
    open_model: Callable[[Path], Answer]  # from the family's folder
    columns: Mapping[str, bool]  # of a request: is it required?
    params: Mapping[str, Kind]  # that a request may set
    defaults: Mapping[str, Any]  # of params that are not in params.yaml
    answers: Mapping[str, tuple[Kind, bool]]  # columns of a response: is it always there?
    example: tuple[RequestRow, Mapping[str, Any]]  # a row and its params
    about: str  # one or two sentences: what the model does
    use: str  # Markdown: how to send requests
    health: Mapping[str, str]  # metrics of a separate table of the card: label → name in the reports; {}: no table


@dataclass(frozen=True)
class Server:
    """An endpoint with the settings of this workspace."""

    endpoint: Endpoint
    settings: Mapping[str, Any]  # section `generate` or `sing`, and `seed`; entries that are not params are ignored

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of every param."""
        known = {**self.endpoint.defaults, **self.settings}
        return {name: known[name] for name in self.endpoint.params}
