"""The votes as CSV, one row for each vote, with the sources of the clips."""

import csv
import io
from collections.abc import Mapping

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.questions import KINDS
from yardbird.blindtest.results import Votes, sort_listeners
from yardbird.blindtest.votes import Listener

_ORIGIN = ("clip", "source", "artist", "solo", "first_bar")
_SPREADSHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def votes_csv(test: BlindTest, key: Key, everything: Mapping[str, tuple[Listener, Votes]]) -> str:
    """All votes, also those of listeners who are not counted.

    In mode `pairs` the columns of the clips are there twice, with the endings `_a` and `_b`. A reason that a
    spreadsheet would run as a formula gets an apostrophe in front.
    """
    questions = {question[0]: question for question in test.questions}
    endings = ("_a", "_b") if KINDS[test.mode].clips == 2 else ("",)
    names = [f"{name}{ending}" for ending in endings for name in _ORIGIN]
    columns = ["test", "mode", "listener", "expertise", "headphones", "via", "status", *names, "answer", "right", "why"]
    status = sort_listeners(test, key, everything)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for name, (person, votes) in everything.items():
        for question, given in votes.items():
            clips = questions[question]
            origins = [(clip, o.source, o.artist, o.solo, o.first_bar) for clip in clips for o in [key.clips[clip]]]
            why = f"'{given.why}" if given.why.startswith(_SPREADSHEET_FORMULA) else given.why
            table.writerow(
                [test.id, test.mode, name, person.expertise, person.headphones, person.via, status[name],
                 *(cell for origin in origins for cell in origin), given.answer, key.right.get(question), why]
            )  # fmt: skip
    return text.getvalue()
