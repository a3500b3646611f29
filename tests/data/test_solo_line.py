import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.solo_line import _ticks_on_top, choose_part, melodic_line
from yardbird.music.midi import RawPart
from yardbird.music.score import make_notes

rows = st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(40, 60), st.integers(1, 127))


def part(program: int, notes: list[tuple[int, int, int, int]], channel: int = 0, name: str = "") -> RawPart:
    return RawPart(0, channel, name, program, make_notes(notes))


@given(st.lists(rows, min_size=1, max_size=25))
def test_the_highest_note_is_found_as_by_looking_at_every_tick(notes: list[tuple[int, int, int, int]]) -> None:
    array = make_notes([(onset, max(length, 1), pitch, 90) for onset, length, pitch, _ in notes])
    array = array[np.lexsort((-array["pitch"], array["onset_tick"]))]
    slow = np.zeros(len(array), dtype=int)
    for tick in range(100):
        sounding = [
            (-int(note["pitch"]), index)
            for index, note in enumerate(array)
            if note["onset_tick"] <= tick < note["onset_tick"] + note["duration_tick"]
        ]
        if sounding:
            slow[min(sounding)[1]] += 1
    assert _ticks_on_top(array).tolist() == slow.tolist()


@given(st.lists(rows, min_size=1, max_size=40))
def test_a_line_is_monophonic_and_every_note_is_kept_or_counted(notes: list[tuple[int, int, int, int]]) -> None:
    line = melodic_line(make_notes(notes), 480)
    ends = line.notes["onset_tick"] + line.notes["duration_tick"]
    assert np.all(ends[:-1] <= line.notes["onset_tick"][1:])
    assert np.all(line.notes["duration_tick"] > 0)
    assert len(line.notes) + line.reduced_notes == len(notes)
    assert line.zero_length_notes == sum(length == 0 for _, length, _, _ in notes)


def test_a_monophonic_part_stays_as_it_is() -> None:
    notes = make_notes([(0, 100, 60, 90), (100, 50, 72, 80), (200, 10, 50, 70)])
    line = melodic_line(notes, 480)
    assert np.array_equal(line.notes, notes)
    assert (line.reduced_notes, line.trimmed_overlaps, line.zero_length_notes) == (0, 0, 0)


def test_legato_is_trimmed_and_not_reduced() -> None:
    line = melodic_line(make_notes([(0, 110, 60, 90), (100, 100, 67, 90), (195, 100, 64, 90)]), 480)
    assert line.notes["duration_tick"].tolist() == [100, 95, 100]
    assert (line.reduced_notes, line.trimmed_overlaps) == (0, 2)


def test_of_chords_the_top_note_stays() -> None:
    chords = [(beat * 480, 480, pitch, 90) for beat in range(4) for pitch in (48, 52, 55, 60 + beat)]
    line = melodic_line(make_notes(chords), 480)
    assert line.notes["pitch"].tolist() == [60, 61, 62, 63]
    assert line.reduced_notes == 12


def test_a_saxophone_is_chosen_before_a_busier_piano_and_drums_never() -> None:
    tune = [(i * 100, 100, 60 + i, 90) for i in range(8)]
    piano = part(0, [(i * 50, 50, 70, 90) for i in range(30)])
    sax, drums = part(65, tune, channel=2), part(65, tune * 5, channel=9)
    assert choose_part((piano, drums, sax), 4) is sax
    assert choose_part((drums,), 4) is None
    assert choose_part((piano, part(65, tune[:2])), 4) is piano, "a sax with two notes plays no solo"


def test_among_equal_instruments_the_named_or_the_melodic_part_is_chosen() -> None:
    tune = [(i * 100, 100, 60, 90) for i in range(8)]
    chords = part(0, [(i * 100, 100, pitch, 90) for i in range(8) for pitch in (48, 52, 55)])
    assert choose_part((chords, part(0, tune)), 4) is not chords
    named = part(0, tune[:5], name="Alto Sax")
    assert choose_part((part(0, tune), named), 4) is named
