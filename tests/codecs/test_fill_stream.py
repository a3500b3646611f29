"""The stream of a gap has the bars after it, the bars before it and the gap, each once, and the grammar can fill it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from event_scores import CHOOSERS, CODEC, grid_scores, walk
from hypothesis import assume, given
from hypothesis import strategies as st

from yardbird.codecs.fill_stream import Arranged, Gap, arrange, gap_at, gap_of
from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import InputError
from yardbird.music.excerpts import cut
from yardbird.music.score import Score, make_notes

FILL, BAR = CODEC.ids("Fill").start, CODEC.ids("Bar").start


@st.composite
def gaps(draw: st.DrawFn) -> tuple[Score, Gap]:
    """Any score and any gap of it."""
    score = draw(grid_scores())
    first = draw(st.integers(0, score.bar_count - 1))
    return score, Gap(first, draw(st.integers(1, score.bar_count - first)))


def lines(score: Score) -> list[int]:
    return [*score.bar_ticks.tolist(), score.end_tick]


def after_of(arranged: Arranged) -> np.ndarray:
    """The bars after the gap, as a window on a bar line."""
    prompt = arranged.prompt
    marks = np.flatnonzero(prompt == FILL)
    assert len(marks) in (0, 2)
    return prompt[marks[0] + 1 : marks[1]] if len(marks) else prompt[:0]


@given(gaps())
def test_with_enough_room_the_stream_contains_the_whole_solo_once(case: tuple[Score, Gap]) -> None:
    score, gap = case
    end = lines(score)[gap.stop]
    arranged = arrange(CODEC, score, gap, "Ada Line", 10_000, score.bar_count)
    stretch = np.concatenate([arranged.stretch(CODEC), arranged.middle])
    assert CODEC.decode(stretch) == cut(score, 0, end)
    assert np.sum(arranged.middle == BAR) == gap.bars
    assert arranged.before_bars == gap.first
    after = after_of(arranged)
    assert np.sum(after == BAR) == score.bar_count - gap.stop
    if len(after):
        assert CODEC.decode(after) == cut(score, end, score.end_tick)


@given(gaps(), st.integers(0, 80))
def test_contexts_are_the_nearest_whole_bars_that_fit(case: tuple[Score, Gap], room: int) -> None:
    score, gap = case
    arranged = arrange(CODEC, score, gap, None, room, score.bar_count)
    edges = lines(score)
    start = edges[gap.first - arranged.before_bars]
    assert arranged.before == cut(score, start, edges[gap.stop])
    stretch = np.concatenate([arranged.stretch(CODEC), arranged.middle])
    assert CODEC.decode(stretch) == arranged.before
    after_bars = int(np.sum(after_of(arranged) == BAR))
    assert (after_bars > 0) == (gap.stop < score.bar_count)
    assert (arranged.before_bars > 0) == (gap.first > 0)
    if after_bars > 1 or arranged.before_bars > 1:  # one bar on each side is kept even if it is too long
        least = arrange(CODEC, score, gap, None, 0, score.bar_count)
        assert len(arranged.prompt) <= max(room, len(least.prompt) + room // 4)


def test_all_bars_of_a_training_stream_differ_and_the_gap_occurs_once() -> None:
    """The gap must not leak into its own contexts."""
    notes = [(48 * bar + 12 * beat, 6, 20 + bar, 80) for bar in range(40) for beat in range(4)]
    score = CODEC.grid(Score(12, make_notes(notes), 40 * 48)).score
    tokens = CODEC.encode_grid(score, "Ada Line")
    for place in range(0, len(tokens), 37):
        for bars in (1, 2, 3, 4):
            gap = gap_at(CODEC, tokens, place, bars)
            assert gap is not None
            arranged = gap_of(CODEC, tokens, gap, 161, named=bool(place % 2))
            assert arranged is not None
            stream = np.concatenate([arranged.prompt, arranged.middle])
            assert len(stream) <= 161
            pitches = [
                int(p) for p in CODEC.value_of[stream[CODEC.kind_of[stream] == CODEC.kind_of[CODEC.ids("Pitch").start]]]
            ]
            shown = sorted(set(pitches))
            assert all(pitches.count(pitch) == 4 for pitch in shown)
            assert shown == list(range(shown[0], shown[-1] + 1)), "contexts are the neighbours of the gap"
            middle = arranged.middle[CODEC.kind_of[arranged.middle] == CODEC.kind_of[CODEC.ids("Pitch").start]]
            assert sorted(set(CODEC.value_of[middle].tolist())) == list(range(20 + gap.first, 20 + gap.stop))
            assert CODEC.vocabulary[stream[1]] == ("Artist_Ada Line" if place % 2 else "Artist_unknown")
            assert shown[-1] > 19 + gap.stop, "there is always a bar to join"


def test_a_solo_too_short_for_a_gap_and_a_bar_after_it_has_none() -> None:
    score = CODEC.grid(Score(12, make_notes([(0, 6, 60, 80)]), 2 * 48)).score
    tokens = CODEC.encode_grid(score, None)
    assert gap_at(CODEC, tokens, 5, 1) == Gap(0, 1)
    assert gap_at(CODEC, tokens, len(tokens), 1) == Gap(0, 1)
    assert gap_at(CODEC, tokens, 5, 2) is None
    assert gap_of(CODEC, tokens, Gap(0, 1), 12) is None, "it does not fit"


@given(gaps(), st.sampled_from(sorted(CHOOSERS)), st.integers(0, 2**32), st.integers(0, 60))
def test_any_choice_of_tokens_fills_a_gap_within_its_frame(
    case: tuple[Score, Gap], chooser: str, seed: int, hold: int
) -> None:
    score, gap = case
    arranged = arrange(CODEC, score, gap, "Ada Line", 10_000, score.bar_count)
    before = arranged.before
    start = lines(score)[gap.first]
    assume(np.all(before.offsets[before.onsets < start] <= before.end_tick))
    grammar = EventGrammar(CODEC, bars=before.bar_count, pitch_range=(50, 80), chords=before.chords, frame=before)
    prime = arranged.stretch(CODEC).tolist()
    for token in prime:
        grammar.advance(token)
    grammar.hold(start + hold)
    tokens = np.concatenate([prime, walk(grammar, CHOOSERS[chooser], seed)])
    filled = CODEC.decode(tokens)
    kept = before.notes[before.onsets < start]
    assert filled.notes[: len(kept)].tolist() == kept.tolist()
    assert replace(filled, notes=before.notes) == before, "chords, meters and tempos are those of the frame"
    new = filled.notes[len(kept) :]
    assert np.all(new["onset_tick"] >= start + hold)
    assert np.all((new["pitch"] >= 50) & (new["pitch"] <= 80))


def test_a_frame_refuses_other_meters_and_tempos(make_score: Any) -> None:
    frame = CODEC.grid(make_score([(0, 1, 60)], beats=8)).score
    grammar = EventGrammar(CODEC, bars=2, pitch_range=(50, 80), chords=(), frame=frame)
    for token in CODEC.encode_grid(frame, None)[:3].tolist():
        grammar.advance(token)
    with pytest.raises(InputError, match="expected the meter of the given chords, found TimeSig_3/4"):
        grammar.advance(CODEC.meter_id(3, 4))
    grammar.advance(CODEC.meter_id(4, 4))
    grammar.advance(CODEC.tempo_id(40))
    with pytest.raises(InputError, match="expected the meter and the tempo of the bar, found Left_2"):
        grammar.advance(CODEC.ids("Left").start + 1)
