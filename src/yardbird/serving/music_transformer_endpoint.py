"""The endpoint of the Music Transformer: generates solos over charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yardbird.devices import prepare_torch
from yardbird.generation.orders import Order
from yardbird.generation.source import open_source
from yardbird.serving.endpoint_requests import FACTS, as_config, as_orders, facts
from yardbird.tracking.endpoint import Answer, Endpoint, RequestRow

_FIRST_SOLO: Mapping[str, Any] = {
    "bars": 1, "whole_choruses": False, "temperature": 1.0, "top_k": None, "top_p": 0.95, "min_p": None, "qpm": None,
    "lowest_pitch": 0, "highest_pitch": 127,
}  # fmt: skip


def open_model(folder: Path) -> Answer:
    """Load a family's folder. The answer generates one solo for each chart, in one batch."""
    prepare_torch()
    source = open_source(folder, "music_transformer")

    def answer(rows: Sequence[RequestRow], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        config = as_config(settings)
        orders = as_orders([row["chart"] for row in rows], config)
        return [facts(solo.score) for solo in source.draw(orders, config, settings["seed"])]

    # The first solo of a process takes seconds, in which functions are compiled: no request has to wait for that.
    source.draw([Order("first", 1)], as_config(_FIRST_SOLO), 0)
    return answer


ENDPOINT = Endpoint(
    family="music_transformer",
    file=Path(__file__).parent / "registered/load_music_transformer.py",
    open_model=open_model,
    columns={"chart": True},
    params={
        "bars": "long",
        "temperature": "double",
        "top_k": "long",
        "top_p": "double",
        "min_p": "double",
        "qpm": "double",
        "artist": "string",
        "free_chorus": "long",
        "key": "string",
        "lowest_pitch": "long",
        "highest_pitch": "long",
        "whole_choruses": "boolean",
        "seed": "long",
    },
    defaults={},
    answers=FACTS,
    example=({"chart": "F7 | Bb7 | F7 | Cm7 F7"}, {"bars": 4, "seed": 1}),
    about="Generates monophonic jazz solos as MIDI, free or over a chart.",
    use="""`MLFLOW_TRACKING_URI=sqlite:///mlflow.db MLFLOW_DISABLE_TELEMETRY=true mlflow models serve \
-m models:/music_transformer@challenger --env-manager local -p 5001`, then

    curl -s 127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\
      -d '{"dataframe_records": [{"chart": "F7 | Bb7 | F7 | Cm7 F7"}], "params": {"bars": 12, "seed": 1}}'

With an empty chart, the model chooses the chords. Over a chart, the length of a solo is the number of whole choruses \
nearest to `bars`; with `"whole_choruses": false` it is exactly `bars`. In the response, `midi` is a MIDI file in \
base64.""",
    health={},
)
