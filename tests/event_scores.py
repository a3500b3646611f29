"""For tests of the codec: one of the default settings, and any score on its grid, drawn by hypothesis."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from yardbird.codecs.events import EventCodec
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
