"""What the model registry runs: MLflow executes this file, which opens a trained family and draws solos with it.

It stands above the other packages, as the command line does, because it joins generation and tracking.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yardbird.errors import InputError
from yardbird.generation.leadsheet import LeadSheet
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import draw
from yardbird.generation.source import open_source
from yardbird.models.base import prepare_torch
from yardbird.music.score import Score
from yardbird.tracking.pyfunc import Answer, serve

_MOST_BARS, _MOST_BARS_IN_ALL = 256, 2048  # a request must not hold the server for hours


def open_model(folder: Path) -> Answer:
    """Load a family's folder; the answer draws one solo a chart, all in one batch."""
    prepare_torch()
    source = open_source(folder)

    def answer(charts: Sequence[str], settings: Mapping[str, Any]) -> list[Score]:
        if settings["bars"] > _MOST_BARS:
            found = str(settings["bars"])
            raise InputError("bars", expected=f"at most {_MOST_BARS}", found=found, remedy="ask for a shorter solo")
        if len(charts) * settings["bars"] > _MOST_BARS_IN_ALL:
            expected, found = f"at most {_MOST_BARS_IN_ALL} bars in all", f"{len(charts)} of {settings['bars']} bars"
            raise InputError("charts", expected=expected, found=found, remedy="ask for them in several requests")
        asked = {name: value for name, value in settings.items() if name != "seed"}
        config = GenerateConfig(free=0, solos_per_chart=0, charts="", prime_bars=0, comping=False, **asked)
        orders = [
            Order(f"request_{index}", LeadSheet.parse(chart, f"chart {index + 1}") if chart.strip() else None)
            for index, chart in enumerate(charts)
        ]
        return [solo.score for solo in draw(source.generate, source.codec, orders, config, settings["seed"])]

    return answer


serve(open_model)
