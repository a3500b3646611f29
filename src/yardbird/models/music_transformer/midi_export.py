"""Export of solos to MIDI files."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from yardbird.codecs.events import EventCodec
from yardbird.errors import InputError
from yardbird.music.midi import write_score
from yardbird.music.score import Score, make_notes


def save_to_midi(solo: Score | Tensor | ArrayLike, path: str | Path, codec: EventCodec | None = None) -> None:
    """Write a score, or one sequence of tokens, (length,) or (1, length), to a MIDI file.

    With a codec, the tokens are decoded as events. Without a codec, the tokens are MIDI pitches, 0 to 127, and become
    successive eighth notes at 120 quarter notes a minute.

    Raises:
        InputError: there are several sequences (write them one by one), or no codec and a token is not a pitch.
    """
    write_score(solo if isinstance(solo, Score) else _decoded(solo, codec), Path(path))


def _decoded(tokens: Tensor | ArrayLike, codec: EventCodec | None) -> Score:
    sequence = np.asarray(tokens.detach().cpu() if isinstance(tokens, Tensor) else tokens)
    if sequence.ndim == 2 and len(sequence) == 1:
        sequence = sequence[0]
    if sequence.ndim != 1:
        found = f"an array of shape {sequence.shape}"
        raise InputError("tokens", expected="one sequence", found=found, remedy="write rows one by one: tokens[0], …")
    return _eighth_notes(sequence) if codec is None else codec.decode(sequence.astype(np.uint16))


def _eighth_notes(pitches: np.ndarray) -> Score:
    if pitches.size and not (pitches.min() >= 0 and pitches.max() < 128):
        found = f"{pitches.min()} to {pitches.max()}"
        raise InputError("tokens", expected="pitches from 0 to 127", found=found, remedy="pass the codec of the tokens")
    notes = make_notes([(onset, 1, int(pitch), 80) for onset, pitch in enumerate(pitches)])
    return Score(ticks_per_beat=2, notes=notes, end_tick=len(pitches))
