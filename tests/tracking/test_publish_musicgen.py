"""MusicGen in the registry: judged against a unigram model, with a card that names its data."""

import base64
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from served import served
from table_rows import filled
from tiny_musicgen import tiny_musicgen

from yardbird import files
from yardbird.audio.wave import read_wave
from yardbird.generation.audition import sound_and_picture
from yardbird.models.family_names import TRAINED
from yardbird.serving.musicgen_endpoint import ENDPOINT
from yardbird.tables.clip_tables import EncodedClipRow, write_clip_index
from yardbird.tracking.endpoint import Server
from yardbird.tracking.gate import Gate
from yardbird.tracking.model_card import Clips, read_corpus
from yardbird.tracking.publish import publish
from yardbird.tracking.store import connect, tracking_uri

NAME = "musicgen"
GATES = {NAME: Gate(measure="nats_per_frame", baseline="unigram", requires=())}
DEFAULTS: dict[str, Any] = {"seconds": 0.2, "guidance": 3.0, "temperature": 1.0, "top_k": 9, "seed": 0}
SERVERS = {NAME: Server(ENDPOINT, DEFAULTS)}
ENCODED = Path("data/encoded/audio")


def write_encoded(artist: str = "Ada Line (synthetic)", kind: str = "rendered", source: str = "scratch") -> None:
    """Two training solos, one of them with a copy, and a test solo; each in two clips of 3000 frames."""
    copies = [("a", "train", 0), ("a", "train", 2), ("b", "train", 0), ("c", "test", 0)]
    rows = [
        filled(EncodedClipRow, kind=kind, solo=solo, split=split, artist=artist, semitones=semitones, start=start,
               length=3000)
        for number, (solo, split, semitones) in enumerate(copies)
        for start in (6000 * number, 6000 * number + 3000)
    ]  # fmt: skip
    write_clip_index(ENCODED, rows)
    np.save(ENCODED / "codes.npy", np.arange(24_000 * 4, dtype=np.int16).reshape(-1, 4) % 16)
    told = {"codebooks": 4, "codebook_size": 16, "sample_rate": 16_000, "frame_rate": 50, "source": source}
    files.write_json(ENCODED / "codec.json", told)


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stages before publish leave."""
    monkeypatch.chdir(workspace)
    tiny_musicgen().save(Path("models") / NAME)
    files.write_json(Path("models") / NAME / TRAINED, {"family": NAME, "seed": 0, "data": "x"})
    write_encoded()
    rows = {NAME: {"nats_per_frame": 15.5}, "unigram": {"nats_per_frame": 20.25}}
    files.write_json(Path("reports/evaluate") / f"{NAME}.json", rows)
    files.write_text(Path("params.yaml"), "seed: 7\n")
    files.write_text(Path("dvc.lock"), "stages: {}\n")
    for kind in ("wav", "png", "json"):
        files.write_text(Path(f"data/generated/{NAME}/be_bop.{kind}"), "x")
    return workspace


def card(client: MlflowClient) -> str:
    return str(client.get_model_version_by_alias(NAME, "challenger").description)


def test_it_is_judged_against_the_unigram_its_card_names_its_data_and_its_sounds_are_logged(
    project: Path,
) -> None:
    client, experiment = connect(project)
    verdict = publish(project, GATES, SERVERS, sound_and_picture)[NAME]
    assert verdict["champion"] == 1
    assert verdict["verdict"].startswith("Beats unigram in nats per frame: 15.500 against 20.250.")
    assert "**Synthetic**: the built-in etudes" in card(client)
    assert "**Rendered**: a SoundFont played the notes. No instrument was recorded. Trained from" in card(client)
    assert "- original solos: 1 test, 2 train; 4 with transposed and tempo-scaled copies of the" in card(client)
    assert "training solos\n- cut into 8 clips, 8 minutes in total\n" in card(client)
    assert client.get_model_version(NAME, "1").tags["synthetic"] == "true"
    (run,) = client.search_runs([experiment], "tags.stage = 'publish'")
    logged = {file.path for file in client.list_artifacts(run.info.run_id, f"solos/{NAME}")}
    assert {f"solos/{NAME}/be_bop.{kind}" for kind in ("wav", "png", "json", "html")} <= logged


def test_the_origin_names_recordings_and_a_foreign_checkpoint(project: Path) -> None:
    write_encoded("Ada Line", "recording", "facebook/musicgen-small")
    corpus = read_corpus(ENCODED)
    assert corpus.clips == Clips(count=8, minutes=8.0, rendered=False, checkpoint="facebook/musicgen-small")
    assert corpus.origin == (
        "Solos from the user's own folders. Their licences restrict the use of these weights. Recordings, not "
        "modified. Fine-tuned from facebook/musicgen-small, whose licence also applies to these weights."
    )
    assert not corpus.synthetic
    write_encoded("", "recording")
    assert read_corpus(ENCODED).artists == ("unknown",)
    assert not read_corpus(ENCODED).synthetic


def test_the_held_out_hash_depends_on_all_clips_of_the_test_solos_and_nothing_else(project: Path) -> None:
    before = read_corpus(ENCODED).held_out
    codes = np.load(ENCODED / "codes.npy")
    codes[0] += 1  # of a training solo
    np.save(ENCODED / "codes.npy", codes)
    assert read_corpus(ENCODED).held_out == before
    codes[-1] += 1  # of the test solo's second clip
    np.save(ENCODED / "codes.npy", codes)
    assert read_corpus(ENCODED).held_out != before


def test_the_registered_model_answers_with_sound_and_refuses_unknown_requests(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri(project))
    mlflow.set_tracking_uri(tracking_uri(project))
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    sung = model.predict(pd.DataFrame({"prompt": ["jazz solo", "Mingus"]}), params={"seconds": 0.3, "seed": 5})
    for wav in sung["wav"]:
        (tmp_path / "answer.wav").write_bytes(base64.b64decode(wav))
        assert read_wave(tmp_path / "answer.wav").seconds == 0.3
    assert sung["unknown_words"].tolist() == ["", "Mingus"]
    for params, message in [
        ({"guidence": 1.0}, "unknown params 'guidence'; known are seconds, guidance"),
        ({"seconds": 61.0}, "seconds: expected at most 30, found 61"),
    ]:
        with pytest.raises(MlflowException, match=message):
            model.predict(pd.DataFrame({"prompt": ["jazz solo"]}), params=params)


@pytest.mark.slow
def test_mlflow_models_serve_answers_an_http_request_with_sound(project: Path, tmp_path: Path) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    with served(project, NAME) as ask:
        (sung,) = ask({"dataframe_records": [{"prompt": "jazz solo"}], "params": {"seconds": 0.5, "seed": 1}})
    (tmp_path / "answer.wav").write_bytes(base64.b64decode(sung["wav"]))
    assert read_wave(tmp_path / "answer.wav").seconds == 0.5
