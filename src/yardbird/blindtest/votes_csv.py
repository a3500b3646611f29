"""The votes as CSV, one row for each vote, with the sources of the clips."""

from collections.abc import Mapping

import pandas as pd

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.questions import KINDS
from yardbird.blindtest.results import Votes, sort_listeners
from yardbird.blindtest.votes import Listener

_ORIGIN = ("clip", "source", "artist", "solo", "first_bar")
_SPREADSHEET_FORMULA = ("=", "+", "-", "@")


def votes_csv(test: BlindTest, key: Key, everything: Mapping[str, tuple[Listener, Votes]]) -> str:
    """All votes, also those of listeners who are not counted.

    In mode `pairs` the columns of the clips are there twice, with the endings `_a` and `_b`. A reason is one line. If a
    spreadsheet would run it as a formula, it gets an apostrophe in front.
    """
    questions = {question[0]: question for question in test.questions}
    endings = ("_a", "_b") if KINDS[test.mode].clips == 2 else ("",)
    names = [f"{name}{ending}" for ending in endings for name in _ORIGIN]
    columns = ["test", "mode", "listener", "expertise", "headphones", "via", "status", *names, "answer", "right", "why"]
    status = sort_listeners(test, key, everything)
    rows = []
    for name, (person, votes) in everything.items():
        for question, given in votes.items():
            origins = [(clip, key.clips[clip]) for clip in questions[question]]
            cells = [cell for clip, o in origins for cell in (clip, o.source, o.artist, o.solo, o.first_bar)]
            why = " ".join(given.why.split())
            rows.append(
                [test.id, test.mode, name, person.expertise, person.headphones, person.via, status[name], *cells,
                 given.answer, key.right.get(question), f"'{why}" if why.startswith(_SPREADSHEET_FORMULA) else why]
            )  # fmt: skip
    # As objects: pandas would turn the whole numbers of a column with gaps into fractions.
    return str(pd.DataFrame(rows, columns=columns, dtype=object).to_csv(index=False, lineterminator="\n"))
