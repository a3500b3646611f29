"""MLflow's scoring server with the guard, in this process, and a tiny Music Transformer; and the guard alone."""

import asyncio
import json
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import fastapi
import mlflow
import pytest
import torch
from mlflow.pyfunc import scoring_server
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from tiny_transformer import write_model

from yardbird.serving.music_transformer_endpoint import ENDPOINT
from yardbird.tracking import scoring_guard
from yardbird.tracking.endpoint import Server
from yardbird.tracking.pyfunc import signature
from yardbird.tracking.scoring_guard import MOST_BYTES, MOST_WAITING, Guard

DEFAULTS: dict[str, Any] = {
    "bars": 2, "temperature": 1.0, "top_k": None, "top_p": 0.95, "min_p": None, "qpm": None, "artist": None,
    "free_chorus": None, "key": None, "whole_choruses": False, "lowest_pitch": 49, "highest_pitch": 81, "seed": 0,
}  # fmt: skip
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of MLflow's application with the guard that `install` adds."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("served")
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        write_model(0)
        artifacts = {"model": "models/music_transformer"}
        saved = {"artifacts": artifacts, "signature": signature(Server(ENDPOINT, DEFAULTS)), "pip_requirements": []}
        mlflow.pyfunc.save_model("model", python_model=str(ENDPOINT.file), **saved)
        patch.setitem(sys.modules, scoring_guard._SERVER, ModuleType("app"))  # as in the process of the server
        patch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "250")
        plain = fastapi.FastAPI
        app = scoring_server.init(mlflow.pyfunc.load_model("model"))
        assert fastapi.FastAPI is plain, "only MLflow's application has the guard"
        with TestClient(app) as opened:
            yield opened
    torch.set_flush_denormal(False)


def rows(row: dict[str, Any], **params: Any) -> str:
    return json.dumps({"dataframe_records": [row], "params": params})


def test_a_request_is_answered(client: TestClient) -> None:
    answer = client.post("/invocations", content=rows({"chart": "F7 | Bb7"}), headers=JSON)
    assert (answer.status_code, answer.json()["predictions"][0]["bars"]) == (200, 2)
    assert client.get("/ping").status_code == 200
    free = client.post("/invocations", content=rows({"chart": None}), headers=JSON)
    assert free.status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (rows({"chart": 5}), "chart 1: expected a text, found 5; write it in quotes, or leave it out"),
        (rows({"chart": ["F7"]}), "chart 1: expected a text, found ['F7'];"),
        (rows({"chart": {"a": {"b": 1}}}), "chart 1: expected a text, found {'a': {'b': 1}};"),
        (rows({"chart": True}), "chart 1: expected a text, found True;"),
        ('{"dataframe_records": [{"chart": "F7"}, {"chart": 5}]}', "chart 2: expected a text, found 5;"),
        ('{"dataframe_records": [{"chart": NaN}]}', "request: expected JSON, found something else (NaN);"),
        (rows({"chart": "x" * 1_000_000}), "chart 1: expected at most 20,000 letters, found more;"),
        (rows({"chart": "F7 | " * 3000}), "chart 1, line 1: expected at most 2,000 letters, found more;"),
        (rows({"chart": "F7\n" * 3000}), "chart 1: expected at most 1024 bars, found more;"),
        (rows({"chart": "F7"}, bars=None), "bars: expected an integer, found None"),
        (rows({"chart": "F7"}, bars=-3), "bars: expected 1 to 1024, found -3"),
        (rows({"chart": "F7"}, bars=10**30), "bars: expected 1 to 1024, found 1000000000000000000000000000000"),
        (rows({"chart": "F7"}, bars=257), "bars: expected at most 256, found 257;"),
        (rows({"chart": "F7"}, bars="three"), "Failed to validate type and shape for 'bars'"),
        (rows({"chart": "F7"}, bars=[1]), "Failed to validate type and shape for 'bars'"),
        (rows({"chart": "F7"}, temperature=float("nan")), "request: expected JSON, found something else (NaN);"),
        (rows({"chart": "F7"}, top_k=10**30), "top_k: expected 1 to 1000000"),
        (rows({"chart": "F7"}, temprature=1.0), "unknown params 'temprature'; known are bars"),
        (json.dumps({"dataframe_records": [{"chart": ""}] * 65}), "request: expected at most 64 rows, found 65;"),
        (
            json.dumps({"dataframe_records": [{"chart": ""}] * 64, "params": {"bars": 256}}),
            "at most 1024 bars in total",
        ),
        ('{"dataframe_records": 5}', "Dataframe records format must be a list of records"),
        ('{"dataframe_records": []}', "Model is missing inputs ['chart']."),
        ("[", "request: expected JSON, found something else (Expecting value"),
        ("[" * 200_000, "request: expected JSON, found something else (maximum recursion depth exceeded"),
        ("1" * 100_000, "request: expected JSON, found something else (Exceeds the limit"),
        ("null", "The input must be a JSON dictionary"),
    ],
    ids=lambda text: str(text)[:30],
)
def test_an_invalid_request_is_a_400_with_one_line(client: TestClient, body: str, message: str) -> None:
    began = time.process_time()
    answer = client.post("/invocations", content=body, headers=JSON)
    assert time.process_time() - began < 2
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert "\n" not in answer.text + answer.json()["message"]
    assert "Traceback" not in answer.text


def test_a_request_ends_with_its_time(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "0")
    answer = client.post("/invocations", content=rows({"chart": "F7"}), headers=JSON)
    assert answer.status_code == 400
    assert "request: expected at most 0 s of work, found more; request fewer or shorter rows" in answer.text


def test_other_formats_than_json_are_refused(client: TestClient) -> None:
    """A file in Parquet of a few bytes can fill the memory."""
    for kind in ("text/csv", "application/vnd.apache.parquet", ""):
        answer = client.post("/invocations", content=b"chart\nF7\n", headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert "request: expected Content-Type: application/json" in answer.json()["message"]


def test_a_process_that_serves_nothing_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, scoring_guard._SERVER, raising=False)
    plain = fastapi.FastAPI
    scoring_guard.install()
    assert fastapi.FastAPI is plain
    assert scoring_guard.budget_seconds() is None


class Slow:
    """An application that answers when it may."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append((await receive())["body"])
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


async def post(guard: Guard, parts: Sequence[bytes], pause: float = 0) -> tuple[int, str]:
    """Send a body in parts; the status and the text of the response."""
    left, told = list(parts), list[Message]()

    async def receive() -> Message:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    await guard(scope, receive, send)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told).decode()


def test_a_body_of_50_megabytes_is_refused_without_being_kept() -> None:
    app, part = Slow(), b"x" * 1_000_000
    tracemalloc.start()
    status, text = asyncio.run(post(Guard(app, 1), [part] * 50))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (status, app.bodies) == (400, [])
    assert f"request: expected at most {MOST_BYTES:,} bytes, found 50,000,000; split it" in text
    assert peak < 2 * MOST_BYTES


def test_a_body_that_does_not_arrive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring_guard, "_READ_SECONDS", 0.05)
    status, text = asyncio.run(post(Guard(Slow(), 1), [b"{"] * 1000, pause=0.01))
    assert status == 400
    assert "expected a request that arrives within 0.05 s" in text


def test_one_request_works_at_a_time_and_a_long_queue_is_refused() -> None:
    async def crowd() -> tuple[list[tuple[int, str]], int]:
        app = Slow()
        guard = Guard(app, 60)
        sent = [asyncio.create_task(post(guard, [b"{}"])) for _ in range(MOST_WAITING + 3)]
        await asyncio.sleep(0.05)
        working = len(app.bodies)
        app.go.set()
        return await asyncio.gather(*sent), working

    answers, working = asyncio.run(crowd())
    assert working == 1
    assert sorted(status for status, _ in answers) == [200] * (MOST_WAITING + 1) + [503] * 2
    refused = next(text for status, text in answers if status == 503)
    assert "the server is busy with other requests; send this one again later" in refused


def test_a_request_that_waits_too_long_is_refused() -> None:
    async def two() -> tuple[int, str]:
        app = Slow()
        guard = Guard(app, 0.05)
        first = asyncio.create_task(post(guard, [b"{}"]))
        await asyncio.sleep(0.01)
        late = await post(guard, [b"{}"])
        app.go.set()
        assert (await first)[0] == 200
        return late

    status, text = asyncio.run(two())
    assert status == 503
    assert json.loads(text)["error_code"] == "TEMPORARILY_UNAVAILABLE"


def test_an_error_of_the_model_is_logged_and_sent_without_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    error = {"message": "Encountered an unexpected error", "stack_trace": "Traceback\n  in a file"}
    assert scoring_guard._one_line(json.dumps(error).encode()) == "Encountered an unexpected error"
    assert "in a file" in caplog.text
