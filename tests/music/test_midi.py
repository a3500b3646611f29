from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.errors import InputError
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.midi import RawMidi, read_raw, read_score, write_score
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Section, Tempo, make_notes

chords = st.none() | st.builds(
    lambda root, quality, bass: Chord(root, quality, None if bass == root else bass),
    st.integers(0, 11),
    st.sampled_from(sorted(QUALITIES)),
    st.none() | st.integers(0, 11),
)
labels = st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1).map(str.strip).filter(bool)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Monophonic scores with everything that a score can contain, at any resolution."""
    tick, rows = 0, []
    for rest, length, pitch, velocity in draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99), st.integers(0, 127), st.integers(1, 127)))
    ):
        rows.append((tick + rest, length, pitch, velocity))
        tick += rest + length

    def ticks() -> list[int]:
        return sorted(draw(st.sets(st.integers(0, 500), max_size=4)))

    return Score(
        ticks_per_beat=draw(st.sampled_from([12, 96, 480, 1024])),
        notes=make_notes(rows),
        end_tick=tick + draw(st.integers(0, 100)),
        # tempos are kept to a microsecond a beat
        tempos=tuple(Tempo(t, 60e6 / draw(st.integers(100_000, 2_000_000))) for t in sorted({0, *ticks()})),
        meters=tuple(
            Meter(t, draw(st.integers(1, 15)), draw(st.sampled_from([2, 4, 8, 16]))) for t in sorted({0, *ticks()})
        ),
        chords=tuple(ChordChange(t, draw(chords)) for t in ticks()),
        phrases=tuple(ticks()),
        sections=tuple(Section(t, draw(labels)) for t in ticks()),
        key=draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))),
        program=draw(st.integers(0, 127)),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("midi")


@given(score=scores())
def test_a_written_score_is_read_back_equal(score: Score, folder: Path) -> None:
    path = folder / "solo.mid"
    write_score(score, path)
    back = read_score(path)
    if not len(score.notes):  # no note, no program
        back = replace(back, program=score.program)
    assert back == score
    first = path.read_bytes()
    write_score(back, path)
    assert path.read_bytes() == first


@given(score=scores().filter(lambda score: len(score.notes) > 0))
def test_another_library_reads_the_same_notes_at_the_same_seconds(score: Score, folder: Path) -> None:
    path = folder / "read.mid"
    write_score(score, path)
    (instrument,) = pretty_midi.PrettyMIDI(str(path)).instruments
    assert instrument.program == score.program
    assert [(note.pitch, note.velocity) for note in instrument.notes] == [
        (note["pitch"], note["velocity"]) for note in score.notes
    ]
    np.testing.assert_allclose([n.start for n in instrument.notes], score.seconds_at(score.onsets), atol=1e-9)
    np.testing.assert_allclose([n.end for n in instrument.notes], score.seconds_at(score.offsets), atol=1e-9)


@given(score=scores())
def test_the_reader_of_foreign_files_reads_our_files(score: Score, folder: Path) -> None:
    path = folder / "foreign.mid"
    write_score(score, path)
    raw = read_raw(path)
    parts = [part for part in raw.parts if len(part.notes)]
    assert sum(len(part.notes) for part in parts) == len(score.notes)
    assert all(np.array_equal(part.notes, score.notes) and part.program == score.program for part in parts)
    assert raw.tempos == score.tempos
    assert raw.meters == score.meters
    assert raw.keys == ((score.key,) if score.key else ())
    markers = {(text.tick, text.text) for text in raw.texts if text.kind == "marker"}
    assert (score.end_tick, "END") in markers
    assert {(tick, "PHRASE") for tick in score.phrases} <= markers


@pytest.mark.filterwarnings("ignore:Tempo, Key or Time signature change events found on non-zero tracks")
def test_another_library_reads_the_same_real_solos(shared: Path) -> None:
    for path in sorted(shared.glob("parker/*.mid"))[::6] + sorted(shared.glob("nottingham/*.mid"))[::20]:
        parts = [part for part in read_raw(path).parts if len(part.notes)]
        tracks = [track for track in pretty_midi.PrettyMIDI(str(path)).instruments if track.notes]
        assert len(parts) == len(tracks)
        for part, track in zip(parts, tracks, strict=True):
            read = sorted((note.start, note.pitch, note.velocity) for note in track.notes)
            assert part.program == track.program
            assert [pitch for _, pitch, _ in read] == part.notes["pitch"].tolist()
            assert [velocity for *_, velocity in read] == part.notes["velocity"].tolist()


def raw_of(path: Path, *tracks: list[mido.Message | mido.MetaMessage]) -> RawMidi:
    mido.MidiFile(type=1, ticks_per_beat=480, tracks=[mido.MidiTrack(track) for track in tracks]).save(path)
    return read_raw(path)


def on(pitch: int, time: int = 0, velocity: int = 90, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, time=time, velocity=velocity, channel=channel)


def test_chords_keep_the_spelling_of_their_file(tmp_path: Path) -> None:
    """Regression: Bb7 in a file in E major was written, and shown, as A#7."""
    symbols = ["Bb7", "F#m7b5/C", "Cb", "A#7/E#"]
    changes = tuple(ChordChange(tick, Chord.parse(symbol)) for tick, symbol in enumerate(symbols))
    score = Score(12, make_notes([(0, 12, 60, 90)]), 48, chords=changes, key=Key.parse("E"))
    write_score(score, tmp_path / "a.mid")
    write_score(read_score(tmp_path / "a.mid").transposed(0), tmp_path / "b.mid")
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    assert [text.text for text in read_raw(tmp_path / "b.mid").texts if text.text != "END"] == symbols
    write_score(score.transposed(1), tmp_path / "c.mid")
    moved = [text.text for text in read_raw(tmp_path / "c.mid").texts if text.text != "END"]
    assert moved == ["B7", "Gm7b5/Db", "C", "B7/Gb"]


def test_a_hanging_note_lasts_to_the_next_note_and_removes_no_other(tmp_path: Path) -> None:
    raw = raw_of(tmp_path / "a.mid", [on(80), on(60, 100), on(60, 50, velocity=0), on(62, 10), on(64, 30)])
    (part,) = raw.parts
    assert part.notes[["onset_tick", "duration_tick", "pitch"]].tolist() == [
        (0, 100, 80),
        (100, 50, 60),
        (160, 30, 62),
        (190, 0, 64),
    ]
    assert raw.unended_notes == 3


def test_a_note_struck_again_before_it_ends_is_two_notes(tmp_path: Path) -> None:
    raw = raw_of(tmp_path / "a.mid", [on(60), on(60, 100), on(60, 10, velocity=0), on(60, 90, velocity=0)])
    assert raw.parts[0].notes[["onset_tick", "duration_tick"]].tolist() == [(0, 110), (100, 100)]
    assert raw.unended_notes == 0


def test_programs_may_be_in_another_track(tmp_path: Path) -> None:
    programs = [mido.Message("program_change", program=65, channel=3)]
    raw = raw_of(tmp_path / "a.mid", programs, [on(60, channel=3), on(60, 9, 0, channel=3)], [on(50), on(50, 9, 0)])
    assert [part.program for part in raw.parts] == [65, 0]


def test_texts_are_read_as_utf8_and_as_latin1(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    track = mido.MidiTrack([mido.MetaMessage("marker", text="B♭7"), mido.MetaMessage("text", text="Pärt")])
    mido.MidiFile(tracks=[track], charset="utf-8").save(path)
    assert [text.text for text in read_raw(path).texts] == ["B♭7", "Pärt"]
    latin = mido.MidiTrack([mido.MetaMessage("text", text="Pärt")])
    mido.MidiFile(tracks=[latin], charset="latin-1").save(path)
    assert [text.text for text in read_raw(path).texts] == ["Pärt"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"RIFF....", "does not start with MThd"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\xe7\x28", "SMPTE frames"),
        (b"MThd\x00\x00\x00\x06\x00\x02\x00\x00\x01\xe0", "type 2"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x00\x00\x00", "zero ticks a beat"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk", "a truncated file .track 1 of 1: its length is missing"),
    ],
)
def test_a_broken_file_is_refused_with_one_line_that_names_the_fault(
    tmp_path: Path, content: bytes, found: str
) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(content)
    with pytest.raises(InputError, match=found) as error:
        read_raw(path)
    assert "\n" not in str(error.value)


def test_only_files_of_this_project_are_read_as_scores(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(b"MThd")
    with pytest.raises(InputError, match="an unreadable file"):
        read_score(path)
    raw_of(path, [on(60), on(60, 9, 0)])
    with pytest.raises(InputError, match="no END marker"):
        read_score(path)


def test_a_file_that_cannot_be_read_gives_a_one_line_error(tmp_path: Path) -> None:
    """Regression: an OSError was not caught."""
    with pytest.raises(InputError, match="expected a MIDI file, found Is a directory"):
        read_raw(tmp_path)
