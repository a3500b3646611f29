"""What listeners, clients and visitors send, mutated: an answer or one line, never a traceback."""

import base64
import json
import random
from pathlib import Path

import pandas as pd
import pytest
from fuzzed_readers import READERS
from mlflow.exceptions import MlflowException
from mutations import mutated
from starlette.testclient import TestClient
from tiny_blind_test import ANY_RATE, make_tiny_test
from tiny_vae import tiny_vae
from whole_files import midi_files

from yardbird.blindtest.app import make_app
from yardbird.blindtest.bundle import VOTES
from yardbird.blindtest.offline import import_answers
from yardbird.blindtest.votes import VoteStore
from yardbird.errors import InputError
from yardbird.serving.music_vae_endpoint import ENDPOINT
from yardbird.studio import measure_desk
from yardbird.studio.studio_session import Chosen
from yardbird.tracking.pyfunc import EndpointModel

JSON = (
    b"null",
    b"NaN",
    b"1e999",
    b'"\\ud800"',
    b"true",
    b"[]",
    b"{}",
    b"[" * 900,
    b'"' + b"0" * 16 + b'"',
    b"9" * 1500,
)
PROFILE = {"consent": True, "expertise": "listener", "headphones": 6}


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_a_mutated_answer_of_a_listener_is_no_server_error(tmp_path: Path, count: int) -> None:
    test, key = make_tiny_test(tmp_path)
    app = make_app(
        tmp_path, test, key, VoteStore(tmp_path / VOTES), "token", hosts=["testserver"], requests_per_minute=ANY_RATE,
        secure=False,
    )  # fmt: skip
    browser = TestClient(app)
    question = browser.post("api/listeners", json=PROFILE).json()["question"]
    bodies = [json.dumps(one).encode() for one in ({"question": question, "answer": "yes", "why": "so"}, PROFILE)]
    bodies += [b'{"question": "0", "answer": "yes", "why": "\\ud800"}', b'{"consent": NaN}']
    statuses = set()
    for seed in range(count):
        content = mutated(bodies, random.Random(seed), JSON) if seed > 1 else bodies[-1 - seed]
        for path in ("api/votes", "api/listeners"):
            statuses.add(browser.post(path, content=content, headers={"content-type": "application/json"}).status_code)
    assert max(statuses) < 500
    assert 422 in statuses


def test_a_mutated_file_of_answers_is_imported_or_refused_in_one_line(tmp_path: Path) -> None:
    test, _ = make_tiny_test(tmp_path / "test")
    store = VoteStore(tmp_path / "test" / VOTES)
    content = {
        "format": "yardbird-blind-test-2", "test": test.id, "listener": "a" * 32, "profile": PROFILE,
        "votes": [{"question": test.questions[0][0], "answer": "yes", "why": "so"}],
    }  # fmt: skip
    whole, path, imported = json.dumps(content).encode(), tmp_path / "answers.json", 0
    for seed in range(300):
        path.write_bytes(mutated([whole], random.Random(seed), JSON))
        try:
            imported += import_answers(path, test, store)[0]
        except InputError as error:
            assert str(error).startswith(f"{path}: expected ")  # noqa: PT017  # both outcomes are right
            assert len(str(error).splitlines()) == 1  # noqa: PT017
    assert imported


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> EndpointModel:
    folder = tmp_path_factory.mktemp("served")
    tiny_vae().save(folder)
    model = EndpointModel(ENDPOINT)
    model._answer = ENDPOINT.open_model(folder)
    return model


@pytest.mark.parametrize("count", [6, pytest.param(48, marks=pytest.mark.slow)])
def test_a_mutated_request_of_a_served_model_is_answered_or_refused_in_one_line(
    served: EndpointModel, count: int
) -> None:
    charts = READERS["chart"].seeds() + READERS["irealpro"].seeds()
    solos = [base64.b64encode(content) for content in midi_files()[-2:]]
    settings = {
        "task": "sample", "bars": 2, "whole_choruses": False, "steps": 3, "temperature": 1.0, "top_k": None,
        "top_p": 0.95, "min_p": None, "qpm": None, "lowest_pitch": 49, "highest_pitch": 81, "seed": 0,
    }  # fmt: skip
    odd = [-1, 0, 10**6, 1e300, -1e300, float("nan"), float("inf"), 2**63]
    for seed in range(count):
        choose = random.Random(seed)

        def text(whole: list[bytes], choose: random.Random = choose) -> str:
            return mutated(whole, choose, (b"F7", b"|", *JSON)).decode("utf-8", "replace")

        midi = base64.b64encode(mutated(midi_files()[-2:], choose)).decode() if seed % 2 else text(solos)
        rows = {
            "sample": {"chart": text(charts)},
            "encode": {"midi": midi},
            "decode": {"z": text([json.dumps([[0.5] * 8]).encode()]), "chart": choose.choice(("", text(charts)))},
            "interpolate": {"midi": midi, "midi_b": solos[0].decode()},
        }
        task = choose.choice(list(rows))
        params = {**settings, "task": task}
        if choose.random() < 0.3:
            params[choose.choice(list(settings)[1:])] = choose.choice(odd)
        try:
            served.predict(None, pd.DataFrame([rows[task]]), params)  # type: ignore[arg-type]
        except MlflowException as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017  # both outcomes are right


def test_mutated_uploads_to_the_studio_are_measured_or_refused_in_one_line(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    files = []
    for seed in range(5):
        path = tmp_path / f"upload_{seed}.mid"
        path.write_bytes(mutated(midi_files(), random.Random(seed), READERS["midi"].tokens))
        files.append(Chosen(path, f"<b>{seed}</b>\n.mid"))
    measured = measure_desk.measure(files)
    assert {one.score is None for one in measured} == {True, False}
    assert all(one.score or len(one.fault.splitlines()) == 1 for one in measured)
