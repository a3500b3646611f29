"""The MusicVAE in the registry: judged by its reconstruction error, and served by MLflow."""

import base64
import json
import urllib.error
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from served import served
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.errors import ConfigError
from yardbird.generation.audition import sound_and_picture
from yardbird.models.family_names import TRAINED
from yardbird.music.midi import read_score
from yardbird.music.score import Score, make_notes
from yardbird.serving.endpoint_requests import facts
from yardbird.serving.music_vae_endpoint import ENDPOINT
from yardbird.tracking.endpoint import Server
from yardbird.tracking.gate import Gate
from yardbird.tracking.publish import publish
from yardbird.tracking.store import connect, tracking_uri

NAME = "music_vae"
GATES = {NAME: Gate(measure="reconstruction_error", baseline="shuffled_z", requires=())}
DEFAULTS: dict[str, Any] = {
    "bars": 2, "temperature": 1.0, "top_k": None, "top_p": 0.95, "min_p": None, "qpm": None,
    "whole_choruses": False, "lowest_pitch": 49, "highest_pitch": 81, "seed": 0,
}  # fmt: skip
SERVERS = {NAME: Server(ENDPOINT, DEFAULTS)}


def scale(bars: int, lowest: int = 60) -> Score:
    return Score(12, make_notes([(12 * beat, 9, lowest + beat % 12, 90) for beat in range(4 * bars)]), 48 * bars)


def write_evaluation(error: float, collapsed: float = 0.0) -> None:
    own = {
        "reconstruction_error": error,
        "sampled_accuracy": 0.7,
        "kl": 31.5,
        "active_units": 6,
        "collapsed": collapsed,
    }
    rows = {NAME: own, "shuffled_z": {"reconstruction_error": 0.9, "sampled_accuracy": 0.4}}
    files.write_json(Path("reports/evaluate") / f"{NAME}.json", rows)


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stages before publish leave."""
    monkeypatch.chdir(workspace)
    family = tiny_vae()
    family.save(Path("models") / NAME)
    files.write_json(Path("models") / NAME / TRAINED, {"family": NAME, "seed": 0, "data": "x"})
    write_evaluation(0.3)
    encoded = Path("data/encoded/melody")
    encoded.mkdir(parents=True)
    melody = family.codec.encode(scale(4))
    for name, array in [("steps", melody.steps), ("velocities", melody.velocities), ("chords", melody.frame.chords)]:
        np.save(encoded / f"{name}.npy", np.concatenate([array, array]))
    family.codec.save(encoded / "codec.json")
    lines = [
        f"{split},{split},{split},target,Ada Line,{split},0,1.0,{4 * row},4,16"
        for row, split in enumerate(("train", "test"))
    ]
    header = "copy,solo,split,role,artist,tune_group,semitones,tempo_factor,start,length,notes"
    files.write_text(encoded / "index.csv", "\n".join([header, *lines]) + "\n")
    training = {"best_epoch": 2, "validation_sampled_accuracy": 0.72, "validation_kl": 30.25}
    files.write_json(Path("reports/train") / f"{NAME}.json", {NAME: training})
    files.write_text(Path("reports/train") / f"{NAME}_curve.csv", "epoch,train_loss,validation_kl\n1,3,4\n2,2,3.5\n")
    files.write_text(Path("params.yaml"), "seed: 7\n")
    files.write_text(Path("dvc.lock"), "stages: {}\n")
    return workspace


def card(client: MlflowClient) -> str:
    return str(client.get_model_version_by_alias(NAME, "challenger").description)


def test_it_is_judged_by_its_reconstruction_error_and_the_card_shows_its_latent_space(project: Path) -> None:
    client, _ = connect(project)
    verdict = publish(project, GATES, SERVERS, sound_and_picture)[NAME]
    assert verdict["champion"] == 1
    assert verdict["verdict"].startswith("Beats shuffled z in reconstruction error: 0.300 against 0.900.")
    assert "| latent space | validation | held out | shuffled z |" in card(client)
    assert "| step accuracy, sampled | 0.72 | 0.7 | 0.4 |" in card(client)
    assert "| KL (nats a window) | 30.25 | 31.5 |  |" in card(client)
    assert "ALARM" not in card(client)


@pytest.mark.slow
def test_a_collapsed_latent_is_not_champion_and_the_card_has_an_alarm(project: Path) -> None:
    client, _ = connect(project)
    publish(project, GATES, SERVERS, sound_and_picture)
    write_evaluation(0.3, collapsed=1.0)  # measured again
    verdict = publish(project, GATES, SERVERS, sound_and_picture)[NAME]
    assert verdict["champion"] == 0
    assert "collapsed" in verdict["verdict"]
    assert set(client.get_registered_model(NAME).aliases) == {"challenger"}
    assert "**ALARM.** The latent has collapsed" in card(client)


@pytest.mark.slow
def test_the_held_out_hash_and_the_standing_use_the_family_s_codec(project: Path) -> None:
    client, _ = connect(project)
    publish(project, GATES, SERVERS, sound_and_picture)
    before = client.get_model_version(NAME, "1").tags["held_out"]
    chords = np.load("data/encoded/melody/chords.npy")
    chords[5] += 1
    np.save("data/encoded/melody/chords.npy", chords)
    publish(project, GATES, SERVERS, sound_and_picture)
    assert client.get_model_version(NAME, "1").tags["held_out"] != before


def test_a_family_without_a_gate_is_one_clear_line(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"params.yaml: publish.music_vae: expected measure and baseline of its gate"):
        publish(project, {}, SERVERS, sound_and_picture)


@pytest.mark.slow
def test_other_defaults_of_the_endpoint_make_another_version(project: Path) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    steps = Server(replace(ENDPOINT, defaults={**ENDPOINT.defaults, "steps": 5}), {**DEFAULTS, "comping": True})
    publish(project, GATES, {NAME: steps}, sound_and_picture)
    client, _ = connect(project)
    assert len(client.search_model_versions(f"name = '{NAME}'")) == 2


def test_the_registered_model_does_all_four_tasks_and_refuses_unknown_requests(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri(project))
    mlflow.set_tracking_uri(tracking_uri(project))
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    a, b = facts(scale(4))["midi"], facts(scale(6, lowest=70))["midi"]
    encoded = model.predict(pd.DataFrame({"midi": [a, b]}), params={"task": "encode"})
    assert encoded["windows"].tolist() == [2, 3]
    decoded = model.predict(pd.DataFrame({"z": encoded["z"], "midi": [a, b]}), params={"task": "decode"})
    assert decoded["midi"].tolist() == encoded["midi"].tolist()
    way = model.predict(pd.DataFrame({"midi": [a], "midi_b": [b]}), params={"task": "interpolate", "steps": 3})
    assert way["midi"].tolist()[::2] == encoded["midi"].tolist()
    drawn = model.predict(pd.DataFrame({"chart": ["F7 | Bb7", None]}), params={"bars": 3, "seed": 5})
    for midi in drawn["midi"]:
        (tmp_path / "answer.mid").write_bytes(base64.b64decode(midi))
        assert read_score(tmp_path / "answer.mid").bar_count == 3
    for params, message in [
        ({"temprature": 1.0}, "unknown params 'temprature'; known are task, bars"),
        ({"task": "paint"}, "task: expected one of encode"),
        ({"task": "encode"}, "row 1: expected the columns midi for the task encode, found none of midi"),
    ]:
        with pytest.raises(MlflowException, match=message):
            model.predict(pd.DataFrame({"chart": [""]}), params=params)
    for nothing in (pd.DataFrame({"cart": ["F7"]}), pd.DataFrame({"chart": pd.Series([], dtype=str)})):
        with pytest.raises(
            MlflowException, match="request: expected rows with some of the columns midi, midi_b, z, chart"
        ):
            model.predict(nothing)


@pytest.mark.slow
def test_mlflow_models_serve_answers_all_four_tasks(project: Path) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    a, b = facts(scale(4))["midi"], facts(scale(6, lowest=70))["midi"]
    with served(project, NAME) as ask:

        def task(name: str, row: dict[str, str], **params: Any) -> Any:
            return ask({"dataframe_records": [row], "params": {"task": name, **params}})

        (encoded,) = task("encode", {"midi": a})
        (decoded,) = task("decode", {"z": encoded["z"], "midi": a})
        assert decoded["midi"] == encoded["midi"]
        (over,) = task("decode", {"z": encoded["z"], "chart": "F7 | Bb7"})
        assert over["bars"] == 4
        way = task("interpolate", {"midi": a, "midi_b": b}, steps=3)
        assert [row["alpha"] for row in way] == [0.0, 0.5, 1.0]
        assert way[0]["z"] == encoded["z"]
        (drawn,) = task("sample", {"chart": ""}, bars=4)
        assert drawn["bars"] == 4
        assert np.array(json.loads(drawn["z"])).shape == (2, 8)
        with pytest.raises(urllib.error.HTTPError) as refused:
            task("encode", {"midi": "AAAA"})
        assert refused.value.code == 400
        assert "midi 1: expected a MIDI file" in json.load(refused.value)["message"]
