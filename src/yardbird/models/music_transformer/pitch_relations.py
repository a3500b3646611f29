"""Relations between event tokens, such as the interval from the previous note and the degree in the chord in force.

A model whose pitches are unrelated labels learns every melodic figure twelve times. Each relation here gives the same
class to pairs of tokens that differ only in their starting point (see `yardbird.nn.relations`). They are melodic
viewpoints in the sense of Conklin & Witten 1995 ("Multiple viewpoint systems for music prediction", JNMR 24):

    interval    pitch ← the pitch before, in semitones; clipped at `WIDEST`
    degree      pitch ← root of the chord in force, modulo 12
    motion      chord root ← the root before, modulo 12
    pulse       position: its place within the beat
    gap         position ← the position before, in steps, modulo a bar of 4/4
    release     duration ← position: the place within the beat where the note ends
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from yardbird.codecs.events import EventCodec
from yardbird.music.score import Ints
from yardbird.nn.relations import Relation

#: Where a relation is used: in the embeddings of all tokens, in the logits of its targets, in both, or nowhere.
Use = Literal["both", "input", "output", "none"]

WIDEST = 32  # semitones


def make_relations(codec: EventCodec, uses: Mapping[str, Use]) -> list[Relation]:
    """The relations of `RELATIONS` that `uses` switches on, for the tokens of a codec."""
    return [
        Relation(*RELATIONS[name](codec), inputs=use in ("both", "input"), outputs=use in ("both", "output"))
        for name, use in uses.items()
        if use != "none"
    ]


_Pairs = tuple[list[int], list[int], list[list[int]]]


def _interval(codec: EventCodec) -> _Pairs:
    pitches, ids = codec.value_of[codec.ids("Pitch")], _ids(codec, "Pitch")
    steps = np.clip(pitches - pitches[:, None], -WIDEST, WIDEST) + WIDEST
    return ids, ids, _classes(steps, nothing=2 * WIDEST + 1)


def _degree(codec: EventCodec) -> _Pairs:
    pitches, roots = codec.value_of[codec.ids("Pitch")], codec.value_of[codec.ids("ChordRoot")]
    return _ids(codec, "Pitch"), *_over_roots(codec, (pitches - roots[:, None]) % 12)


def _motion(codec: EventCodec) -> _Pairs:
    roots = codec.value_of[codec.ids("ChordRoot")]
    return _ids(codec, "ChordRoot"), *_over_roots(codec, (roots - roots[:, None]) % 12)


def _over_roots(codec: EventCodec, classes: Ints) -> tuple[list[int], list[list[int]]]:
    """Classes relative to chord roots. After N.C. there is no root, as before the first chord."""
    no_chord = np.full((1, classes.shape[1]), 12)
    return _ids(codec, "Chord") + _ids(codec, "ChordRoot"), _classes(np.concatenate([no_chord, classes]), nothing=12)


def _pulse(codec: EventCodec) -> _Pairs:
    steps = codec.value_of[codec.ids("Position")]
    return _ids(codec, "Position"), [], (steps % codec.steps_per_beat)[None].tolist()


def _gap(codec: EventCodec) -> _Pairs:
    steps, ids = codec.value_of[codec.ids("Position")], _ids(codec, "Position")
    bar = 4 * codec.steps_per_beat
    return ids, ids, _classes((steps - steps[:, None]) % bar, nothing=bar)


def _release(codec: EventCodec) -> _Pairs:
    steps, lengths = codec.value_of[codec.ids("Position")], codec.value_of[codec.ids("Duration")]
    ends = (steps[:, None] + lengths) % codec.steps_per_beat
    return _ids(codec, "Duration"), _ids(codec, "Position"), _classes(ends, nothing=codec.steps_per_beat)


def _ids(codec: EventCodec, kind: str) -> list[int]:
    ids = codec.ids(kind)
    return list(range(ids.start, ids.stop))


def _classes(classes: Ints, nothing: int) -> list[list[int]]:
    """Put a row of the class `nothing`, for targets without a reference, before (R, T) classes."""
    table: list[list[int]] = np.concatenate([np.full((1, classes.shape[1]), nothing), classes]).tolist()
    return table


RELATIONS: Mapping[str, Callable[[EventCodec], _Pairs]] = {
    "interval": _interval,
    "degree": _degree,
    "motion": _motion,
    "pulse": _pulse,
    "gap": _gap,
    "release": _release,
}
