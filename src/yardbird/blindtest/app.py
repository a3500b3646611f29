"""The web app: consent, then one question after the other; results require a token.

No response to a listener reveals the source of a clip.
"""

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import Cookie, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

from yardbird.blindtest.answers import Answer, Profile
from yardbird.blindtest.bundle import BlindTest, Key, clip_path
from yardbird.blindtest.guard import Guard
from yardbird.blindtest.messages import STATIC
from yardbird.blindtest.questions import KINDS
from yardbird.blindtest.results import results_of
from yardbird.blindtest.votes import Given, Listener, VoteStore
from yardbird.blindtest.web_pages import listen_page, results_page
from yardbird.seeds import generator

_MAX_BODY_BYTES = 2048
_MONTH_SECONDS = 30 * 24 * 3600


class State(BaseModel):
    """The progress of a listener.

    Attributes:
        question: the next one, None at the end.
        clips: those of the question, in the order of playing. Half of all listeners get a pair in reverse.
        answers: those of the question, in the order of their buttons.
        answer: the answer that counts, after a vote.
    """

    answered: int
    total: int
    question: str | None = None
    clips: Sequence[str] = ()
    answers: Sequence[str] = ()
    answer: str | None = None


def order_of(test: BlindTest, listener: str) -> list[tuple[str, ...]]:
    """The questions in a random order that is fixed for each listener."""
    return [test.questions[index] for index in generator(0, test.id, listener).permutation(len(test.questions))]


def state_of(test: BlindTest, listener: str, votes: Mapping[str, Given], answer: str | None = None) -> State:
    state = State(answered=len(votes), total=len(test.questions), answer=answer)
    clips = next((clips for clips in order_of(test, listener) if clips[0] not in votes), None)
    if clips is None:
        return state
    answers = KINDS[test.mode].answers
    turn = -1 if len(clips) == 2 and generator(0, test.id, listener, clips[0]).random() < 0.5 else 1
    return state.model_copy(update={"question": clips[0], "clips": clips[::turn], "answers": answers[::turn]})


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
    language: str | None = None,
) -> FastAPI:
    """The app of the test in `folder`.

    Args:
        hosts: accepted host names; `*` accepts any.
        requests_per_minute: limit per address.
        secure: whether browsers connect by https; cookies are then sent by https only.
        language: of the page; None: that of the browser, if it has messages.
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
    page, sounds = listen_page(test, language=language), set(test.sounds)

    def require_token(request: Request, given: str | None) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        offered = bearer if scheme.lower() == "bearer" else given or request.cookies.get(token_cookie, "")
        if not hmac.compare_digest(offered.encode(), token.encode()):
            raise HTTPException(403, "use the address with the token that the server printed at its start")

    @app.exception_handler(RequestValidationError)
    def refuse(_request: Request, error: RequestValidationError) -> Response:
        """What is wrong, without the input, which may contain numbers and letters that JSON does not have."""
        faults = [{"loc": [repr(part) for part in fault["loc"]], "msg": fault["msg"]} for fault in error.errors()]
        return Response(json.dumps({"detail": faults}), 422, media_type="application/json")

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
            store.add(Listener(listener, profile.expertise, "server", profile.headphones), votes)
        response.set_cookie(
            listener_cookie, listener, max_age=_MONTH_SECONDS, httponly=True, samesite="strict", secure=secure
        )
        return state_of(test, listener, votes)

    @app.post("/api/votes")
    def vote(answer: Answer, listener: Who = None) -> State:
        """Record an answer. The first answer to a question counts; only the listener's next question is accepted."""
        if answer.answer not in KINDS[test.mode].answers:
            raise HTTPException(422, "no such answer")
        votes = store.votes_of(listener) if listener else None
        if listener is None or votes is None:
            raise HTTPException(401, "consent is required first")
        name = answer.question
        if name not in votes and name != state_of(test, listener, votes).question:
            raise HTTPException(409, "another question is next")
        votes[name] = store.vote(listener, name, Given(answer.answer, answer.why.strip()))
        return state_of(test, listener, votes, votes[name].answer)

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
