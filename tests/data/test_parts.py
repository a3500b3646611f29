import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yardbird.data.parts import choose_part, choose_solo
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi, RawPart
from yardbird.music.score import make_notes

Row = tuple[int, int, int, int]


def part(program: int, notes: list[tuple[int, int, int, int]], channel: int = 0, name: str = "") -> RawPart:
    return RawPart(0, channel, name, program, make_notes(notes))


def chosen(*parts: RawPart) -> RawPart:
    choice = choose_part(parts, 480, 4)
    assert choice is not None
    (member,) = choice.part.members
    return member


def test_a_saxophone_is_chosen_before_a_busier_piano_and_drums_are_never_chosen() -> None:
    tune = [(i * 100, 100, 60 + i, 90) for i in range(8)]
    piano = part(0, [(i * 50, 50, 70, 90) for i in range(30)])
    sax, drums = part(65, tune, channel=2), part(65, tune * 5, channel=9)
    assert chosen(piano, drums, sax) is sax
    assert choose_part((drums,), 480, 4) is None
    assert chosen(piano, part(65, tune[:2])) is piano, "a saxophone part of two notes is not a solo"


def test_among_equal_instruments_the_named_or_the_melodic_part_is_chosen() -> None:
    tune = [(i * 100, 100, 60, 90) for i in range(8)]
    chords = part(0, [(i * 100, 100, pitch, 90) for i in range(8) for pitch in (48, 52, 55)])
    assert chosen(chords, part(0, tune)) is not chords
    named = part(0, tune[:5], name="Alto Sax")
    assert chosen(part(0, tune), named) is named


def melody(count: int, *, seed: int = 0, start: int = 0, length: float = 0.9, lowest: int = 57) -> list[Row]:
    """A random walk of eighths and some longer notes over two octaves."""
    rng = np.random.default_rng(seed)
    rows, pitch, tick = [], lowest + 10, start
    for _ in range(count):
        pitch = int(np.clip(pitch + rng.integers(-4, 5), lowest, lowest + 22))
        step = 240 * int(rng.choice([1, 1, 1, 2, 3]))
        rows.append((tick, int(step * length), pitch, 90))
        tick += step
    return rows


def walking(count: int, octave: int = 0) -> list[Row]:
    return [(480 * i, 460, 36 + 12 * octave + i * 5 % 14, 80) for i in range(count)]


def comping(count: int) -> list[Row]:
    return [(960 * i + 240, 400, pitch, 70) for i in range(count) for pitch in (52, 57, 60, 64)]


def tracks(*parts: tuple[str, int, list[Row]]) -> list[RawPart]:
    return [RawPart(i, i, name, program, make_notes(rows)) for i, (name, program, rows) in enumerate(parts)]


@pytest.mark.parametrize("octave", [0, 1])
@pytest.mark.parametrize("one_track", [False, True])
def test_the_melody_and_not_the_walking_bass_of_an_unnamed_trio_is_chosen(octave: int, one_track: bool) -> None:
    trio = tracks(("", 0, walking(256, octave)), ("", 0, comping(100)), ("", 0, melody(100)))
    trio = [replace(one, track=0) for one in trio] if one_track else trio
    assert chosen(*trio) is trio[2]


@pytest.mark.parametrize(
    ("parts", "winner"),
    [
        ([("Alto Sax", 65, melody(16)), ("Guitar", 26, melody(391, seed=1))], 1),
        ([("", 65, melody(40)), ("", 26, melody(200, seed=1)), ("", 0, comping(28))], 1),
        ([("Tenor", 66, melody(60)), ("Vibes", 11, melody(240, seed=1)), ("Bass", 32, walking(200))], 1),
        ([("", 65, melody(64)), ("", 0, comping(200)), ("", 48, comping(300))], 0),
        ([("Melody", 0, melody(64)), ("Gtr", 25, melody(180, seed=1))], 0),
        ([("Horn", 0, melody(64)), ("Bass", 0, walking(256, octave=1))], 0),
        ([("Bass Clarinet", 71, melody(64, lowest=45)), ("", 32, walking(256))], 0),
    ],
)
def test_the_notes_of_a_part_have_as_much_weight_as_its_name(
    parts: list[tuple[str, int, list[Row]]], winner: int
) -> None:
    band = tracks(*parts)
    assert chosen(*band) is band[winner]


def test_the_unused_parts_are_named_and_a_longer_line_among_them_is_flagged() -> None:
    band = tracks(("Alto|Sax", 65, melody(90)), ("Vibes", 11, melody(130, seed=1)), ("Bass", 32, walking(256)))
    choice = choose_part(band, 480, 4)
    assert choice is not None
    assert choice.part.label == "track 1, channel 1, Alto Sax"
    assert [(part.label, len(part.notes)) for part in choice.left] == [
        ("track 3, channel 3, Bass", 256),
        ("track 2, channel 2, Vibes", 130),
    ]
    assert choice.flags == ["longer_part_left:track 2, channel 2, Vibes, 130 notes"]


@pytest.mark.parametrize("length", [0.9, 1.2, 2.0])
@pytest.mark.parametrize("channels", [2, 7, 15])
def test_a_line_spread_over_the_channels_of_a_track_is_one_part(length: float, channels: int) -> None:
    """Each note is on the next channel, as in MPE, including the drum channel."""
    rows = melody(120, length=length)
    parts = [RawPart(0, 1 + i, "", 65, make_notes(rows[i::channels])) for i in range(channels)]
    choice = choose_part(parts, 480, 4)
    assert choice is not None
    assert np.array_equal(choice.part.notes, make_notes(rows))
    assert choice.flags == [f"parts_joined:{channels}"]


@pytest.mark.parametrize("programs", [[27] * 6, [27, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 27]])
def test_the_strings_of_a_midi_guitar_are_one_part(programs: list[int]) -> None:
    """Also if only one of its channels sets the program."""
    rows = melody(200, lowest=45, length=1.2)
    strings = [make_notes([row for row in rows if (row[2] - 45) // 4 == string]) for string in range(6)]
    parts = [
        RawPart(0, i, "", program, notes) for i, (program, notes) in enumerate(zip(programs, strings, strict=True))
    ]
    choice = choose_part(parts, 480, 4)
    assert choice is not None
    assert np.array_equal(choice.part.notes, make_notes(rows))
    assert choice.part.program == 27


def test_a_piano_of_another_player_in_the_same_track_is_a_separate_part() -> None:
    solo = melody(100)
    chords = [(onset, 1.0, pitch, 70) for onset in range(0, 50, 2) for pitch in (48, 52, 55)]
    choice = choose_part([RawPart(0, 0, "", 65, make_notes(solo)), RawPart(0, 1, "", 0, make_notes(chords))], 480, 4)
    assert choice is not None
    assert (len(choice.part.notes), [len(part.notes) for part in choice.left]) == (100, [75])


def test_two_players_of_one_instrument_are_two_parts() -> None:
    lead = melody(100)
    second = [(onset, length, pitch - 4, 90) for onset, length, pitch, _ in lead]
    choice = choose_part([RawPart(0, 0, "", 65, make_notes(lead)), RawPart(0, 1, "", 65, make_notes(second))], 480, 4)
    assert choice is not None
    assert [len(part.notes) for part in (choice.part, *choice.left)] == [100, 100]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("take 1", "take 2"),
        ("Take1", "Take2"),
        ("Alto Sax take 1", "ALTO SAX TAKE 2"),
        ("Alto Sax take one", "Alto Sax take two"),
        ("solo", "solo (cont.)"),
        ("Solo 1", "Solo 2"),
        ("Alto Sax", "Alto Sax"),
        ("Alto Sax", "Alto Sax cont'd"),
        ("Sax", "Sax (2)"),
        ("Alto Sax.1", "Alto Sax.2"),
        ("Alto 1st chorus", "Alto 2nd chorus"),
    ],
)
def test_tracks_of_one_name_that_follow_each_other_are_one_part(first: str, second: str) -> None:
    parts = tracks((first, 65, melody(64)), (second, 65, melody(64, seed=1, start=40_000)))
    choice = choose_part(parts, 480, 4)
    assert choice is not None
    assert len(choice.part.notes) == 128
    assert choice.part.label == f"tracks 1+2, channels 1+2, {first}"


@pytest.mark.parametrize(("first", "second"), [("", ""), ("Track 1", "Track 2"), ("Alto Sax", "Tenor Sax")])
def test_tracks_without_a_common_name_are_separate_parts(first: str, second: str) -> None:
    choice = choose_part(tracks((first, 65, melody(64)), (second, 65, melody(64, start=40_000))), 480, 4)
    assert choice is not None
    assert len(choice.part.notes) == 64


def test_takes_that_overlap_are_separate_parts() -> None:
    choice = choose_part(tracks(("take 1", 65, melody(64)), ("take 2", 65, melody(64, seed=1))), 480, 4)
    assert choice is not None
    assert len(choice.part.notes) == 64


BAND = tracks(("Alto Sax", 65, melody(90)), ("Guitar", 26, melody(80, seed=1)), ("Piano", 0, comping(20)))


@pytest.mark.parametrize("wish", ["Guitar", "guitar", "guit", "2", "track 2", "2/2", "track 2, channel 2"])
def test_a_user_can_choose_a_part_by_name_or_by_number(wish: str) -> None:
    choice = choose_part(BAND, 480, 4, wish)
    assert choice is not None
    assert choice.part.members == (BAND[1],)


@pytest.mark.parametrize(("wish", "found"), [("Flute", "none for 'Flute'"), ("9", "none for '9'"), ("a", "3 for 'a'")])
def test_a_choice_that_matches_no_part_or_several_gives_an_error_with_the_parts(wish: str, found: str) -> None:
    listed = "track 1, channel 1, Alto Sax; track 2, channel 2, Guitar; track 3, channel 3, Piano"
    with pytest.raises(InputError, match=re.escape(f"found {found}; choose among: {listed}")):
        choose_part(BAND, 480, 4, wish)


def test_a_bass_with_chords_is_refused_and_a_bass_alone_is_flagged() -> None:
    parts = tuple(tracks(("Piano", 0, comping(30)), ("Bass", 32, walking(64, octave=2))))
    raw = RawMidi(480, parts, (), (), (), (), 0)
    with pytest.raises(
        InputError, match=r"a\.mid: expected a part that plays a solo, found a bass, track 2, channel 2"
    ):
        choose_solo(raw, Path("a.mid"), 4)
    assert choose_solo(raw, Path("a.mid"), 4, "Bass").flags == ["bass_part"]
    alone = replace(raw, parts=parts[1:])
    assert choose_solo(alone, Path("a.mid"), 4).flags == ["bass_part"]
