"""Renders the two pages. The listener's page has one template for the server and for the exported file."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from yardbird.blindtest.bundle import BlindTest
from yardbird.blindtest.messages import ENGLISH, STATIC, WEB, languages, read_messages
from yardbird.blindtest.questions import KINDS
from yardbird.blindtest.result_tables import MATCH_HEADINGS, columns, group_cells, match_cells
from yardbird.blindtest.results import Results
from yardbird.blindtest.votes import EXPERTISE, MAX_WHY, TRIALS
from yardbird.data.manifest import SYNTHETIC


def listen_page(test: BlindTest, sounds: Mapping[str, bytes] | None = None, language: str | None = None) -> str:
    """The listener's page: with links to the server's files or, with `sounds` (id → WAV), as a single file.

    Raises:
        InputError: there are no messages in `language`.
    """
    kind = KINDS[test.mode]
    messages = {name: read_messages(name) for name in ([language] if language else languages())}
    values = {
        "artist": test.artist,
        "questions": len(test.questions),
        "seconds": f"{test.seconds:g}",
        "minutes": round(len(test.questions) * (kind.clips * test.seconds + 4) / 60) + 1,
    }
    public = {**asdict(test), "answers": kind.answers, "trials": TRIALS, "messages": messages, "values": values}
    parts: dict[str, str] = {}
    if sounds is None:
        del public["questions"]  # the server gives the next one
    else:
        public["sounds"] = {clip: _data_uri("audio/wav", content) for clip, content in sounds.items()}
        parts = {name: (STATIC / f"listen.{name}").read_text(encoding="utf-8") for name in ("js", "css")}
    return _render(
        "listen.html",
        test=test,
        title=title(test),
        invented=test.artist.endswith(SYNTHETIC),
        expertise=EXPERTISE,
        languages={name: texts["language"] for name, texts in messages.items()},
        max_why=MAX_WHY,
        via="server" if sounds is None else "file",
        data=_script_safe(public),
        policy=_offline_policy(parts) if parts else None,
        parts={name: Markup(text) for name, text in parts.items()},  # files of this package
    )


def title(test: BlindTest) -> str:
    """The question in English."""
    return read_messages(ENGLISH)[f"question.{test.mode}"].replace("{artist}", test.artist)


def results_page(test: BlindTest, results: Results) -> str:
    return _render(
        "results.html",
        title=title(test),
        results=results,
        columns=columns(results.mode),
        bounds=KINDS[results.mode].bounds,
        match_headings=MATCH_HEADINGS,
        match_cells=match_cells,
        group_cells=group_cells,
        levels={level: read_messages(ENGLISH)[f"experience.{level}"] for level in EXPERTISE},
    )


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
        "media-src data: blob:; img-src data:; base-uri 'none'; form-action 'none'"
    )
