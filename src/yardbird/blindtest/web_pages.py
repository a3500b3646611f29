"""Renders the two pages. The listener's page has one template for the server and for the exported file."""

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
from yardbird.blindtest.votes import EXPERTISE
from yardbird.data.manifest import SYNTHETIC

WEB = Path(__file__).parent / "web"
STATIC = WEB / "static"


def listen_page(test: BlindTest, sounds: Mapping[str, bytes] | None = None) -> str:
    """The listener's page: with links to the server's files or, with `sounds` (id → WAV), as a single file."""
    public = asdict(test)
    parts: dict[str, str] = {}
    if sounds is None:
        del public["clips"]  # the server gives the next clip
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
        parts={name: Markup(text) for name, text in parts.items()},  # files of this package
    )


def results_page(test: BlindTest, results: Results) -> str:
    return _render("results.html", test=test, results=results)


def _render(template: str, **values: Any) -> str:
    pages = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.get_template(template).render(**values)


def _script_safe(content: Any) -> Markup:
    """JSON for a script element, escaped so that no text can end the element."""
    text = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
    return Markup(text)  # escaped in the line above


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _offline_policy(parts: Mapping[str, str]) -> str:
    """A content policy that allows only the page's script and style, by hash, and embedded sounds."""
    hashes = {name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in parts.items()}
    return (
        f"default-src 'none'; script-src 'sha256-{hashes['js']}'; style-src 'sha256-{hashes['css']}'; "
        "media-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
