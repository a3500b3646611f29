"""The test without a server: exports one HTML file, imports files of answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yardbird import files
from yardbird.blindtest.answers import Answer, Profile
from yardbird.blindtest.bundle import BlindTest, clip_path
from yardbird.blindtest.questions import KINDS
from yardbird.blindtest.votes import Given, Listener, VoteStore
from yardbird.blindtest.web_pages import listen_page
from yardbird.errors import InputError

_MAX_FILE_BYTES = 1_000_000


class _Answers(BaseModel):
    """The content of a file saved by the exported page."""

    model_config = ConfigDict(extra="forbid")
    format: Literal["yardbird-blind-test-2"]
    test: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    listener: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    profile: Profile
    votes: Annotated[list[Answer], Field(max_length=1000)]


def export_test(folder: Path, test: BlindTest, path: Path, language: str | None = None) -> None:
    """Write the test in `folder` as one HTML file that includes the sounds but not the key.

    Args:
        language: of the page; None: that of the browser, if it has messages.

    Raises:
        InputError: the path is a folder.
    """
    if path.is_dir():
        raise InputError(path, expected="a file to write", found="a folder", remedy=f"use {path / 'blind_test.html'}")
    sounds: Mapping[str, bytes] = {clip: clip_path(folder, clip).read_bytes() for clip in test.sounds}
    files.write_text(path, listen_page(test, sounds, language))


def import_answers(path: Path, test: BlindTest, store: VoteStore) -> tuple[int, int]:
    """Add the answers in a file to the database; returns (answers in the file, new answers).

    A file can be imported again, and so can a later version of it; existing answers are kept.

    Raises:
        InputError: the file has no valid answers to this test.
    """
    expected, remedy = "answers saved by an exported blind test", "ask the listener for the file again"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise InputError(path, expected=expected, found=f"more than {_MAX_FILE_BYTES} bytes", remedy=remedy)
        answers = _Answers.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(path, expected=expected, found=str(error.strerror), remedy="check the name") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        found = f"{place}: {first['msg']}" if place else first["msg"]
        raise InputError(path, expected=expected, found=found, remedy=remedy) from None
    votes = {vote.question: Given(vote.answer, vote.why.strip()) for vote in answers.votes}
    if answers.test != test.id:
        remedy = "use the --folder of that test"
        raise InputError(path, expected=f"answers to test {test.id}", found=f"to {answers.test}", remedy=remedy)
    if unknown := sorted(votes.keys() - {question[0] for question in test.questions}):
        raise InputError(path, expected="questions of this test", found=f"question {unknown[0]}", remedy=remedy)
    if len(votes) < len(answers.votes):
        raise InputError(path, expected="one answer per question", found="two answers to one question", remedy=remedy)
    known = KINDS[test.mode].answers
    if wrong := [given.answer for given in votes.values() if given.answer not in known]:
        raise InputError(path, expected=f"answers {', '.join(known)}", found=repr(wrong[0]), remedy=remedy)
    person = Listener(answers.listener, answers.profile.expertise, "file", answers.profile.headphones)
    return len(votes), store.add(person, votes)
