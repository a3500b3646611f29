"""A guard in front of MLflow's scoring server: it limits requests, and turns every error into one line.

MLflow reads a body of any size, parses it and answers with tracebacks. `mlflow models serve` has no option against
this, and builds its web application after it has loaded the model. So the file of a model calls `install`, which puts
the guard into the application that MLflow builds next. In any other process `install` does nothing.
"""

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import fastapi
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yardbird.errors import InputError

MOST_BYTES = 4_000_000  # of a request: the z of 256 bars has up to 1.5 MB
MOST_WAITING = 16  # requests that wait for their turn
_READ_SECONDS = 20  # for the body of a request
_LONGEST_MESSAGE = 500  # characters
_SERVER = "mlflow.pyfunc.scoring_server.app"
_TIMEOUT = "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"  # option --timeout of `mlflow models serve`, in seconds
_BUDGET_SHARE = 0.8  # of this time: the rest is for reading the request and writing the response
_EXAMPLE = '{"dataframe_records": [{"chart": "F7 | Bb7"}], "params": {"bars": 12}}'
_logger = logging.getLogger(__name__)


def budget_seconds() -> float | None:
    """The time that a request may take in MLflow's scoring server; None in any other process."""
    return _BUDGET_SHARE * float(os.environ.get(_TIMEOUT, "60")) if _SERVER in sys.modules else None


def install() -> None:
    """In MLflow's scoring server, put the guard into the application that MLflow is about to build."""
    budget = budget_seconds()
    if budget is None:
        return
    plain, seconds = fastapi.FastAPI, budget

    class Guarded(plain):  # type: ignore[valid-type,misc]  # `plain` is a variable
        def __init__(self, *arguments: Any, **options: Any) -> None:
            fastapi.FastAPI = plain  # type: ignore[misc]  # later applications of this process have no guard
            super().__init__(*arguments, **options)

        def build_middleware_stack(self) -> ASGIApp:  # around MLflow's timeout, which does not include the wait
            return Guard(super().build_middleware_stack(), seconds)

    fastapi.FastAPI = Guarded  # type: ignore[misc]


class Guard:
    """ASGI middleware: refuses long or unreadable bodies, and lets one request work at a time.

    Args:
        seconds: the longest wait for other requests.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds
        self._turn, self._inside = asyncio.Lock(), 0  # requests that wait or work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(receive)
            _check(Headers(scope=scope).get("content-type", ""), body)
        except InputError as error:
            await _refusal(400, str(error))(scope, receive, send)
            return
        messages = await self._in_turn(scope, receive, body) if self._inside <= MOST_WAITING else None
        if messages is None:
            busy = "the server is busy with other requests; send this one again later"
            await _refusal(503, busy)(scope, receive, send)
            return
        status, content = messages[0]["status"], b"".join(message.get("body", b"") for message in messages)
        if status != 200:
            await _refusal(status, _one_line(content))(scope, receive, send)
            return
        for message in messages:
            await send(message)

    async def _in_turn(self, scope: Scope, receive: Receive, body: bytes) -> Sequence[Message] | None:
        """The answer of the application, after the requests before this one; None if they take too long."""
        self._inside += 1
        try:
            await asyncio.wait_for(self._turn.acquire(), self._seconds)
            try:
                return await _answer(self._app, scope, body, receive)
            finally:
                self._turn.release()
        except TimeoutError:
            return None
        finally:
            self._inside -= 1


async def _read(receive: Receive) -> bytes:
    """The body. A longer one is read to its end without being kept, so that the sender receives the refusal."""
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(_READ_SECONDS):
            while more:
                message = await receive()
                part, more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                parts = [*parts, part] if size <= MOST_BYTES else []
    except TimeoutError:
        expected = f"a request that arrives within {_READ_SECONDS} s"
        remedy = "send a shorter one"
        raise InputError("request", expected=expected, found=f"{size:,} bytes so far", remedy=remedy) from None
    if size > MOST_BYTES:
        remedy = "split it into several requests"
        raise InputError("request", expected=f"at most {MOST_BYTES:,} bytes", found=f"{size:,}", remedy=remedy)
    return b"".join(parts)


def _check(content_type: str, body: bytes) -> None:
    """Refuse what is not JSON. A small file in Parquet can fill the memory."""
    if content_type.partition(";")[0].strip() != "application/json":
        expected, found = "Content-Type: application/json", repr(content_type[:40])
        raise InputError("request", expected=expected, found=found, remedy=f"send JSON such as {_EXAMPLE}")
    try:
        json.loads(body, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        found = f"something else ({str(error)[:80]})"
        raise InputError("request", expected="JSON", found=found, remedy=f"send e.g. {_EXAMPLE}") from None


def _no_json(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads although they are not JSON."""
    raise ValueError(name)


async def _answer(app: ASGIApp, scope: Scope, body: bytes, receive: Receive) -> Sequence[Message]:
    """The response of MLflow's application to a body that has been read."""
    messages: list[Message] = []
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return unread.pop() if unread else await receive()

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, again, keep)
    return messages


def _one_line(content: bytes) -> str:
    """The cause in an error response of MLflow, which begins with the data and can end with a traceback."""
    try:
        error = json.loads(content)
    except ValueError:  # MLflow's own timeout is plain text
        return content.decode(errors="replace")
    if "stack_trace" in error:
        _logger.error("%s", error["stack_trace"])
    return " ".join(re.split(r"\sError: ", str(error["message"]))[-1].split())


def _refusal(status: int, line: str) -> Response:
    code = "TEMPORARILY_UNAVAILABLE" if status == 503 else "INVALID_PARAMETER_VALUE"
    content = {"error_code": code, "message": line[:_LONGEST_MESSAGE]}
    return Response(json.dumps(content), status, media_type="application/json")
