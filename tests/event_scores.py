"""For tests of the codec: a codec with the default settings, scores on its grid, and walks through a grammar."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from yardbird.codecs.events import EventCodec
from yardbird.codecs.grammar import EventGrammar
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes

CONFIG = EncodeConfig(
    steps_per_beat=12,
    velocities=16,
    tempos=48,
    tempo_range=(40, 360),
    longest_bar_beats=8,
    longest_duration_beats=4,
)
CODEC = EventCodec.create(CONFIG, ["Ada Line", "Bo Dense"])


def chords_or_none() -> st.SearchStrategy[Chord | None]:
    pitch_class = st.integers(0, 11)
    chord = st.builds(
        lambda root, quality, bass: Chord(root, quality, None if bass == root else bass),
        pitch_class,
        st.sampled_from(list(QUALITIES)),
        st.none() | pitch_class,
    )
    return st.none() | chord


@st.composite
def grid_scores(draw: st.DrawFn, *, one_meter: bool = False) -> Score:
    """Any score on the codec's grid: meters, tempos, chords and notes anywhere, of any length that does not overlap."""
    meter_of_bar = draw(st.lists(st.sampled_from(CODEC.meters), min_size=1, max_size=6))
    meter_of_bar = [meter_of_bar[0]] * len(meter_of_bar) if one_meter else meter_of_bar
    tempo_of_bar = [draw(st.sampled_from(CODEC.tempos.tolist())) for _ in meter_of_bar]
    lengths = [48 * numerator // denominator for numerator, denominator in meter_of_bar]
    bars = np.append(0, np.cumsum(lengths)).tolist()
    end = bars[-1]
    onsets = sorted(draw(st.sets(st.integers(0, end - 1), max_size=20)))
    rows = [
        (
            onset,
            draw(st.integers(1, following - onset)),
            draw(st.integers(0, 127)),
            draw(st.sampled_from(CODEC.velocities.tolist())),
        )
        for onset, following in pairwise([*onsets, end])
    ]
    chord_ticks = sorted(draw(st.sets(st.integers(0, end - 1), max_size=6)))
    changed = [0, *(bar for bar in range(1, len(lengths)) if meter_of_bar[bar] != meter_of_bar[bar - 1])]
    sped = [0, *(bar for bar in range(1, len(lengths)) if tempo_of_bar[bar] != tempo_of_bar[bar - 1])]
    return Score(
        ticks_per_beat=12,
        notes=make_notes(np.array(rows, dtype=np.int64).reshape(-1, 4)),
        end_tick=end,
        tempos=tuple(Tempo(bars[bar], tempo_of_bar[bar]) for bar in sped),
        meters=tuple(Meter(bars[bar], *meter_of_bar[bar]) for bar in changed),
        chords=tuple(ChordChange(tick, draw(chords_or_none())) for tick in chord_ticks),
    )


Chooser = Callable[[NDArray[np.int64], np.random.Generator], int]

#: Ways to choose among allowed ids: at random, and choices that could loop forever or reach a dead end.
CHOOSERS: dict[str, Chooser] = {
    "any": lambda ids, rng: int(rng.choice(ids)),
    "lowest": lambda ids, _: int(ids[0]),
    "highest": lambda ids, _: int(ids[-1]),
    "any kind": lambda ids, rng: int(rng.choice(ids[CODEC.kind_of[ids] == rng.choice(CODEC.kind_of[ids])])),
    "first position": lambda ids, _: int(_prefer(ids, "Position", first=True)),
    "last position": lambda ids, _: int(_prefer(ids, "Position", first=False)),
    "longest": lambda ids, _: int(_prefer(ids, "Duration", first=False)),
    "shortest": lambda ids, _: int(_prefer(ids, "Pitch", first=True)),
}


def _prefer(ids: NDArray[np.int64], kind: str, *, first: bool) -> int:
    liked = ids[(ids >= CODEC.ids(kind).start) & (ids < CODEC.ids(kind).stop)]
    return int((liked if len(liked) else ids)[0 if first else -1])


def walk(grammar: EventGrammar, chooser: Chooser, seed: int = 0, prime: Sequence[int] = ()) -> NDArray[np.uint16]:
    """The tokens chosen until the grammar is finished, after a prime."""
    rng = np.random.default_rng(seed)
    tokens = list(prime)
    for token in prime:
        grammar.advance(int(token))
    while not grammar.finished:
        allowed = np.flatnonzero(grammar.allowed())
        assert len(allowed), f"a dead end after {CODEC.vocabulary[tokens[-1]]}"
        tokens.append(chooser(allowed, rng))
        grammar.advance(tokens[-1])
        assert len(tokens) < 20_000
    assert not grammar.allowed().any()
    return np.array(tokens, dtype=np.uint16)
