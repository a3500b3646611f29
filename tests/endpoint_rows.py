"""Settings and solos for requests to served models."""

from typing import Any

from yardbird.music.score import Meter, Score, Tempo, make_notes
from yardbird.serving.endpoint_requests import facts

VAE_SETTINGS: dict[str, Any] = {
    "task": "sample", "bars": 3, "whole_choruses": False, "steps": 5, "temperature": 1.0, "top_k": None, "top_p": 0.95,
    "min_p": None, "qpm": None, "lowest_pitch": 49, "highest_pitch": 81, "seed": 0,
}  # fmt: skip
SOUND_SETTINGS: dict[str, Any] = {"seconds": 0.3, "guidance": 3.0, "temperature": 1.0, "top_k": 9, "seed": 0}
FOUR_FOUR = Meter(0, 4, 4)


def solo(bars: int, lowest: int = 60, meter: Meter = FOUR_FOUR) -> str:
    beats = bars * meter.bar_ticks(12) // 12
    notes = make_notes([(12 * beat, 9, lowest + beat % 12, 90) for beat in range(beats)])
    return str(facts(Score(12, notes, 12 * beats, tempos=(Tempo(0, 180.0),), meters=(meter,)))["midi"])
