"""The notation: exact on a simple grid, and with full bars on any grid."""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import converter
from solo_rows import solo

from yardbird.music.chords import Chord
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, make_notes
from yardbird.report.notation import CHORD_TONE, INK, OTHER_TONE, as_musicxml, bar_edges, cut, engrave, simplify


def line(onsets: list[float], lengths: list[float], *, beats: int = 4, chords: bool = True) -> Score:
    """C, D, E, … at the given beats, over C major; 96 ticks a beat."""
    rows = [
        (round(96 * onset), round(96 * length), 60 + (0, 2, 4, 5, 7, 9, 11)[place % 7], 80)
        for place, (onset, length) in enumerate(zip(onsets, lengths, strict=True))
    ]
    changes = (ChordChange(0, Chord.parse("C")),) if chords else ()
    return Score(96, make_notes(rows), 96 * beats, chords=changes, key=Key.parse("C"))


@pytest.mark.parametrize(
    "onsets",
    [
        [0, 0.5, 1, 1.5, 2, 3],
        [0, 1 / 3, 2 / 3, 1, 1.25, 1.5, 1.75, 3.75],
        [0.5, 1.5, 2.5, 3.5],
        [0, 1 / 6, 1 / 3, 1 / 2, 2, 2.125, 2.25, 2.375, 2.5],
    ],
)
def test_a_line_on_a_simple_grid_is_written_unchanged(onsets: list[float]) -> None:
    lengths = [after - onset for onset, after in pairwise([*onsets, 4])]
    notes = [own for own in simplify(line(onsets, lengths)) if own.pitch is not None]
    assert [float(own.start) for own in notes] == pytest.approx(onsets)
    assert [float(own.stop - own.start) for own in notes] == pytest.approx(lengths)


def test_a_swung_eighth_is_a_triplet_and_a_played_eighth_is_quantised() -> None:
    for onset, meant in ((0.66, Fraction(2, 3)), (0.53, Fraction(1, 2))):
        assert [own.start for own in simplify(line([0, onset], [onset - 0.05, 4 - onset]))] == [0, meant]


def test_a_short_silence_is_articulation_and_a_long_one_is_a_rest() -> None:
    short, long = simplify(line([0, 1], [0.7, 3])), simplify(line([0, 1], [0.4, 3]))
    assert [(own.stop, own.pitch) for own in short] == [(1, 60), (4, 62)]
    assert [(own.stop, own.pitch) for own in long] == [(Fraction(1, 2), 60), (1, None), (4, 62)]


@given(st.integers(0, 10_000), st.sampled_from([(4, 4), (3, 4), (7, 8), (12, 4)]))
def test_notes_and_rests_fill_every_bar_without_overlap(seed: int, meter: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    onsets = np.unique(random.integers(0, 96 * 14, 30))
    rows = [(int(onset), int(random.integers(1, 200)), int(random.integers(50, 80)), 80) for onset in onsets]
    score = Score(96, make_notes(rows), 96 * 14, meters=(Meter(0, *meter),))
    written = simplify(score)
    assert [own.start for own in written] == [0, *(own.stop for own in written[:-1])]
    assert written[-1].stop == bar_edges(score)[-1]
    assert all(own.start < own.stop for own in written)
    for start, stop in pairwise(bar_edges(score)):
        pieces = [piece for piece, _ in cut(written, start, stop)]
        assert [piece.start for piece in pieces] == [start, *(piece.stop for piece in pieces[:-1])]
        assert pieces[-1].stop == stop
    heard = dict(zip(score.onsets.tolist(), score.pitches.tolist(), strict=True))
    moved = [
        min(abs(96 * own.start - onset) for onset, pitch in heard.items() if pitch == own.pitch)
        for own in written
        if own.pitch
    ]
    assert max(moved) <= 24, "a quarter of a beat, in the worst of cases"


def test_music21_reads_back_notes_ties_chords_and_full_bars() -> None:
    score = line([0, 0.5, 1.5, 3.5, 5, 17 / 3], [0.5, 1, 2, 1.5, 2 / 3, 1 / 3], beats=8)
    read = converter.parseData(as_musicxml(score), format="musicxml")
    bars = list(read.parts[0].getElementsByClass("Measure"))
    assert [bar.duration.quarterLength for bar in bars] == [4, 4]
    whole = read.stripTies().flatten().notes
    assert [(float(note.offset), note.pitch.midi) for note in whole if note.isNote] == [
        (pytest.approx(onset), pitch)
        for onset, pitch in zip([0, 0.5, 1.5, 3.5, 5, 17 / 3], [60, 62, 64, 65, 67, 69], strict=True)
    ]
    assert [text.content for text in read.flatten().getElementsByClass("TextExpression")] == ["C"]


def test_chord_tones_other_tones_and_notes_without_chord_have_three_colours() -> None:
    onsets, lengths = [0, 1, 2, 3], [1.0] * 4
    under, without = (as_musicxml(line(onsets, lengths, chords=chords)).lower() for chords in (True, False))
    assert under.count(f'<note color="{CHORD_TONE}"') == 2, "C and E"
    assert under.count(f'<note color="{OTHER_TONE}"') == 2, "D and F"
    assert without.count(f'<note color="{INK}"') == 4


def test_engraving_is_deterministic_and_requests_no_font() -> None:
    score = solo(1)
    drawing = engrave(score)
    assert drawing == engrave(score)
    assert drawing.startswith("<svg ")
    assert {CHORD_TONE, OTHER_TONE} <= set(re.findall("#[0-9a-f]{6}", drawing.lower()))
    assert "B♭m7/E♭" in drawing
    assert "@font-face" not in drawing
    assert "@import" not in drawing
