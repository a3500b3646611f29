from yardbird.music.chords import Chord
from yardbird.music.excerpts import cut, excerpts, in_full_bars, length_beats
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes


def long_score() -> Score:
    """Ten bars of 4/4 with a note on every beat, its pitch the number of the beat; everything changes on the way."""
    return Score(
        12,
        make_notes([(beat * 12, 12, beat, 80) for beat in range(40)]),
        480,
        tempos=(Tempo(0, 200.0), Tempo(192, 220.0)),
        chords=(ChordChange(0, Chord(0, "7")), ChordChange(180, Chord(5, "7")), ChordChange(240, None)),
        phrases=(0, 204, 480),
    )


def test_excerpts_are_consecutive_and_a_shorter_remainder_is_dropped():
    pieces = excerpts(long_score(), 16)
    assert [piece.bar_count for piece in pieces] == [4, 4]
    assert [piece.pitches.tolist() for piece in pieces] == [list(range(16)), list(range(16, 32))]


def test_bars_of_one_beat_make_excerpts_of_the_same_length():
    """A transcription without a meter is written in 1/4: 32 of its bars would be a quarter of the music."""
    score = Score(12, long_score().notes, 480, meters=(Meter(0, 1, 4),))
    assert [piece.bar_count for piece in excerpts(score, 16)] == [16, 16]
    waltz = Score(12, long_score().notes, 480, meters=(Meter(0, 3, 4),))
    assert {piece.bar_count for piece in excerpts(waltz, 16)} == {5}


def test_the_length_of_a_set_is_its_median_in_beats():
    score = long_score()
    assert length_beats([score, cut(score, 0, 48), cut(score, 0, 96)]) == 8


def test_a_last_bar_that_is_cut_short_still_counts():
    score = long_score()
    short = Score(12, score.notes[:-2], 460)
    assert [piece.bar_count for piece in excerpts(short, 20)] == [5, 5]


def test_a_short_score_is_its_own_excerpt():
    score = long_score()
    assert excerpts(score, 40) == excerpts(score, 128) == [score]


def test_excerpts_without_notes_are_left_out():
    score = Score(12, make_notes([(0, 12, 60, 80), (400, 12, 60, 80)]), 480)
    assert [len(piece.notes) for piece in excerpts(score, 8)] == [1, 1]


def test_an_excerpt_starts_under_the_chord_and_tempo_in_force():
    _, piece = excerpts(long_score(), 16)
    assert piece.chords == (ChordChange(0, Chord(5, "7")), ChordChange(48, None))
    assert piece.tempos == (Tempo(0, 220.0),)
    assert piece.phrases == (12,)
    assert (piece.end_tick, piece.bar_ticks.tolist()) == (192, [0, 48, 96, 144])


def test_a_note_that_sounds_over_the_cut_ends_there():
    score = Score(12, make_notes([(36, 48, 60, 80), (84, 12, 62, 80)]), 96)
    piece = cut(score, 0, 48)
    assert piece.notes.tolist() == [(36, 12, 60, 80)]


def test_meters_move_with_the_cut():
    score = Score(12, make_notes([(0, 12, 60, 80)]), 200, meters=(Meter(0, 4, 4), Meter(48, 3, 4)))
    assert cut(score, 84, 156).meters == (Meter(0, 3, 4),)


def test_a_solo_without_a_meter_is_measured_in_bars_of_four():
    """Regression: because of one solo in 1/4, the entropy per bar of real solos was computed over single beats."""
    beats = Score(12, make_notes([(beat * 12, 12, beat, 80) for beat in range(40)]), 480, meters=(Meter(0, 1, 4),))
    assert (beats.bar_count, in_full_bars(beats).bar_count) == (40, 10)
    waltz = Score(12, beats.notes, 480, meters=(Meter(0, 1, 4), Meter(12, 3, 4)))
    assert in_full_bars(waltz) is waltz
