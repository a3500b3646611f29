"""The messages of the listener's page: every language has every text, and the page uses all of them."""

import re

import pytest

from yardbird.blindtest.messages import ENGLISH, STATIC, WEB, languages, read_messages
from yardbird.blindtest.questions import KINDS
from yardbird.blindtest.votes import EXPERTISE


def names(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_english_is_the_first_language_and_there_is_another() -> None:
    assert languages()[0] == ENGLISH
    assert "de" in languages()


@pytest.mark.parametrize("language", ["de"])
def test_a_language_has_every_text_with_the_same_values(language: str) -> None:
    english, other = read_messages(ENGLISH), read_messages(language)
    assert list(other) == list(english), "the keys, in the same order"
    assert all(text.strip() for text in other.values())
    assert {key: names(text) for key, text in other.items()} == {key: names(text) for key, text in english.items()}
    assert other["key.yes"].lower() != other["key.no"].lower()
    same = [key for key, text in other.items() if text == english[key] and not key.startswith("key.")]
    assert same == [], "translated"


def test_the_list_of_tested_languages_is_complete() -> None:
    tested = test_a_language_has_every_text_with_the_same_values.pytestmark[0].args[1]
    assert [ENGLISH, *tested] == languages()


def test_the_page_uses_every_text_and_no_other() -> None:
    """Keys are written out, or end in a mode, an answer, a level of experience, a tone, or the way of answering."""
    page = (WEB / "listen.html").read_text() + (STATIC / "listen.js").read_text()
    families = {
        "question": KINDS, "intro": KINDS, "reminder": KINDS, "instruction.check": KINDS, "instruction.keys": KINDS,
        "experience": EXPERTISE, "tone": "012", "key": ("yes", "no"), "done": ("server", "file"),
        "instruction.stop": ("server", "file"), "instruction": ("once", "why"),
        "answer": [answer for mode in ("yes_no", "scale") for answer in KINDS[mode].answers],
    }  # fmt: skip
    built = {f"{family}.{end}" for family, ends in families.items() for end in ends}
    written = {key for key in read_messages(ENGLISH) if f'"{key}"' in page}
    assert set(read_messages(ENGLISH)) == built | written | {"language"}
