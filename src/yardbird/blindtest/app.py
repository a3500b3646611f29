"""The web app: consent, then one clip after the other; results require a token.

No response to a listener reveals the source of a clip.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Cookie, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.middleware.trustedhost import TrustedHostMiddleware

from yardbird.blindtest.bundle import BlindTest, Key, clip_path
from yardbird.blindtest.guard import Guard
from yardbird.blindtest.results import results_of
from yardbird.blindtest.votes import Expertise, VoteStore
from yardbird.blindtest.web_pages import STATIC, listen_page, results_page
from yardbird.seeds import generator

_MAX_BODY_BYTES = 2048
_MONTH_SECONDS = 30 * 24 * 3600


class Profile(BaseModel):
    """The data that a listener gives before the first clip."""

    model_config = ConfigDict(extra="forbid")
    consent: Literal[True]
    expertise: Expertise


class Answer(BaseModel):
    """One answer to a clip."""

    model_config = ConfigDict(extra="forbid")
    clip: str = Field(pattern=r"^[0-9a-f]{16}$")
    yes: StrictBool


class State(BaseModel):
    """The progress of a listener: `clip` is the next one to judge, None at the end; `yes` is the answer that counts."""

    answered: int
    total: int
    clip: str | None
    yes: bool | None = None


def order_of(test: BlindTest, listener: str) -> list[str]:
    """The clips in a random order that is fixed for each listener."""
    return [test.clips[index] for index in generator(0, test.id, listener).permutation(len(test.clips))]


def state_of(test: BlindTest, listener: str, votes: Mapping[str, bool], yes: bool | None = None) -> State:
    clip = next((clip for clip in order_of(test, listener) if clip not in votes), None)
    return State(answered=len(votes), total=len(test.clips), clip=clip, yes=yes)


def make_app(
    folder: Path,
    test: BlindTest,
    key: Key,
    store: VoteStore,
    token: str,
    *,
    hosts: list[str],
    requests_per_minute: int,
    secure: bool,
) -> FastAPI:
    """The app of the test in `folder`.

    Args:
        hosts: accepted host names; `*` accepts any.
        requests_per_minute: limit per address.
        secure: whether browsers connect by https; cookies are then sent by https only.
    """
    # Cookies ignore ports: with one name for all tests, two tests on one host would overwrite each other's listeners.
    listener_cookie, token_cookie = f"yardbird_listener_{test.id}", f"yardbird_results_{test.id}"
    Who = Annotated[str | None, Cookie(alias=listener_cookie, max_length=64)]  # noqa: N806  # a type
    app = FastAPI(
        title="Yardbird blind test", docs_url=None, redoc_url=None, openapi_url=None, max_body_size=_MAX_BODY_BYTES,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    app.add_middleware(Guard, requests_per_minute=requests_per_minute)
    app.mount("/static", StaticFiles(directory=STATIC))
    page, sounds = listen_page(test), {*test.clips, *test.examples}

    def require_token(request: Request, given: str | None) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        offered = bearer if scheme.lower() == "bearer" else given or request.cookies.get(token_cookie, "")
        if not hmac.compare_digest(offered.encode(), token.encode()):
            raise HTTPException(403, "use the address with the token that the server printed at its start")

    @app.get("/", response_class=HTMLResponse)
    def listen() -> str:
        return page

    @app.get("/clips/{clip}.wav")
    def sound(clip: str) -> FileResponse:
        if clip not in sounds:
            raise HTTPException(404, "no such clip")
        return FileResponse(clip_path(folder, clip), media_type="audio/wav", headers={"Cache-Control": "private"})

    @app.get("/api/state")
    def state(listener: Who = None) -> State | None:
        """The listener's progress; null before consent."""
        votes = store.votes_of(listener) if listener else None
        return None if listener is None or votes is None else state_of(test, listener, votes)

    @app.post("/api/listeners", status_code=201)
    def enrol(profile: Profile, response: Response, listener: Who = None) -> State:
        votes = store.votes_of(listener) if listener else None
        if listener is None or votes is None:
            listener, votes = secrets.token_urlsafe(24), {}
            store.add(listener, profile.expertise, "server", votes)
        response.set_cookie(
            listener_cookie, listener, max_age=_MONTH_SECONDS, httponly=True, samesite="strict", secure=secure
        )
        return state_of(test, listener, votes)

    @app.post("/api/votes")
    def vote(answer: Answer, listener: Who = None) -> State:
        """Record an answer. The first answer to a clip counts; only the listener's next clip is accepted."""
        votes = store.votes_of(listener) if listener else None
        if listener is None or votes is None:
            raise HTTPException(401, "consent is required first")
        if answer.clip not in votes and answer.clip != state_of(test, listener, votes).clip:
            raise HTTPException(409, "another clip is next")
        votes[answer.clip] = store.vote(listener, answer.clip, answer.yes)
        return state_of(test, listener, votes, votes[answer.clip])

    @app.get("/results", response_class=HTMLResponse)
    def results(request: Request, token: Annotated[str | None, Query(max_length=128)] = None) -> Response:
        require_token(request, token)
        if token:  # removes the token from the address bar and the history
            response = RedirectResponse("results", 303)
            response.set_cookie(token_cookie, token, httponly=True, samesite="strict", secure=secure)
            return response
        return HTMLResponse(results_page(test, results_of(test, key, store.everything())))

    @app.get("/results.json")
    def results_json(request: Request) -> Any:
        require_token(request, None)
        return asdict(results_of(test, key, store.everything()))

    return app
