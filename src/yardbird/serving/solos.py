"""What the endpoints share: charts and MIDI files out of a request, solos into its answer, and what is too much."""

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yardbird.errors import InputError
from yardbird.generation.leadsheet import LeadSheet
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.music.midi import write_score
from yardbird.music.score import Score
from yardbird.tracking.endpoint import Kind, Row

MOST_BARS, MOST_BARS_IN_ALL = 256, 2048  # a request must not hold the server for hours
#: What the answer tells of every solo.
FACTS: Mapping[str, tuple[Kind, bool]] = {
    "midi": ("string", True),
    "bars": ("long", True),
    "notes": ("long", True),
    "qpm": ("double", True),
}


def check_bars(bars: int, solos: int) -> None:
    """Refuse what would take too long."""
    if bars > MOST_BARS:
        remedy = "ask for a shorter solo"
        raise InputError("bars", expected=f"at most {MOST_BARS}", found=str(bars), remedy=remedy)
    if bars * solos > MOST_BARS_IN_ALL:
        expected, found = f"at most {MOST_BARS_IN_ALL} bars in all", f"{solos} solos of {bars} bars"
        raise InputError("request", expected=expected, found=found, remedy="ask for them in several requests")


def as_orders(rows: Sequence[Row]) -> list[Order]:
    """One for the `chart` of each row; an empty one leaves the changes to the model."""
    charts = [row["chart"] for row in rows]
    return [
        Order(f"request_{index}", LeadSheet.parse(chart, f"chart {index + 1}") if chart.strip() else None)
        for index, chart in enumerate(charts)
    ]


def as_config(settings: Mapping[str, Any]) -> GenerateConfig:
    """The settings of a request that section `generate` knows; no style is asked for where they name none."""
    asked = {name: settings[name] for name in settings.keys() & GenerateConfig.__dataclass_fields__.keys()}
    fixed = {"free": 0, "solos_per_chart": 0, "charts": "", "prime_bars": 0, "comping": False, "artist": None}
    return GenerateConfig(**{**fixed, **asked})


def facts(score: Score) -> dict[str, Any]:
    """A solo as an answer tells it, see `FACTS`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solo.mid"
        write_score(score, path)
        midi = base64.b64encode(path.read_bytes()).decode()
    return {"midi": midi, "bars": score.bar_count, "notes": len(score.notes), "qpm": score.mean_qpm}
