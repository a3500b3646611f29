"""The two pages. The listener's is one template for the server and for the exported file."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from yardbird.blindtest.bundle import BlindTest
from yardbird.blindtest.results import Results
from yardbird.blindtest.store import EXPERTISE
from yardbird.data.manifest import SYNTHETIC

WEB = Path(__file__).parent / "web"
STATIC = WEB / "static"


def listen_page(test: BlindTest, sounds: Mapping[str, bytes] | None = None) -> str:
    """The listener's page: links to the server's files or, with the sounds (id → WAV), everything in one file."""
    public = asdict(test)
    parts: dict[str, str] = {}
    if sounds is None:
        del public["clips"]  # the server says which comes next
    else:
        public["sounds"] = {clip: _data_uri("audio/wav", content) for clip, content in sounds.items()}
        parts = {name: (STATIC / f"listen.{name}").read_text(encoding="utf-8") for name in ("js", "css")}
    return _render(
        "listen.html",
        test=test,
        synthetic=test.artist.endswith(SYNTHETIC),
        minutes=round(len(test.clips) * (test.seconds + 4) / 60),
        expertise=EXPERTISE,
        data=_script_safe(public),
        policy=_offline_policy(parts) if parts else None,
        parts={name: Markup(text) for name, text in parts.items()},  # our own files
    )


def results_page(test: BlindTest, results: Results) -> str:
    return _render("results.html", test=test, results=results)


def _render(template: str, **values: Any) -> str:
    pages = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.get_template(template).render(**values)


def _script_safe(content: Any) -> Markup:
    """JSON inside a script element: no text in it can end the element."""
    text = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
    return Markup(text)  # escaped in the line above


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _offline_policy(parts: Mapping[str, str]) -> str:
    """Nothing but the page's own script and style, known by their hashes, and the sounds inside it."""
    hashes = {name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in parts.items()}
    return (
        f"default-src 'none'; script-src 'sha256-{hashes['js']}'; style-src 'sha256-{hashes['css']}'; "
        "media-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
