"""The texts of the listener's page: one file for each language, `web/static/messages.<language>.json`."""

import json
from collections.abc import Mapping
from pathlib import Path

from yardbird.errors import InputError

WEB = Path(__file__).parent / "web"
STATIC = WEB / "static"
ENGLISH = "en"


def languages() -> list[str]:
    """The languages with messages, English first."""
    return sorted(
        (path.name.split(".")[1] for path in STATIC.glob("messages.*.json")), key=lambda name: (name != ENGLISH, name)
    )


def read_messages(language: str) -> Mapping[str, str]:
    """Key → text of one language; `{name}` in a text is replaced by a value.

    Raises:
        InputError: there are no messages in that language.
    """
    if language not in (known := languages()):
        remedy = "use one of them, or add a file of messages (docs/blind-test.md)"
        raise InputError("--language", expected=", ".join(known), found=repr(language), remedy=remedy)
    messages: dict[str, str] = json.loads((STATIC / f"messages.{language}.json").read_text(encoding="utf-8"))
    return messages
