import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import MetaMessage, MidiFile, MidiTrack

from yardbird.errors import InputError
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes

CHARTS = sorted(Path("data/charts").glob("*.txt"))
F7, BB7, CM7 = Chord.parse("F7"), Chord.parse("Bb7"), Chord.parse("Cm7")

chords = st.one_of(
    st.none(),
    st.builds(
        lambda root, quality, bass: Chord(root, quality, None if bass == root else bass),
        st.integers(0, 11), st.sampled_from(sorted(QUALITIES)), st.one_of(st.none(), st.integers(0, 11)),
    ),
)  # fmt: skip
words = st.text(alphabet="abc XYZ#:'äé/|%-", max_size=20).map(lambda text: " ".join(text.split()))


_MUSICXML = """<score-partwise><part-list><score-part id="P1"><part-name>Sax</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>4</beats><beat-type>4</beat-type></time>
</attributes><harmony><root><root-step>F</root-step></root><kind>dominant</kind></harmony>
<note><pitch><step>A</step><octave>4</octave></pitch><duration>4</duration></note></measure>
<measure number="2"><harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root>
<kind>dominant</kind></harmony>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>4</duration></note></measure></part></score-partwise>"""


@st.composite
def lead_sheets(draw: st.DrawFn) -> LeadSheet:
    meter = draw(st.sampled_from([Meter(0, 4, 4), Meter(0, 3, 4), Meter(0, 6, 8), Meter(0, 2, 2)]))
    sizes = [n for n in range(1, 9) if meter.numerator % n == 0 or n % meter.numerator == 0]
    bars = draw(st.lists(st.sampled_from(sizes).flatmap(lambda n: st.tuples(*[chords] * n)), min_size=1, max_size=9))
    key = draw(st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))))
    qpm = draw(st.one_of(st.none(), st.integers(40_000, 400_000).map(lambda thousandths: thousandths / 1000)))
    return LeadSheet(tuple(bars), draw(words), key, meter, qpm, draw(words))


@given(lead_sheets())
def test_a_written_chart_is_read_back_equal(sheet: LeadSheet) -> None:
    assert LeadSheet.parse(sheet.text()) == sheet


@given(lead_sheets(), st.integers(1, 40))
def test_changes_repeat_the_form_to_the_bar(sheet: LeadSheet, bars: int) -> None:
    """Compared with a slow reference: the chord sounding at every step."""
    steps = 24  # divisible by all chord counts of a bar above
    changes = sheet.chord_changes(steps, bars)
    expected = []
    for index in range(bars):
        bar = sheet.bars[index % len(sheet.bars)]
        expected += [chord for chord in bar for _ in range(sheet.meter.bar_ticks(steps) // len(bar))]
    sounding = []
    for change, following in zip(changes, [*changes[1:], ChordChange(len(expected), None)], strict=True):
        sounding += [change.chord] * (following.tick - change.tick)
    assert sounding == expected
    assert changes[0].tick == 0
    assert all(a.chord != b.chord for a, b in itertools.pairwise(changes))


def test_a_chart_of_bar_lines_and_shared_bars_is_read() -> None:
    assert LeadSheet.parse("F7 | Bb7 | F7 | Cm7 F7").bars == ((F7,), (BB7,), (F7,), (CM7, F7))


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("| F7 | % |", ((F7,), (F7,))),
        ("F7 || Bb7", ((F7,), (BB7,))),
        ("F7 # comment | C7\n\n# whole line\nBb7", ((F7,), (BB7,))),
        ("Cm7 / / F7", ((CM7, CM7, CM7, F7),)),
        ("Cm7 . . F7 | / / Bb7 .", ((CM7, CM7, CM7, F7), (F7, F7, BB7, BB7))),
        ("N.C. | F7", ((None,), (F7,))),
        ("meter: 3/4\nF7 Bb7 F7", ((F7, BB7, F7),)),
        ("F7 F#7", ((F7, Chord.parse("F#7")),)),
    ],
)
def test_the_notation_of_charts(text: str, bars: tuple[tuple[Chord | None, ...], ...]) -> None:
    assert LeadSheet.parse(text).bars == bars


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found none"),
        ("F7 | H7", "line 1: expected a chord symbol, found 'H7'"),
        ("F7\nBb7 | Cfoo", "line 2: expected a chord symbol, found 'Cfoo'"),
        ("F7 | | Bb7", "line 1: expected chords between bar lines, found an empty bar"),
        ("% | F7", "'%' in the first bar"),
        ("F7 | % Bb7", "'%' with other symbols"),
        ("/ F7 / /", "expected a chord first, found '/'"),
        ("F7 / Bb7", "one mark for each of 4 beats, found 3 in 'F7 / Bb7'"),
        ("F7 Bb7 C7", "chords that share 4 beats equally, found 3"),
        ("meter: 4/5\nF7", "line 1: expected a meter such as 4/4, found '4/5'"),
        ("meter: 0/4\nF7", "expected a meter"),
        ("qpm: fast\nF7", "quarter notes a minute, 40 to 400, found 'fast'"),
        ("qpm: nan\nF7", "found 'nan'"),
        ("key: H\nF7", "a key such as"),
        ("composer: me\nF7", "one of the headers title, form, key, meter, qpm, found 'composer'"),
        ("F7\nkey: F", "line 2: expected a chord symbol, found 'key:'"),
    ],
)
def test_a_bad_chart_names_the_line_and_the_symbol(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        LeadSheet.parse(text, "tune.txt")
    assert message in str(error.value)
    assert "tune.txt" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_the_included_charts_are_complete(path: Path) -> None:
    sheet = read_lead_sheet(path)
    assert len(sheet.bars) in (12, 32)
    assert sheet.title
    assert sheet.key
    assert sheet.qpm
    assert LeadSheet.parse(sheet.text()) == sheet


def test_three_charts_are_included() -> None:
    assert len(CHARTS) == 3


def test_chords_off_the_grid_are_refused() -> None:
    with pytest.raises(InputError, match="8 in bar 1"):
        LeadSheet.parse("F7 Bb7 F7 Bb7 F7 Bb7 F7 Bb7").chord_changes(1, 4)


def test_the_changes_of_a_score_are_read_by_beat_without_its_pickup() -> None:
    changes = ((0, "C7"), (12, "F7"), (61, "Bb7"), (83, "Cm7"), (96, "F7"))
    score = Score(
        12,
        make_notes([(0, 12, 60, 90), (100, 6, 65, 90)]),
        end_tick=108,
        tempos=(Tempo(0, 200.0),),
        meters=(Meter(0, 1, 4), Meter(12, 4, 4)),
        chords=tuple(ChordChange(tick, Chord.parse(symbol)) for tick, symbol in changes),
        key=Key.parse("F"),
    )
    sheet = LeadSheet.from_score(score, "tune")
    assert sheet.bars == ((F7,), (BB7, BB7, CM7, F7))
    assert (sheet.meter, sheet.qpm, sheet.key) == (Meter(0, 4, 4), 200.0, Key.parse("F"))


def test_the_chords_of_a_midi_file_make_a_lead_sheet(tmp_path: Path) -> None:
    changes = LeadSheet.parse("F7 | Bb7 | F7 | Cm7 F7").chord_changes(12, 4)
    notes = make_notes([(tick, 6, 65 + tick % 5, 90) for tick in range(0, 192, 6)])
    write_score(Score(12, notes, end_tick=192, chords=changes), tmp_path / "tune.mid")
    assert read_lead_sheet(tmp_path / "tune.mid").chord_changes(12, 4) == changes


def test_a_midi_file_can_contain_only_chords(tmp_path: Path) -> None:
    changes = LeadSheet.parse("F7 | Bb7 | F7 | Cm7 F7").chord_changes(12, 4)
    write_score(Score(12, make_notes([]), end_tick=192, chords=changes), tmp_path / "tune.mid")
    assert len(read_lead_sheet(tmp_path / "tune.mid").bars) == 4


def test_rehearsal_letters_are_not_chords(tmp_path: Path) -> None:
    """Regression: "A" and "B" over the form were read as A major and B major."""
    sections = [MetaMessage("marker", text=letter, time=480) for letter in "AB"]
    MidiFile(tracks=[MidiTrack(sections)]).save(tmp_path / "form.mid")
    with pytest.raises(InputError, match="expected chord symbols, found none"):
        read_lead_sheet(tmp_path / "form.mid")


def test_a_folder_named_like_a_midi_file_gives_a_one_line_error(tmp_path: Path) -> None:
    """Regression: an IsADirectoryError."""
    (tmp_path / "x.mid").mkdir()
    with pytest.raises(InputError, match="no regular file"):
        read_lead_sheet(tmp_path / "x.mid")


@pytest.mark.parametrize(
    ("name", "named"),
    [("one.abc", "one.abc"), ("book.abc", "book.abc#2"), ("one.musicxml", "one.musicxml")],
)
def test_the_chords_of_notated_music_are_its_chart(tmp_path: Path, name: str, named: str) -> None:
    """Regression: `--chart solo.musicxml` was refused as unreadable text."""
    tune = 'X:{}\nM:4/4\nL:1/8\nK:F\n"{}"FGAB cdef|"Bb7"fedc BAGF|\n'
    if name.endswith(".abc"):
        book = tune.format(1, "C7") + "\n" + tune.format(2, "F7") if name == "book.abc" else tune.format(1, "F7")
        (tmp_path / name).write_text(book, encoding="utf-8")
    else:
        (tmp_path / name).write_text(_MUSICXML, encoding="utf-8")
    assert read_lead_sheet(tmp_path / named).bars == ((F7,), (BB7,))


def test_a_file_of_several_tunes_needs_a_number(tmp_path: Path) -> None:
    (tmp_path / "book.abc").write_text("X:1\nK:C\nCDEF|\n\nX:2\nK:C\nCDEF|\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"such as book\.abc#1"):
        read_lead_sheet(tmp_path / "book.abc")


def test_a_score_without_chords_gives_no_lead_sheet() -> None:
    with pytest.raises(InputError, match="expected chord symbols"):
        LeadSheet.from_score(Score(12, make_notes([(0, 12, 60, 90)]), end_tick=48))


@pytest.mark.parametrize(
    ("meters", "end_tick", "message"),
    [
        ((Meter(0, 4, 4), Meter(96, 3, 4)), 192, "expected one meter, found a change of meter"),
        ((Meter(0, 4, 4),), 48 * 10**6, "at most 1024 bars, found 1000000"),
    ],
)
def test_changes_of_two_meters_or_too_many_bars_are_refused(
    meters: tuple[Meter, ...], end_tick: int, message: str
) -> None:
    score = Score(12, make_notes([]), end_tick, meters=meters, chords=(ChordChange(0, F7),))
    with pytest.raises(InputError, match=message):
        LeadSheet.from_score(score)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad"])
def test_an_unreadable_chart_gives_a_one_line_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "chart.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(InputError, match="expected a chart"):
        read_lead_sheet(path)
