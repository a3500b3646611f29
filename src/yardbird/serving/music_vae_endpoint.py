"""The endpoint of the MusicVAE: encodes solos to points of the latent space, and decodes points to solos."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from yardbird.codecs.melody import Frame, MelodyCodec
from yardbird.devices import best_device, prepare_torch
from yardbird.errors import InputError
from yardbird.generation.latent_solos import draw
from yardbird.generation.orders import Order
from yardbird.metrics.note_agreement import note_f1
from yardbird.models.music_vae.latent_solo import Latent, Vector
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.music.score import Meter, Score
from yardbird.nn.sampling import Sampling
from yardbird.serving.endpoint_requests import FACTS, as_config, as_orders, check_bars, facts, read_chart, read_midi
from yardbird.time_budget import check_time
from yardbird.tracking.endpoint import Answer, Endpoint, RequestRow

_MOST_STEPS = 65  # of an interpolation
_MOST_Z = 2_000_000  # characters; the z of 256 bars has up to 1.5 million
Settings = Mapping[str, Any]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Task:
    answer: Callable[[MusicVAEFamily, Sequence[RequestRow], Settings], Rows]
    needed: tuple[str, ...]  # columns that require a text in every row
    allowed: tuple[str, ...] = ()  # columns that may be empty


def _encode(
    family: MusicVAEFamily,
    rows: Sequence[RequestRow],
    settings: Settings,  # noqa: ARG001  # the signature of a task
) -> Rows:
    """The point of each solo, and how well its reconstruction matches."""
    solos = _read(rows, "midi")
    check_bars([solo.bar_count for solo in solos])
    answers = []
    for solo in solos:
        (latent,) = family.encode([solo])
        (back,) = family.decode([latent])
        grid = family.codec.grid(solo)
        kept = {"lost_notes": grid.merged_notes, "note_f1": note_f1(grid.score, back)}
        answers.append({**_point(latent.z), **facts(back), **kept})
    return answers


def _decode(family: MusicVAEFamily, rows: Sequence[RequestRow], settings: Settings) -> Rows:
    """The solo at each point: with the frame of its original solo, or over a chart, or in 4/4 without chords."""
    points = [_read_points(row["z"], f"z {number}", family.config.latent_dim) for number, row in enumerate(rows, 1)]
    sheets = [read_chart(row.get("chart", ""), f"chart {number}") for number, row in enumerate(rows, 1)]
    check_bars([len(z) * family.config.bars for z in points])
    config = replace(as_config(settings), temperature=0.0, lowest_pitch=0, highest_pitch=127)
    answers = []
    for number, (row, z, sheet) in enumerate(zip(rows, points, sheets, strict=True), 1):
        if row.get("midi"):
            if sheet:
                remedy = "leave one of them out"
                raise InputError(f"row {number}", expected="a midi or a chart", found="both", remedy=remedy)
            (latent,) = family.encode([read_midi(row["midi"], f"midi {number}")])
            _check_windows(number, z, len(latent.z), f"the {len(latent.z)} windows of its midi")
            (score,) = family.decode([latent.with_z(z)])
        else:
            meter = sheet.meter if sheet else Meter(0, 4, 4)
            segments = -(-meter.bar_ticks(family.codec.config.steps_per_beat) // family.codec.segment_steps)
            bars = len(z) * family.config.bars // segments
            _check_windows(
                number, z, -(-bars * segments // family.config.bars), "windows that fill whole bars of its chart"
            )
            order = Order(f"request_{number}", bars, sheet)
            score = draw(_Points(family, z), [order], config, settings["seed"])[0].score
        answers.append({**_point(z), **facts(score)})
    return answers


def _interpolate(family: MusicVAEFamily, rows: Sequence[RequestRow], settings: Settings) -> Rows:
    """(1 − α)·a + α·b for `steps` equally spaced α from 0 to 1, inclusive. The ends are the reconstructions."""
    steps = settings["steps"]
    if not 2 <= steps <= _MOST_STEPS:
        expected = f"from 2 (only the two solos) to {_MOST_STEPS}"
        raise InputError("steps", expected=expected, found=str(steps), remedy="change the number")
    starts, stops = _read(rows, "midi"), _read(rows, "midi_b")
    longest = [max(a.bar_count, b.bar_count) for a, b in zip(starts, stops, strict=True)]
    check_bars([bars for bars in longest for _ in range(steps)])
    answers = []
    for a, b in zip(family.encode(starts), family.encode(stops), strict=True):
        for alpha in np.linspace(0, 1, steps).tolist():
            latent = (1 - alpha) * a + alpha * b
            (score,) = family.decode([latent])
            z = latent.z[: -(-latent.segments // family.config.bars)]  # windows beyond the mixed length are not decoded
            answers.append({"alpha": alpha, **_point(z), **facts(score)})
    return answers


def _sample(family: MusicVAEFamily, rows: Sequence[RequestRow], settings: Settings) -> Rows:
    """Points sampled from the prior, decoded over each chart, or without chart."""
    source, config = _Points(family), as_config(settings)
    solos = draw(source, as_orders([row["chart"] for row in rows], config), config, settings["seed"])
    return [{**_point(z), **facts(solo.score)} for z, solo in zip(source.used, solos, strict=True)]


TASKS = {
    "encode": _Task(_encode, ("midi",)),
    "decode": _Task(_decode, ("z",), ("chart", "midi")),
    "interpolate": _Task(_interpolate, ("midi", "midi_b")),
    "sample": _Task(_sample, (), ("chart",)),
}


def open_model(folder: Path) -> Answer:
    """Load a family's folder. The answer applies the task of the param `task` to every row."""
    prepare_torch()
    family = MusicVAEFamily.load(folder)
    family.model.to(best_device())

    def answer(rows: Sequence[RequestRow], settings: Settings) -> Rows:
        name = settings["task"]
        if name not in TASKS:
            known = ", ".join(TASKS)
            raise InputError("task", expected=f"one of {known}", found=repr(name), remedy="choose one of them")
        as_config(settings)  # checks the settings for all tasks
        _check_columns(name, rows)
        return TASKS[name].answer(family, rows, settings)

    return answer


class _Points:
    """A family for `draw`, which decodes given points, or else sampled points. `used` stores the points."""

    codec: MelodyCodec

    def __init__(self, family: MusicVAEFamily, given: Vector | None = None) -> None:
        self.codec, self._family, self._given = family.codec, family, given
        self.used: list[Vector] = []

    def prior(self, frames: Sequence[Frame], seeds: Sequence[int], before: Sequence[Score | None], /) -> list[Latent]:
        given = self._given
        if given is None:
            latents = self._family.prior(frames, seeds, before)
        else:
            latents = [Latent(given, ((1.0, frame),)) for frame in frames]
        self.used += [latent.z for latent in latents]
        return latents

    def decode(
        self, latents: Sequence[Latent], *, sampling: Sampling, pitch_range: tuple[int, int], seeds: Sequence[int]
    ) -> list[Score]:
        return self._family.decode(latents, sampling=sampling, pitch_range=pitch_range, seeds=seeds)


def _check_columns(name: str, rows: Sequence[RequestRow]) -> None:
    task = TASKS[name]
    known = (*task.needed, *task.allowed)
    for number, row in enumerate(rows, 1):
        lacking = [column for column in task.needed if not row.get(column)]
        if name == "sample" and "chart" not in row:  # else a misspelt column would generate a free solo
            lacking = ["chart, empty for a free solo"]
        surplus = [column for column, text in row.items() if text and column not in known]
        if lacking or surplus:
            found = f"none of {', '.join(lacking)}" if lacking else f"also {', '.join(surplus)}"
            expected = f"the columns {', '.join(known)} for the task {name}"
            raise InputError(f"row {number}", expected=expected, found=found, remedy="change the row or the task")


def _read(rows: Sequence[RequestRow], column: str) -> list[Score]:
    solos = []
    for number, row in enumerate(rows, 1):
        check_time()
        solos.append(read_midi(row[column], f"{column} {number}"))
    return solos


def _read_points(text: str, name: str, size: int) -> Vector:
    """Read z as `_point` wrote it, exactly the same float32 values."""
    if len(text) > _MOST_Z:
        expected, found = f"at most {_MOST_Z:,} characters", f"{len(text):,}"
        raise InputError(name, expected=expected, found=found, remedy="send fewer windows")
    try:
        z = np.array(json.loads(text), dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        found = "something else"
    else:
        found = "NaN or numbers that are too large" if z.shape[1:] == (size,) else f"an array of shape {z.shape}"
        if z.shape[1:] == (size,) and bool((np.abs(z) <= np.finfo(np.float32).max).all()):
            return z.astype(np.float32)
    expected = f"a JSON list of windows, each of {size} numbers"
    raise InputError(name, expected=expected, found=found, remedy="send the z of a response of task encode")


def _check_windows(number: int, z: Vector, needed: int, expected: str) -> None:
    if len(z) != needed:
        raise InputError(f"z {number}", expected=expected, found=f"{len(z)}", remedy="send a z of matching length")


def _point(z: Vector) -> dict[str, Any]:
    return {"z": json.dumps(z.tolist(), separators=(",", ":")), "windows": len(z)}


ENDPOINT = Endpoint(
    family="music_vae",
    file=Path(__file__).parent / "registered/load_music_vae.py",
    open_model=open_model,
    columns={"midi": False, "midi_b": False, "z": False, "chart": False},
    params={
        "task": "string",
        "bars": "long",
        "steps": "long",
        "temperature": "double",
        "top_k": "long",
        "top_p": "double",
        "min_p": "double",
        "qpm": "double",
        "lowest_pitch": "long",
        "highest_pitch": "long",
        "whole_choruses": "boolean",
        "seed": "long",
    },
    defaults={"task": "sample", "steps": 9},
    answers={
        "z": ("string", True),
        "windows": ("long", True),
        **FACTS,
        "lost_notes": ("long", False),
        "note_f1": ("double", False),
        "alpha": ("double", False),
    },
    example=({"chart": "F7 | Bb7 | F7 | Cm7 F7"}, {"task": "sample", "bars": 4, "seed": 1}),
    about=(
        "Encodes monophonic jazz solos to points of a latent space and decodes points to solos: to vary, mix and "
        "interpolate solos, or to generate new ones."
    ),
    use="""`MLFLOW_TRACKING_URI=sqlite:///mlflow.db MLFLOW_DISABLE_TELEMETRY=true mlflow models serve \
-m models:/music_vae@challenger --env-manager local -p 5002`, then one of four tasks. Every row of a \
response has a point of the latent space (`z`, JSON) and its solo (`midi`, base64).

    ask() { curl -s 127.0.0.1:5002/invocations -H 'Content-Type: application/json' -d @-; }
    midi() { base64 < "$1" | tr -d '\\n'; }
    echo '{"dataframe_records": [{"midi": "'"$(midi a.mid)"'"}], "params": {"task": "encode"}}' | ask
    echo '{"dataframe_records": [{"z": "'"$z"'", "chart": "F7 | Bb7"}], "params": {"task": "decode"}}' | ask
    echo '{"dataframe_records": [{"midi": "'"$(midi a.mid)"'", "midi_b": "'"$(midi b.mid)"'"}],
           "params": {"task": "interpolate", "steps": 9}}' | ask
    echo '{"dataframe_records": [{"chart": "F7 | Bb7 | F7 | Cm7 F7"}],
           "params": {"task": "sample", "bars": 12, "seed": 1}}' | ask

- encode: the posterior mean, one row of z for each window. The solo is the reconstruction, `note_f1` its similarity \
to the input, and `lost_notes` the number of notes that the grid merges.
- decode: over the changes of a chart; or, with the `midi` that z was encoded from, in the bars and tempo of that \
solo; or in 4/4 without chords. Greedy decoding.
- interpolate: one row for each step from one solo to the other. The ends are the reconstructions.
- sample: points of the prior, sampled at `temperature`, over a chart, or without chords if the chart is empty. Over a \
chart, the length is the number of whole choruses nearest to `bars`; with `"whole_choruses": false` exactly `bars`.""",
    health={
        "KL (nats a window)": "kl",
        "active units": "active_units",
        "step accuracy, teacher-forced": "forced_accuracy",
        "step accuracy, sampled": "sampled_accuracy",
        "note F1, sampled": "note_f1",
        "accuracy lost with z shuffled": "gain_on_shuffled",
        "note F1 lost with z shuffled": "note_gain_on_shuffled",
    },
)
