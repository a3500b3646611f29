"""The JSB chorales as pitches of four voices in sixteenths.

The data: `jsb-chorales-16th.json` of github.com/czhuang/JSB-Chorales-dataset, in the split of Boulanger-Lewandowski et
al. 2012 (229, 76 and 77 pieces).
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird.errors import InputError

Integers = NDArray[np.int64]
Chorale = list[list[int]]  # sounding pitches of each sixteenth, from the highest voice

VOICES, LOWEST, HIGHEST = 4, 21, 108
RESTING = HIGHEST + 1  # in place of a pitch
USUAL = (67, 62, 57, 50)  # a pitch in the middle of each voice, in place of the one before its first


def read(path: Path) -> dict[str, list[Chorale]]:
    """The chorales of each split, `train` and `valid`.

    Raises:
        InputError: there is no such file, or it has other content.
    """
    remedy = "give the path of jsb-chorales-16th.json of github.com/czhuang/JSB-Chorales-dataset"
    if not path.is_file():
        raise InputError(path, expected="the JSB chorales", found="no such file", remedy=remedy)
    try:
        splits = json.loads(path.read_text())
        chorales = {
            name: [[[int(pitch) for pitch in step] for step in piece] for piece in splits[name]]
            for name in ("train", "valid")
        }
    except (ValueError, TypeError, KeyError):
        raise InputError(path, expected="the JSB chorales", found="something else", remedy=remedy) from None
    steps = [step for pieces in chorales.values() for piece in pieces for step in piece]
    if not all(chorales.values()) or any(
        len(step) > VOICES or any(not LOWEST <= pitch <= HIGHEST for pitch in step) for step in steps
    ):
        raise InputError(path, expected="at most four pitches a step", found="something else", remedy=remedy)
    return chorales


def voices(piece: Chorale) -> Integers:
    """Pitches (steps, voices), `RESTING` for a rest.

    If fewer than four pitches sound, the file does not assign them to voices. They are assigned, in their order, to the
    voices such that these move the least.
    """
    latest, rows = list(USUAL), []
    for step in piece:
        who = min(
            combinations(range(VOICES), len(step)),
            key=lambda chosen: sum(abs(latest[voice] - pitch) for voice, pitch in zip(chosen, step, strict=True)),
        )
        row = [RESTING] * VOICES
        for voice, pitch in zip(who, step, strict=True):
            row[voice] = latest[voice] = pitch
        rows.append(row)
    return np.array(rows)
