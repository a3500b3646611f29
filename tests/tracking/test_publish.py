"""The registry and the pipeline's run, with a tiny Music Transformer and handmade reports."""

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
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from ruamel.yaml import YAML
from served import served
from tiny_transformer import NAME, scale, write_encoded, write_evaluation, write_model, write_training

from yardbird import files
from yardbird.audio.wave import Waveform
from yardbird.deciding_metrics import HEADING
from yardbird.dvc_lock import background_sources
from yardbird.generation.audition import sound_and_picture
from yardbird.music.midi import read_score
from yardbird.report_tables import Section, Table, write_sections
from yardbird.serving.music_transformer_endpoint import ENDPOINT
from yardbird.tracking.endpoint import Server
from yardbird.tracking.gate import Gate
from yardbird.tracking.model_card import model_card, read_corpus
from yardbird.tracking.publish import publish
from yardbird.tracking.runs import TrainingRun
from yardbird.tracking.solo_pages import write_solo
from yardbird.tracking.store import connect, tracking_uri
from yardbird.tracking.store_faults import TrackingError
from yardbird.tracking.sync import sync

GATE = Gate(measure="nats_per_note", baseline="ngram", requires=())
GATES = {NAME: GATE}
DEFAULTS: dict[str, Any] = {
    "bars": 2, "temperature": 1.0, "top_k": None, "top_p": 0.95, "min_p": None, "qpm": None, "artist": None,
    "free_chorus": None, "key": None, "whole_choruses": False, "lowest_pitch": 49, "highest_pitch": 81, "seed": 0,
}  # fmt: skip
SERVERS = {NAME: Server(ENDPOINT, DEFAULTS)}
LOCK = """
stages:
  train@music_transformer:
    deps: [{path: data/encoded/events, md5: 0123.dir}]
    params: {params.yaml: {seed: 7, music_transformer: {training: {batch_size: 4}}}}
    outs: [{path: models/music_transformer, md5: 4567.dir}]
"""


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stages before publish leave."""
    monkeypatch.chdir(workspace)
    write_model(0)
    write_evaluation(2.0)
    write_encoded(4)
    write_training()
    files.write_text(Path("reports/train") / f"{NAME}_curve.csv", "epoch,train_loss,validation_x\n1,3,4\n2,2,3.5\n")
    files.write_text(Path("params.yaml"), "seed: 7\naugment: {target_size: 1000}\n")
    files.write_text(Path("dvc.lock"), LOCK)
    waveform, image = Waveform(np.zeros((800, 1), np.float32), 8000), np.zeros((4, 6, 3), np.uint8)
    write_solo(Path("data/generated") / NAME / "free", "solo_000", scale(2), waveform, image)
    (Path("data/generated") / NAME / "free/solo_000.html").unlink()
    write_solo(Path("data/explored/interpolation"), "step_1", scale(2), waveform, image)
    Path("data/explored/interpolation/step_1.html").unlink()
    return workspace


def aliases(client: MlflowClient) -> dict[str, str]:
    return {alias: str(version) for alias, version in client.get_registered_model(NAME).aliases.items()}


def test_every_version_is_challenger_the_gate_decides_on_champion_and_equal_content_is_registered_once(
    project: Path,
) -> None:
    client, _ = connect(project)
    first = publish(project, GATES, SERVERS, sound_and_picture)
    assert first[NAME]["champion"] == 1
    assert publish(project, GATES, SERVERS, sound_and_picture) == first, "published again it gets the verdict it got"
    assert aliases(client) == {"champion": "1", "challenger": "1"}

    write_model(1)
    write_evaluation(2.2)
    worse = publish(project, GATES, SERVERS, sound_and_picture)
    assert worse[NAME]["champion"] == 0
    assert "Worse than the champion" in worse[NAME]["verdict"]
    assert aliases(client) == {"champion": "1", "challenger": "2"}

    write_evaluation(1.9)  # the same model, measured again
    assert publish(project, GATES, SERVERS, sound_and_picture)[NAME]["champion"] == 1
    assert aliases(client) == {"champion": "2", "challenger": "2"}

    write_evaluation(2.5)
    assert publish(project, GATES, SERVERS, sound_and_picture)[NAME]["champion"] == 0
    assert aliases(client) == {"challenger": "2"}, "a champion that no longer beats the n-gram is none"
    assert len(client.search_model_versions(f"name = '{NAME}'")) == 2

    card = client.get_model_version(NAME, "2").description
    assert "| nats per note | 2.5 | 2.4 |" in card
    assert "Does not beat the n-gram" in card
    assert "1 test, 1 train, 1 validation" in card


def test_a_model_that_copies_is_registered_but_not_champion(project: Path) -> None:
    strict = {NAME: replace(GATE, requires=("original",))}
    report = Path("reports/evaluate") / f"{NAME}.json"
    rows = files.read_json(report)
    rows["self_quotation"] = {"coverage_8_high": 0.1, "longest_run_high": 12.0, "longest_run_most_high": 15.0}
    for original, coverage in ((0, 0.9), (1, 0.05)):
        rows[NAME] |= {"original": original, "coverage_8": coverage, "longest_run": 11.0, "longest_run_most": 14.0}
        files.write_json(report, rows)
        verdict = publish(project, strict, SERVERS, sound_and_picture)[NAME]
        assert verdict["champion"] == original
        assert ("not original: 90.0% of runs of 8 intervals" in verdict["verdict"]) == (not original)
    assert aliases(connect(project)[0]) == {"champion": "1", "challenger": "1"}


@pytest.mark.slow
def test_a_former_champion_is_judged_against_its_successor(project: Path) -> None:
    client, _ = connect(project)
    publish(project, GATES, SERVERS, sound_and_picture)
    write_model(1)
    write_evaluation(1.9)
    assert publish(project, GATES, SERVERS, sound_and_picture)[NAME]["champion"] == 1
    write_model(0)
    write_evaluation(2.0)
    back = publish(project, GATES, SERVERS, sound_and_picture)
    assert (back[NAME]["champion"], "Worse than the champion" in back[NAME]["verdict"]) == (0, True)
    assert publish(project, GATES, SERVERS, sound_and_picture) == back
    assert aliases(client) == {"champion": "2", "challenger": "1"}


@pytest.mark.slow
def test_a_former_champion_replaces_a_demoted_one(project: Path) -> None:
    client, _ = connect(project)
    publish(project, GATES, SERVERS, sound_and_picture)
    write_model(1)
    for nats in (1.9, 2.5):  # promoted, then measured again and demoted
        write_evaluation(nats)
        publish(project, GATES, SERVERS, sound_and_picture)
    assert aliases(client) == {"challenger": "2"}
    write_model(0)
    write_evaluation(2.0)
    assert publish(project, GATES, SERVERS, sound_and_picture)[NAME]["champion"] == 1
    assert aliases(client) == {"champion": "1", "challenger": "1"}


@pytest.mark.slow
def test_other_defaults_make_another_version_and_other_settings_of_the_stage_do_not(project: Path) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    client, _ = connect(project)
    for defaults, versions in [({"comping": True}, 1), ({"temperature": 0.8}, 2)]:
        publish(project, GATES, {NAME: Server(ENDPOINT, {**DEFAULTS, **defaults})}, sound_and_picture)
        assert len(client.search_model_versions(f"name = '{NAME}'")) == versions


def test_the_registered_model_answers_with_midi_and_refuses_unknown_requests(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri(project))
    mlflow.set_tracking_uri(tracking_uri(project))
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    charts = pd.DataFrame({"chart": ["F7 | Bb7 F7", ""]})
    answer = model.predict(charts, params={"bars": 3, "seed": 5})
    for midi in answer["midi"]:
        (tmp_path / "answer.mid").write_bytes(base64.b64decode(midi))
        score = read_score(tmp_path / "answer.mid")
        assert (score.bar_count, score.is_monophonic) == (3, True)
    assert answer.equals(model.predict(charts, params={"bars": 3, "seed": 5}))
    nothing = pd.DataFrame({"chart": ["F7 | Bb7 F7", None]})
    assert answer.equals(model.predict(nothing, params={"bars": 3, "seed": 5})), "no chart asks for a free solo"
    assert not answer.equals(model.predict(charts, params={"bars": 3, "seed": 6}))
    whole = model.predict(charts, params={"bars": 3, "seed": 5, "whole_choruses": True})
    assert whole["bars"].tolist() == [4, 3], "of the chart's two bars"
    for params, message in [
        ({"temprature": 1.0}, "unknown params 'temprature'; known are bars, temperature"),
        ({"bars": "three"}, "bars"),
        ({"bars": 0}, "bars: expected 1 to 1024, found 0"),
        ({"bars": 1000}, "expected at most 256"),
        ({"artist": "nobody"}, "nobody: expected one of the artists"),
        ({"key": "H"}, "key: expected a key such as Bb major or D minor, found 'H'"),
    ]:
        with pytest.raises(MlflowException, match=message):
            model.predict(charts, params=params)
    with pytest.raises(MlflowException, match="chart 1, line 1: expected a chord symbol, found 'Q7'"):
        model.predict(pd.DataFrame({"chart": ["Q7"]}))
    with pytest.raises(MlflowException, match="expected at most 1024 bars in total, found 2304 in 9 solos"):
        model.predict(pd.DataFrame({"chart": [""] * 9}), params={"bars": 256})


def test_one_pipeline_run_has_metrics_solos_and_its_training(project: Path) -> None:
    client, experiment = connect(project)
    publish(project, GATES, SERVERS, sound_and_picture)
    publish(project, GATES, SERVERS, sound_and_picture)
    runs = {run.info.run_name.split()[0]: run for run in client.search_runs([experiment])}
    assert sorted(runs) == ["pipeline", "train"]
    pipeline, training = runs["pipeline"], runs["train"]
    assert pipeline.data.tags[f"training.{NAME}"] == training.info.run_id
    assert pipeline.data.metrics[f"evaluate/{NAME}.nats_per_note"] == 2.0
    assert pipeline.data.metrics[f"train/{NAME}.parameters"] == 1234
    assert pipeline.data.params["augment.target_size"] == "1000"
    solos = client.list_artifacts(pipeline.info.run_id, f"solos/{NAME}/free")
    assert sorted(Path(entry.path).suffix for entry in solos) == [".html", ".mid", ".png", ".wav"]
    explored = client.list_artifacts(pipeline.info.run_id, "explored/interpolation")
    assert sorted(Path(entry.path).suffix for entry in explored) == [".html", ".mid", ".png", ".wav"]
    files.write_text(Path("dvc.lock"), LOCK.replace("4567", "89ab"))
    publish(project, GATES, SERVERS, sound_and_picture)
    assert len(client.search_runs([experiment], "tags.stage = 'publish'")) == 2, "another lock, another run"


def test_a_training_is_nested_under_the_first_pipeline_run_that_used_it(project: Path) -> None:
    client, experiment = connect(project)

    def parent() -> str:
        (training,) = client.search_runs([experiment], f"tags.family = '{NAME}'")
        return training.data.tags["mlflow.parentRunId"]

    def pipelines() -> list[str]:
        return [run.info.run_id for run in client.search_runs([experiment], "tags.stage = 'publish'")]

    sync(project)
    (first,) = pipelines()
    assert parent() == first
    files.write_text(Path("dvc.lock"), LOCK.replace("4567", "89ab"))
    sync(project)
    assert parent() == first
    client.delete_run(first)
    sync(project)
    assert [parent()] == pipelines(), "it is nested again after its pipeline run was deleted"


def test_the_runs_name_their_data_and_show_the_ten_metrics_first(project: Path) -> None:
    ingested = "  ingest@mine:\n    outs: [{path: data/ingested/mine, md5: 89ab.dir}]\n"
    files.write_text(Path("dvc.lock"), LOCK + ingested)
    files.write_json(Path("reports/metrics/perplexity.json"), {NAME: 2.5, "music_vae": 1.5})
    table = Table(["metric", NAME], [["perplexity", "2.50 (n-gram 3.41)"]], "In brackets: …")
    write_sections(Path("reports/comparison_tables.json"), [Section(HEADING, [table])])
    files.write_json(Path("reports/validate.json"), {"validate": {"solos": 3}})
    sync(project)
    client, experiment = connect(project)
    runs = {run.info.run_name.split()[0]: run for run in client.search_runs([experiment])}
    pipeline, training = runs["pipeline"], runs["train"]
    used = {
        (entry.dataset.name, entry.dataset.digest, entry.tags[0].value)
        for run in runs.values()
        for entry in run.inputs.dataset_inputs
    }
    assert used == {("data/ingested/mine", "89ab.dir", "source"), ("data/encoded/events", "0123.dir", "training")}
    metrics = pipeline.data.metrics
    assert sorted(metrics)[:2] == [f"compare/perplexity.{NAME}", "compare/perplexity.music_vae"]
    assert (metrics[f"compare/perplexity.{NAME}"], metrics["validate/solos"]) == (2.5, 3)
    assert "| perplexity | 2.50 (n-gram 3.41) |" in pipeline.data.tags["mlflow.note.content"]
    sources = [run.data.tags["mlflow.source.name"] for run in (pipeline, training)]
    assert sources == ["stages/publish.py", "stages/train.py"]
    assert pipeline.data.tags["mlflow.user"] == training.data.tags["mlflow.user"] != ""


def test_what_a_training_has_sampled_is_heard_and_seen_once_it_is_published(project: Path) -> None:
    curve = Path("reports/train") / f"{NAME}_curve.csv"
    with TrainingRun(project, NAME, {}, {"family": NAME, "key": "0123"}, {}, project / "state") as run:
        run.on_sample(2, scale(2))
        run.finish(curve, {})
    publish(project, GATES, SERVERS, sound_and_picture)
    client, experiment = connect(project)
    (training,) = client.search_runs([experiment], f"tags.family = '{NAME}'")
    shown = client.list_artifacts(training.info.run_id, "samples")
    assert sorted(Path(entry.path).suffix for entry in shown) == [".html", ".mid", ".png", ".wav"]


def test_the_same_row_of_two_families_is_two_metrics(project: Path) -> None:
    """The n-gram of the last family was once logged as that of all families."""
    for name, nats, baseline in ((NAME, 2.0, 2.4), ("music_vae", 3.0, 3.6)):
        rows = {name: {"nats_per_note": nats}, "ngram": {"nats_per_note": baseline}, "real": {"h1": nats}}
        files.write_json(Path("reports/evaluate") / f"{name}.json", rows)
    sync(project)
    client, experiment = connect(project)
    (run,) = client.search_runs([experiment], "tags.stage = 'publish'")
    figures = {name: value for name, value in run.data.metrics.items() if name.startswith("evaluate/")}
    assert figures == {
        f"evaluate/{NAME}.nats_per_note": 2.0,
        f"evaluate/{NAME}/ngram.nats_per_note": 2.4,
        f"evaluate/{NAME}/real.h1": 2.0,
        "evaluate/music_vae.nats_per_note": 3.0,
        "evaluate/music_vae/ngram.nats_per_note": 3.6,
        "evaluate/music_vae/real.h1": 3.0,
    }


def test_the_pipeline_run_has_the_page_and_waits_for_it(project: Path, root: Path) -> None:
    files.write_text(Path("reports/index.html"), "<!doctype html>")
    sync(project)
    client, experiment = connect(project)
    (run,) = client.search_runs([experiment], "tags.stage = 'publish'")
    assert "reports/index.html" in {file.path for file in client.list_artifacts(run.info.run_id, "reports")}
    stages = YAML(typ="safe").load(root / "dvc.yaml")["stages"]
    assert set(stages["report"]["outs"]) <= set(stages["publish"]["deps"]), "or it logs the page of the run before"


@pytest.mark.parametrize(
    "method", ["get_model_version_by_alias", pytest.param("create_registered_model", marks=pytest.mark.slow)]
)
def test_a_store_that_does_not_respond_promotes_no_model(
    project: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A locked database was once treated as one without a champion, so that a worse model could be promoted."""
    publish(project, GATES, SERVERS, sound_and_picture)

    def locked(*_: object) -> None:
        raise MlflowException("database is locked", TEMPORARILY_UNAVAILABLE)

    write_model(1)
    write_evaluation(2.2)
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, method, locked)
        with pytest.raises(TrackingError, match="database is locked"):
            publish(project, GATES, SERVERS, sound_and_picture)
    assert aliases(connect(project)[0])["champion"] == "1"


def test_sync_rebuilds_a_training_from_its_curve_and_does_so_once(project: Path) -> None:
    assert sync(project).startswith("rebuilt 1 of 1 training runs and 1 pipeline runs")
    assert sync(project).startswith("rebuilt 0 of 1 training runs and 0 pipeline runs")
    client, experiment = connect(project)
    (run,) = client.search_runs([experiment], f"tags.family = '{NAME}'")
    history = client.get_metric_history(run.info.run_id, "validation_x")
    assert [(point.step, point.value) for point in history] == [(1, 4.0), (2, 3.5)]
    assert (run.data.params["seed"], run.data.params["music_transformer.training.batch_size"]) == ("7", "4")
    assert (run.data.tags["md5 data/encoded/events"], run.data.metrics["best_epoch"]) == ("0123.dir", 2)


def test_the_held_out_hash_changes_only_with_the_test_tunes(project: Path) -> None:
    before = read_corpus(Path("data/encoded/events"))
    write_encoded(4)
    assert read_corpus(Path("data/encoded/events")) == before
    write_encoded(5)
    assert read_corpus(Path("data/encoded/events")).held_out != before.held_out
    assert not before.synthetic
    write_encoded(4, "Wren Fable (synthetic)")
    assert read_corpus(Path("data/encoded/events")).synthetic


def test_the_card_names_the_origin_of_the_data(project: Path) -> None:
    corpus = read_corpus(Path("data/encoded/events"))
    invented = "Wren Fable (synthetic)"
    for artists, origin in [
        (("Ada Line",), "Solos from the user's own folders."),
        ((invented,), "**Synthetic**: the built-in etudes"),
        (("Ada Line", invented), "**Partly synthetic**, 1 of 2 artists: the built-in etudes"),
    ]:
        card = model_card(ENDPOINT, replace(corpus, artists=artists), {}, {}, GATE, "None.")
        assert f"## Data\n{origin}" in card


@pytest.mark.slow
def test_mlflow_models_serve_answers_an_http_request_with_midi(project: Path, tmp_path: Path) -> None:
    publish(project, GATES, SERVERS, sound_and_picture)
    request = {"dataframe_records": [{"chart": "F7 | Bb7"}], "params": {"bars": 4, "seed": 1}}
    with served(project, NAME) as ask:
        (answer,) = ask(request)
        (tmp_path / "answer.mid").write_bytes(base64.b64decode(answer["midi"]))
        assert read_score(tmp_path / "answer.mid").bar_count == 4
        for change, message in [
            ({"params": {"temprature": 1.0}}, "unknown params 'temprature'"),
            ({"dataframe_records": [{"chart": 5}]}, "chart 1: expected a text, found 5;"),
            ({"dataframe_records": [{"chart": "F7 | " * 10_000_000}]}, "request: expected at most 4,000,000 bytes"),
        ]:
            with pytest.raises(urllib.error.HTTPError) as refused:
                ask({**request, **change})
            assert refused.value.code == 400
            assert json.load(refused.value)["message"].startswith(message)


def test_the_card_and_the_runs_name_the_background(project: Path) -> None:
    index = Path("data/encoded/events/index.csv")
    index.write_text(index.read_text() + "others/x,others/x,train,background,Q,x,0,1.0,0,1,1\n")
    card = model_card(ENDPOINT, read_corpus(Path("data/encoded/events")), {}, {}, GATE, "None.")
    assert "\n- background: 1 solo of others\n" in card
    roles = {"others": "background", "parker": "target"}
    assert background_sources({"split": {"params": {"params.yaml": {"roles": roles}}}}) == "others"
    assert background_sources({}) == ""
