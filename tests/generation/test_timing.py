import json
import time
from pathlib import Path

import pytest
import torch
from drawing import DRAW_FUNCTIONS, settings

from yardbird.devices import device_in_words, peak_memory_mib
from yardbird.generation.orders import Prime, numbered
from yardbird.generation.timing import timed, write_speed
from yardbird.music.midi import write_score
from yardbird.music.score import Score, Tempo, make_notes


def test_timing_returns_the_result_and_the_seconds() -> None:
    drawn, seconds = timed(lambda: time.sleep(0.05) or "solo")
    assert drawn == "solo"
    assert 0.05 <= seconds < 5


def test_the_speed_is_seconds_of_music_over_seconds_of_drawing(tmp_path: Path) -> None:
    write_speed("some_family", 100.004, 8.0, tmp_path)
    assert json.loads((tmp_path / "timing/some_family_generation.json").read_text()) == {
        "some_family": {
            "music_seconds": 100.0, "drawing_seconds": 8.0, "music_seconds_per_second": 12.5,
            "drawn_on": device_in_words(),
        }
    }  # fmt: skip


def test_a_prime_does_not_count_as_drawn(tmp_path: Path) -> None:
    """Two of four bars at 120 are a prime; a bar takes two seconds."""
    opening = Score(
        12, make_notes([(12 * beat, 12, 60 + beat, 87) for beat in range(16)]), 192, tempos=(Tempo(0, 120.0),)
    )
    write_score(opening, tmp_path / "opening.mid")
    config, prime = settings(bars=4), Prime(tmp_path / "opening.mid", opening, 2)
    free, primed = (
        DRAW_FUNCTIONS["prior"](numbered("free", 1, config, prime=prime), config, 0)[0] for prime in (None, prime)
    )
    assert primed.drawn_seconds == pytest.approx(4.0)
    assert free.drawn_seconds == pytest.approx(free.score.seconds)


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it is the memory of the GPU")
def test_peak_memory_never_falls_and_includes_torch() -> None:
    before = peak_memory_mib()
    block = bytearray(200 * 2**20)
    block[:: 2**12] = b"1" * len(block[:: 2**12])  # touch every page, or the memory is not resident
    assert peak_memory_mib() >= max(before, 200)
    assert 100 < before < 2**16
