"""The exported page and the import of its answers."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from tiny_blind_test import NO, RIGHT, YES, answers, make_tiny_test

from yardbird.blindtest.bundle import VOTES, BlindTest, Key, clip_path
from yardbird.blindtest.offline import export_test, import_answers
from yardbird.blindtest.votes import Given, VoteStore
from yardbird.errors import InputError


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[BlindTest, Key]:
    return make_tiny_test(tmp_path)


@pytest.fixture
def store(tiny: tuple[BlindTest, Key], tmp_path: Path) -> VoteStore:
    return VoteStore(tmp_path / VOTES)


def test_the_page_contains_all_sounds_and_nothing_of_the_key(tiny: tuple[BlindTest, Key], tmp_path: Path) -> None:
    test, _ = tiny
    export_test(tmp_path, test, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    data = json.loads(re.search(r'<script type="application/json" id="test">(.*?)</script>', page, re.S)[1])
    assert set(data["sounds"]) == set(test.sounds)
    for clip, uri in data["sounds"].items():
        assert base64.b64decode(uri.removeprefix("data:audio/wav;base64,")) == clip_path(tmp_path, clip).read_bytes()
    bare = re.sub(r'"data:audio/wav[^"]*"', "", page)
    assert not re.search(r"transformer|decoy|vae|solo \d|key\.json|https?:|<link[^>]*static|src=", bare)


def test_the_page_allows_only_its_own_script_and_style(tiny: tuple[BlindTest, Key], tmp_path: Path) -> None:
    export_test(tmp_path, tiny[0], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1].replace("&#39;", "'")
    for element in ("script", "style"):
        text = re.findall(rf"<{element}>(.*?)</{element}>", page, re.S)
        assert len(text) == 1
        digest = base64.b64encode(hashlib.sha256(text[0].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_answers_are_imported_once_and_later_ones_are_added(
    tiny: tuple[BlindTest, Key], store: VoteStore, tmp_path: Path
) -> None:
    test, _ = tiny
    names = [question[0] for question in test.questions]
    half = dict.fromkeys(names[:4], Given("yes", "a <b> \n reason"))
    (tmp_path / "half.json").write_text(answers(1, half))
    (tmp_path / "all.json").write_text(answers(1, {**dict.fromkeys(names, NO), **RIGHT}))
    assert import_answers(tmp_path / "half.json", test, store) == (4, 4)
    assert import_answers(tmp_path / "half.json", test, store) == (4, 0)
    assert import_answers(tmp_path / "all.json", test, store) == (8, 4)
    ((person, votes),) = store.everything().values()
    assert (person.id, person.expertise, person.via, person.headphones) == (f"{1:032x}", "listener", "file", 6)
    assert votes == {**dict.fromkeys(names, NO), **RIGHT, **half}


CLIP = "0" * 16
PROFILE = {"consent": True, "expertise": "listener"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found Invalid JSON"),
        ("[1, 2]", "found Input should be an object"),
        ("{", "found Invalid JSON"),
        (answers(1, {}, format="other"), "found format: Input should be 'yardbird-blind-test-2'"),
        (answers(1, {}, profile=PROFILE | {"consent": False}), r"found profile\.consent: Input should be True"),
        (answers(1, {}, profile=PROFILE | {"expertise": "x"}), r"found profile\.expertise: Input should be 'newcomer'"),
        (answers(1, {}, profile=PROFILE | {"headphones": 7}), r"found profile\.headphones: Input should be less than"),
        (answers(1, {}, more=1), "found more: Extra inputs are not permitted"),
        (answers(1, {}, listener="../x"), "found listener: String should match"),
        (
            answers(1, {}, votes=[{"question": CLIP, "answer": True}]),
            r"found votes\.0\.answer: Input should be a valid str",
        ),
        (answers(1, {CLIP: Given("5")}), "expected answers no, yes, found '5'"),
        (answers(1, {CLIP: Given("yes", "x" * 301)}), r"found votes\.0\.why: String should have at most 300"),
        (
            answers(1, {}, votes=[{"question": CLIP, "answer": "yes"}] * 2),
            "expected one answer per question, found two",
        ),
        (
            answers(1, {}, votes=[{"question": CLIP, "answer": "yes"}] * 1001),
            "found votes: List should have at most 1000",
        ),
        (answers(1, {"9" * 16: YES}), "expected questions of this test, found question 9999999999999999"),
        (answers(1, {"e" * 16: YES}), "expected questions of this test, found question e"),
        (answers(1, {}, test="a" * 16), "expected answers to test f+, found to a+; use the --folder of that test"),
        ("x" * 1_000_001, "found more than 1000000 bytes"),
    ],
)
def test_an_invalid_file_of_answers_is_one_clear_line(
    tiny: tuple[BlindTest, Key], store: VoteStore, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "answers.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as refused:
        import_answers(path, tiny[0], store)
    assert "\n" not in str(refused.value)
    assert store.everything() == {}


def test_a_missing_file_is_named(tiny: tuple[BlindTest, Key], store: VoteStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json: expected answers .* found No such file"):
        import_answers(tmp_path / "nowhere.json", tiny[0], store)
