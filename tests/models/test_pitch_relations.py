from itertools import pairwise

import numpy as np
import pytest
import torch

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import KINDS
from yardbird.models.music_transformer.pitch_relations import RELATIONS, WIDEST, make_relations
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Score, make_notes
from yardbird.nn.relations import RelationTerms
from yardbird.seeds import generator


def classes_of(codec: EventCodec, tokens: np.ndarray, name: str) -> list[int]:
    """The class of every target of a stream, in order."""
    (relation,) = make_relations(codec, {name: "both"})
    terms = RelationTerms(codec.vocab_size, 4, relation)
    followed = terms.follow(torch.from_numpy(tokens.astype(np.int64))[None], torch.zeros(3, 1, dtype=torch.long))
    own = followed[2, 0].numpy() - 1
    classes: list[int] = own[np.isin(tokens, relation.targets)].tolist()
    return classes


@pytest.fixture
def solo() -> Score:
    """Leaps and runs of all lengths within two beats, over chords and N.C. that also change within bars."""
    random = generator(0, "solo")
    onsets = np.cumsum(random.integers(1, 25, size=120))
    lengths = np.minimum(np.diff(onsets, append=onsets[-1] + 20), random.integers(1, 25, size=120))
    pitches = random.integers(40, 90, size=120)
    symbols = ("F7", "N.C.", "Bb7", "Bbm7", "G7b9")
    chords = tuple(ChordChange(24 * at + 24, Chord.parse(symbols[at % 5])) for at in range(40))
    rows = np.stack([onsets, lengths, pitches, np.full(120, 80)], axis=1)
    return Score(12, make_notes(rows), 48 * 40, chords=chords)


def test_a_line_becomes_intervals_degrees_motions_and_positions_in_the_beat(codec: EventCodec, solo: Score) -> None:
    tokens = codec.encode_grid(codec.grid(solo).score, None)
    intervals = [65, *(min(max(b - a, -WIDEST), WIDEST) + WIDEST for a, b in pairwise(solo.pitches.tolist()))]
    assert classes_of(codec, tokens, "interval") == intervals

    degrees = []
    for onset, pitch in zip(solo.onsets.tolist(), solo.pitches.tolist(), strict=True):
        chord = next((change.chord for change in reversed(solo.chords) if change.tick <= onset), None)
        degrees.append(12 if chord is None else (pitch - chord.root) % 12)
    assert classes_of(codec, tokens, "degree") == degrees

    motions = []
    for before, after in pairwise((ChordChange(0, None), *solo.chords)):
        if after.chord:
            motions.append(12 if before.chord is None else (after.chord.root - before.chord.root) % 12)
    assert classes_of(codec, tokens, "motion") == motions

    occupied = sorted({*solo.onsets.tolist(), *(change.tick for change in solo.chords)})
    assert classes_of(codec, tokens, "pulse") == [tick % 12 for tick in occupied]
    assert classes_of(codec, tokens, "gap") == [48, *((b - a) % 48 for a, b in pairwise(occupied))]
    assert classes_of(codec, tokens, "release") == [tick % 12 for tick in solo.offsets.tolist()]


@pytest.mark.parametrize("name", ["interval", "degree", "motion", "pulse", "gap", "release"])
def test_a_transposed_solo_has_the_same_classes(codec: EventCodec, solo: Score, name: str) -> None:
    tokens = codec.encode(solo, None)
    assert classes_of(codec, codec.transpose(tokens, 3), name) == classes_of(codec, tokens, name)


def test_every_kind_of_target_is_a_kind_of_token(codec: EventCodec) -> None:
    kinds = {name: {KINDS[codec.kind_of[token]] for token in RELATIONS[name](codec)[0]} for name in RELATIONS}
    assert kinds == {
        "interval": {"Pitch"}, "degree": {"Pitch"}, "motion": {"ChordRoot"}, "pulse": {"Position"}, "gap": {"Position"},
        "release": {"Duration"},
    }  # fmt: skip
