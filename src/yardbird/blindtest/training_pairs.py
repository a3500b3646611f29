"""Preferences as training pairs: which of two generated excerpts listeners prefer, for preference tuning."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yardbird.blindtest.bundle import BlindTest, Key, excerpt_path
from yardbird.blindtest.results import Votes, sort_listeners
from yardbird.blindtest.votes import Listener
from yardbird.errors import InputError


def training_pairs(
    folder: Path, test: BlindTest, key: Key, everything: Mapping[str, tuple[Listener, Votes]]
) -> tuple[list[dict[str, Any]], int]:
    """One record for each pair of generated excerpts with a majority, and the number of pairs without one.

    Only counted listeners vote. A preference is about the excerpts, so `path` is the MIDI file of the excerpt in the
    folder of the test; `solo_path` and `solo_sha256` identify the whole solo that it is from. Real solos are never
    included.

    Raises:
        InputError: the test has no pairs of generated solos, or there are no votes.
    """
    remedy = "make a test with --mode pairs and blind_test.pairs_within_family above 0, in a new --folder"
    if test.mode != "pairs":
        raise InputError(folder, expected="a test in mode pairs", found=f"one in mode {test.mode}", remedy=remedy)
    generated = [pair for pair in test.questions if all(key.clips[clip].chart is not None for clip in pair)]
    if not generated:
        raise InputError(folder, expected="pairs of generated solos", found="none", remedy=remedy)
    status = sort_listeners(test, key, everything)
    counted = [votes for name, (_, votes) in everything.items() if status[name] == "counted"]
    if not counted:
        remedy = "wait for listeners who answer every question and pass every check"
        raise InputError(folder, expected="votes that count", found="none", remedy=remedy)
    records = []
    for a, b in generated:
        for_a = sum(votes[a].answer == "a" for votes in counted)
        for_b = len(counted) - for_a
        if for_a != for_b:
            chosen, rejected = (a, b) if for_a > for_b else (b, a)
            records.append(
                {
                    "chosen": _side(folder, key, chosen),
                    "rejected": _side(folder, key, rejected),
                    "votes_chosen": max(for_a, for_b),
                    "votes_rejected": min(for_a, for_b),
                    "same_chart": key.clips[a].chart == key.clips[b].chart,
                    "seconds": test.seconds,
                    "test": test.id,
                    "seed": key.seed,
                }
            )
    return records, len(generated) - len(records)


def _side(folder: Path, key: Key, clip: str) -> dict[str, Any]:
    origin = key.clips[clip]
    return {
        "path": excerpt_path(folder, clip).as_posix(),
        "family": origin.source,
        "chart": origin.chart,
        "solo": origin.solo,
        "solo_path": origin.path,
        "solo_sha256": origin.sha256,
        "first_bar": origin.first_bar,
        "clip": clip,
    }


def as_json_lines(records: list[dict[str, Any]]) -> str:
    """One record a line."""
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)
