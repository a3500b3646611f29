"""The MusicVAE's endpoint, called as the registry calls it, with a tiny model."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from endpoint_rows import VAE_SETTINGS as SETTINGS
from endpoint_rows import solo
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_vae import tiny_vae

from yardbird.errors import YardbirdError
from yardbird.generation.leadsheet import LeadSheet
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.source import open_source
from yardbird.music.midi import read_score
from yardbird.music.score import Meter, Score
from yardbird.serving.endpoint_requests import facts
from yardbird.serving.music_vae_endpoint import ENDPOINT, TASKS, open_model
from yardbird.tracking.endpoint import RequestRow

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
Ask = Callable[..., Sequence[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "music_vae"
    tiny_vae().save(path)
    return path


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Ask]:
    """`ask("encode", midi=…)`: the answer to one row."""
    answer = open_model(folder)

    def one_row(task: str, params: dict[str, Any] | None = None, **row: str) -> Sequence[dict[str, Any]]:
        return answer([row], {**SETTINGS, "task": task, **(params or {})})  # type: ignore[return-value]

    yield one_row
    torch.set_flush_denormal(False)


def heard(row: RequestRow, tmp_path: Path) -> Score:
    (tmp_path / "answer.mid").write_bytes(base64.b64decode(row["midi"]))
    return read_score(tmp_path / "answer.mid")


@pytest.mark.parametrize("meter", [Meter(0, 4, 4), Meter(0, 3, 4), Meter(0, 5, 4)])
def test_what_is_encoded_decodes_to_its_reconstruction(ask: Ask, tmp_path: Path, meter: Meter) -> None:
    midi = solo(5, meter=meter)
    (encoded,) = ask("encode", midi=midi)
    (decoded,) = ask("decode", z=encoded["z"], midi=midi)
    assert (decoded["midi"], decoded["z"]) == (encoded["midi"], encoded["z"])
    assert (encoded["windows"], encoded["bars"], encoded["lost_notes"]) == (len(json.loads(encoded["z"])), 5, 0)
    assert encoded["qpm"] == pytest.approx(180.0, abs=0.01)
    assert 0 <= encoded["note_f1"] <= 1
    assert heard(encoded, tmp_path).meters == (meter,)


@given(st.lists(st.lists(FLOATS, min_size=8, max_size=8), min_size=1, max_size=2))
@settings(max_examples=20)
def test_z_survives_json_to_the_last_bit(ask: Ask, z: list[list[float]]) -> None:
    sent = np.array(z, dtype=np.float32)
    (decoded,) = ask("decode", z=json.dumps(z))
    assert np.array(json.loads(decoded["z"]), dtype=np.float32).tobytes() == sent.tobytes()


def test_a_point_without_solo_is_decoded_over_a_chart_or_without_chords(ask: Ask, tmp_path: Path) -> None:
    z = json.dumps([[0.5] * 8] * 3)
    (bare,) = ask("decode", {"qpm": 150.0}, z=z)
    assert (bare["bars"], bare["windows"], heard(bare, tmp_path).chords) == (6, 3, ())
    assert bare["qpm"] == pytest.approx(150.0, abs=0.01)
    (over,) = ask("decode", z=z, chart="meter: 3/4\nF7 | Bb7")
    score = heard(over, tmp_path)
    assert score.chords == LeadSheet.parse("meter: 3/4\nF7 | Bb7").chord_changes(12, 6)
    assert (score.bar_count, score.meters) == (6, (Meter(0, 3, 4),))


def test_an_interpolation_begins_and_ends_with_the_reconstructions(ask: Ask) -> None:
    a, b = solo(4), solo(8, lowest=70)
    steps = ask("interpolate", midi=a, midi_b=b)
    assert [row["alpha"] for row in steps] == [0, 0.25, 0.5, 0.75, 1]
    assert [row["bars"] for row in steps] == [4, 5, 6, 7, 8]
    assert [row["windows"] for row in steps] == [2, 3, 3, 4, 4]
    for end, midi in ((steps[0], a), (steps[-1], b)):
        (encoded,) = ask("encode", midi=midi)
        assert (end["midi"], end["z"]) == (encoded["midi"], encoded["z"])


def test_sampling_equals_the_generate_stage_and_returns_the_points(ask: Ask, folder: Path, tmp_path: Path) -> None:
    (drawn,) = ask("sample", chart="F7 | Bb7")
    config = GenerateConfig(
        bars=3, whole_choruses=False, free=0, solos_per_chart=0, measured=1, charts="", prime_bars=0, temperature=1.0,
        top_k=None, top_p=0.95, min_p=None, qpm=None, artist=None, free_chorus=None, key=None, best_of=1,
        lowest_pitch=49, highest_pitch=81, comping=False, drums=False, count_in=False, int8=False,
    )  # fmt: skip
    (solo,) = open_source(folder).draw([Order("x", 3, LeadSheet.parse("F7 | Bb7"))], config, 0)
    assert facts(solo.score)["midi"] == drawn["midi"]
    assert np.array(json.loads(drawn["z"])).shape == (drawn["windows"], 8) == (2, 8)
    assert ask("sample", chart="F7 | Bb7")[0] == drawn
    assert ask("sample", {"seed": 1}, chart="F7 | Bb7")[0]["z"] != drawn["z"]
    assert ask("sample", {"temperature": 0.0}, chart="F7 | Bb7")[0]["z"] == drawn["z"]
    score = heard(drawn, tmp_path)
    assert (score.bar_count, score.is_monophonic) == (3, True)


def test_midi_of_other_software_and_base64_with_line_breaks_are_read(ask: Ask, shared: Path) -> None:
    content = sorted((shared / "parker").glob("*.mid"))[0].read_bytes()
    (encoded,) = ask("encode", midi=base64.encodebytes(content).decode())
    assert encoded["notes"] >= 0
    assert encoded["windows"] == -(-encoded["bars"] // 2)


A, POINT = solo(4), json.dumps([[0.0] * 8])


@pytest.mark.parametrize(
    ("task", "params", "row", "message"),
    [
        ("encod", {}, {"midi": A}, "task: expected one of encode, decode, interpolate, sample, found 'encod'"),
        ("encode", {}, {}, "row 1: expected the columns midi for the task encode, found none of midi"),
        ("encode", {}, {"midi": A, "z": POINT}, "expected the columns midi for the task encode, found also z"),
        ("encode", {}, {"midi": "no base64!"}, "midi 1: expected a MIDI file in base64, found invalid base64"),
        ("encode", {}, {"midi": "AAAA"}, "midi 1: expected a MIDI file, found a file of zeros only"),
        ("encode", {}, {"midi": A[:-40]}, "midi 1: expected"),
        ("encode", {}, {"midi": "A" * (1 << 21)}, "midi 1: expected at most 400,000 characters, found 2,097,152"),
        ("encode", {}, {"midi": solo(257)}, "midi 1: expected at most 256 bars, found 257"),
        ("encode", {"temperature": -1.0}, {"midi": A}, "temperature: expected 0 or more, found -1.0"),
        ("decode", {}, {"chart": "F7"}, "found none of z"),
        ("decode", {}, {"z": "here"}, "z 1: expected a JSON list of windows, each of 8 numbers, found something else"),
        ("decode", {}, {"z": "[" * 100_000}, "found something else"),
        ("decode", {}, {"z": '{"z": 1}'}, "found something else"),
        ("decode", {}, {"z": "[]"}, r"found an array of shape \(0,\)"),
        ("decode", {}, {"z": "[[0.0]]"}, r"found an array of shape \(1, 1\)"),
        ("decode", {}, {"z": "[[0,0,0,0,0,0,0,NaN]]"}, "found NaN or numbers that are too large"),
        ("decode", {}, {"z": "[[0,0,0,0,0,0,0,1e39]]"}, "found NaN or numbers that are too large"),
        ("decode", {}, {"z": json.dumps([[0.0] * 8] * 129)}, "bars: expected at most 256, found 258"),
        ("decode", {}, {"z": POINT, "chart": "Q7"}, "chart 1, line 1: expected a chord symbol, found 'Q7'"),
        ("decode", {}, {"z": POINT, "chart": "F7", "midi": A}, "row 1: expected a midi or a chart, found both"),
        ("decode", {}, {"z": POINT, "midi": A}, "z 1: expected the 2 windows of its midi, found 1"),
        (
            "decode",
            {},
            {"z": POINT, "chart": "meter: 9/4\nF7"},
            "expected windows that fill whole bars of its chart, found 1",
        ),
        ("interpolate", {}, {"midi": A}, "found none of midi_b"),
        (
            "interpolate",
            {"steps": 1},
            {"midi": A, "midi_b": A},
            r"steps: expected from 2 \(only the two solos\) to 65, found 1",
        ),
        ("interpolate", {"steps": 66}, {"midi": A, "midi_b": A}, "to 65, found 66"),
        ("interpolate", {"steps": 65}, {"midi": A, "midi_b": solo(40)}, "at most 1024 bars in total, found 2600 in 65"),
        ("sample", {}, {}, "found none of chart, empty for a free solo"),
        ("sample", {"bars": 0}, {"chart": ""}, "^bars: expected 1 to 1024, found 0"),
        ("sample", {"bars": 257}, {"chart": ""}, "bars: expected at most 256, found 257"),
        ("sample", {"lowest_pitch": 90}, {"chart": ""}, "^lowest_pitch: expected below the highest_pitch 81, found 90"),
    ],
)
def test_an_invalid_request_is_a_one_line_error(
    ask: Ask, task: str, params: dict[str, Any], row: dict[str, str], message: str
) -> None:
    with pytest.raises(YardbirdError, match=message) as error:
        ask(task, params, **row)
    assert "\n" not in str(error.value)


def test_the_card_names_every_param_column_and_task() -> None:
    assert all(task in ENDPOINT.use for task in TASKS)
    assert all(f'"{column}"' in ENDPOINT.use for column in ENDPOINT.columns)
    assert set(ENDPOINT.params) == set(SETTINGS)
