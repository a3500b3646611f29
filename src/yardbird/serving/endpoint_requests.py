"""Shared code of the endpoints: read charts and MIDI files of a request, write solos of a response, check limits."""

import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from yardbird.config import PARAMS
from yardbird.data.reading import ANY_SOLO, read_solo
from yardbird.errors import ConfigError, InputError, YardbirdError
from yardbird.generation.leadsheet import CHORD_SHARE, LeadSheet
from yardbird.generation.orders import GenerateConfig, Order, length_bars
from yardbird.music.midi import read_raw, write_score
from yardbird.music.score import Score
from yardbird.tracking.endpoint import Kind

MOST_BARS, MOST_BARS_IN_ALL = 256, 1024  # a request must fit in the time of the server
_MOST_MIDI = 400_000  # characters; a solo has a fiftieth of this, a band about half
_MOST_NOTES = 4096  # of a solo; the longest of the Weimar Jazz Database has 3,000
_ANY_SOLO = replace(ANY_SOLO, max_bars=MOST_BARS, chord_share=CHORD_SHARE)
#: The columns of a response for every solo.
FACTS: Mapping[str, tuple[Kind, bool]] = {
    "midi": ("string", True),
    "bars": ("long", True),
    "notes": ("long", True),
    "qpm": ("double", True),
}


def check_bars(solos: Sequence[int]) -> None:
    """Refuse requests that would take too long. `solos` has the bars of each requested solo."""
    if max(solos, default=0) > MOST_BARS:
        remedy = "request a shorter solo"
        raise InputError("bars", expected=f"at most {MOST_BARS}", found=str(max(solos)), remedy=remedy)
    if sum(solos) > MOST_BARS_IN_ALL:
        expected, found = f"at most {MOST_BARS_IN_ALL} bars in total", f"{sum(solos)} in {len(solos)} solos"
        raise InputError("request", expected=expected, found=found, remedy="split it into several requests")


def as_orders(charts: Sequence[str], config: GenerateConfig) -> list[Order]:
    """One order for each chart. With an empty chart, the model chooses the changes.

    Raises:
        InputError: a chart is invalid, or the solos are too long (see `check_bars`).
    """
    sheets = [read_chart(chart, f"chart {number}") for number, chart in enumerate(charts, 1)]
    orders = [Order(f"request_{index}", length_bars(config, sheet), sheet) for index, sheet in enumerate(sheets)]
    check_bars([order.bars for order in orders])
    return orders


def read_chart(chart: str, name: str) -> LeadSheet | None:
    """Read a lead sheet; None for an empty text. Error texts contain `name`."""
    return LeadSheet.parse(chart, name) if chart.strip() else None


def as_config(settings: Mapping[str, Any]) -> GenerateConfig:
    """The settings of a request as a section `generate`, with the same checks."""
    asked = {name: settings[name] for name in settings.keys() & GenerateConfig.__dataclass_fields__.keys()}
    fixed = {"free": 0, "solos_per_chart": 0, "measured": 1, "charts": "", "prime_bars": 0, "comping": False,
             "drums": False, "count_in": False, "artist": None, "free_chorus": None, "key": None,
             "best_of": 1, "int8": False}  # fmt: skip
    try:
        return GenerateConfig(**{**fixed, **asked})
    except ConfigError as error:  # it names params.yaml, which the sender of a request does not see
        raise YardbirdError(str(error).removeprefix(f"{PARAMS}: generate.")) from None


def read_midi(text: str, name: str) -> Score:
    """Read the solo of any MIDI file in base64. Error texts contain `name`.

    Raises:
        InputError: the text is not base64, not a MIDI file, too large, or has no solo.
    """
    if len(text) > _MOST_MIDI:
        expected, found = f"at most {_MOST_MIDI:,} characters", f"{len(text):,}"
        raise InputError(name, expected=expected, found=found, remedy="send only the track of the solo")
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        remedy = "encode the file's bytes, as `base64 solo.mid` does"
        raise InputError(name, expected="a MIDI file in base64", found="invalid base64", remedy=remedy) from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solo.mid"
        path.write_bytes(content)
        try:
            score = read_solo(read_raw(path), path, None, _ANY_SOLO).score
        except InputError as error:
            raise InputError(name, expected=error.expected, found=error.found, remedy=error.remedy) from None
    if len(score.notes) > _MOST_NOTES:
        expected, found = f"at most {_MOST_NOTES:,} notes", f"{len(score.notes):,}"
        raise InputError(name, expected=expected, found=found, remedy="send a shorter solo")
    return score


def facts(score: Score) -> dict[str, Any]:
    """The columns of `FACTS` for a solo."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solo.mid"
        write_score(score, path)
        midi = base64.b64encode(path.read_bytes()).decode()
    return {"midi": midi, "bars": score.bar_count, "notes": len(score.notes), "qpm": score.mean_qpm}
