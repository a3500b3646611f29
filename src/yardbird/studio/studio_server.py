"""Serves the studio to browsers, on this machine only unless another host is named.

Gradio's page names addresses of its makers in its metadata. The content policy allows the browser to load nothing but
this server's own files; usage statistics and the check for new versions are off.
"""

import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # gradio imports the hub's client

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.route_utils import FnIndexInferError
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yardbird.studio.measure_desk import MOST_FILES
from yardbird.studio.model_shelf import FAMILIES, ModelShelf, registered_models
from yardbird.studio.reference_solos import ReferenceSolos
from yardbird.studio.studio_page import make_page
from yardbird.studio.studio_session import MOST_BYTES
from yardbird.studio.studio_visitors import Studio

SESSIONS = Path("out/studio")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_WEB = Path(__file__).parent / "web"
_logger = logging.getLogger("uvicorn.error")  # which prints warnings
#: Gradio's scripts are modules of this server, with inline starters and templates compiled in the browser.
CONTENT_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self' data: blob:; font-src 'self' data:; "
    "worker-src 'self' blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware: adds the security headers, and refuses what pages of other servers send, such as uploads.

    Gradio fails on requests that no page sends, such as one for an event that does not exist. The answer is then 500,
    and the log has one line.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("sec-fetch-site", "none")
        foreign = scope["method"] == "POST" and origin not in ("same-origin", "none")
        answer = PlainTextResponse("refused: sent by the page of another server", 403) if foreign else self._app
        try:
            await answer(scope, receive, send_with)
        except (
            LookupError,
            ValueError,
            FnIndexInferError,
        ) as error:  # Gradio has answered 500, and raises the error again
            fault = " ".join(repr(error).split())
            _logger.warning("%s %r failed: %s", scope["method"], scope["path"], fault)


def make_app(studio: Studio, hosts: Sequence[str]) -> FastAPI:
    """The studio as a web application.

    Args:
        hosts: the names under which browsers may open it; other names are refused, because a foreign page could point
            its own name at this machine.
    """
    longest = (MOST_FILES + 1) * MOST_BYTES  # an upload of all files at once, and everything else
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=longest)
    theme = gr.themes.Soft(
        primary_hue="sky", secondary_hue="sky", neutral_hue="stone", font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )  # fmt: skip
    gr.mount_gradio_app(
        app, make_page(studio), path="/", max_file_size=MOST_BYTES, blocked_paths=[str(Path.cwd())], show_error=False,
        footer_links=[], run_history=False, enable_monitoring=False, ssr_mode=False, pwa=False, mcp_server=False,
        theme=theme, head=_head(),
    )  # fmt: skip
    app.add_middleware(Guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return app


def _head() -> str:
    """Style and script of the results. Gradio rewrites the rules of its setting `css` and loses those for phones."""
    style, script = ((_WEB / name).read_text(encoding="utf-8") for name in ("studio.css", "studio.js"))
    limit = f'<meta name="yardbird-most-bytes" content="{MOST_BYTES}">'
    return f"{limit}<style>{style}</style><script>{script}</script>"


def serve(listening: socket.socket, host: str, *, registry: bool) -> None:
    """Serve the studio until it is stopped.

    Args:
        registry: also offer the models of the MLflow registry; they are offered anyway if no folder has a model.
    """
    use_registry = registry or not ModelShelf().names(*FAMILIES)
    shelf = ModelShelf(registered=registered_models() if use_registry else ())
    with tempfile.TemporaryDirectory(prefix="yardbird_studio_") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads  # deleted at the end
        studio = Studio(shelf, ReferenceSolos(Path("data")), SESSIONS)
        hosts = ["127.0.0.1", "localhost", "[::1]"] if host in LOOPBACK else ["*"]
        settings = uvicorn.Config(
            make_app(studio, hosts), log_level="warning", access_log=False, proxy_headers=False, server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the uploads are deleted
        with suppress(KeyboardInterrupt):  # uvicorn raises the signal again after a clean shutdown
            uvicorn.Server(settings).run(sockets=[listening])
