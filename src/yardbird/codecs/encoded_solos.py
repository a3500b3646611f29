"""Read the solos of the encoded corpus as event tokens or as steps of the melody grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.codecs.events import Tokens
from yardbird.codecs.melody import PAD, START, Steps
from yardbird.config import TARGET, Role
from yardbird.errors import InputError
from yardbird.tables.encoded_tables import EncodedRow, read_index


@dataclass(frozen=True)
class EncodedSolo:
    """One copy of a solo in the encoded corpus."""

    solo: str
    tune_group: str
    artist: str
    role: Role
    tokens: Tokens


def read_solos(encoded: Path, split: str, *, copies: bool = False, background: bool = False) -> list[EncodedSolo]:
    """The target's solos of a split as event tokens.

    Args:
        copies: include the copies made by augmentation.
        background: include background solos.

    Raises:
        InputError: there are none.
    """
    packed: Tokens = files.read_array(encoded / "tokens.npy")
    return [
        EncodedSolo(row.solo, row.tune_group, row.artist, row.role, packed[row.place])
        for row in _rows(encoded, split, copies, background)
    ]


def read_steps(encoded: Path, split: str, *, copies: bool = False, background: bool = False) -> list[EncodedSolo]:
    """The solos of a split as steps of the melody grid, with START before each and without padding.

    Arguments as for `read_solos`. Copies that differ only in tempo have the same steps; one of them is read.
    """
    packed: Steps = files.read_array(encoded / "steps.npy")
    unique = {(row.solo, row.semitones): row for row in _rows(encoded, split, copies, background)}
    solos = []
    for row in unique.values():
        steps = packed[row.place].ravel()
        tokens = np.append(START, steps[steps != PAD]).astype(np.uint16)
        solos.append(EncodedSolo(row.solo, row.tune_group, row.artist, row.role, tokens))
    return solos


def _rows(encoded: Path, split: str, copies: bool, background: bool) -> list[EncodedRow]:
    rows = [
        row for row in read_index(encoded, split) if (copies or row.is_original) and (background or row.role == TARGET)
    ]
    if not rows:
        raise InputError(encoded, expected=f"solos of the {split} split", found="none", remedy="add tunes")
    return rows
