"""What music21 would miss in MusicXML is read: ties, jumps, lengths, cue notes."""

from pathlib import Path

import pytest
from notated import musicxml, note, notes, part_of, save

from yardbird.data.readers import read_piece
from yardbird.music.midi import RawMidi

BAR = 1920


def read(tmp_path: Path, *measures: str, part: str = "") -> RawMidi:
    return read_piece(save(tmp_path / "a.musicxml", musicxml(part or part_of(list(measures))))).raw


def letters(raw: RawMidi) -> str:
    return "".join(
        {0: "C", 2: "D", 4: "E", 5: "F", 7: "G"}[pitch % 12] for pitch in raw.parts[0].notes["pitch"].tolist()
    )


def whole(pitch: str) -> str:
    return note(f"{pitch}4", 16)


def sound(attribute: str, *, beside: str = "", alone: bool = False) -> str:
    element = f"<sound {attribute}/>"
    return (
        element if alone else f"<direction><direction-type>{beside or '<words/>'}</direction-type>{element}</direction>"
    )


def tied(*kinds: str) -> str:
    return "<notations>" + "".join(f'<tied type="{kind}"/>' for kind in kinds) + "</notations>"


@pytest.mark.parametrize("middle", [tied("stop", "start"), tied("continue")])
def test_ties_that_are_only_drawn_are_joined(tmp_path: Path, middle: str) -> None:
    first, last = note("C4", 16, tied("start")), note("C4", 8, tied("stop"))
    raw = read(tmp_path, first, note("C4", 16, middle), last + note("C4", 8))
    assert raw.parts[0].notes["duration_tick"].tolist() == [2 * BAR + 960, 960]


def test_a_tie_that_rings_on_joins_nothing(tmp_path: Path) -> None:
    raw = read(tmp_path, note("C4", 16, tied("let-ring")), whole("C"))
    assert len(raw.parts[0].notes) == 2


@pytest.mark.parametrize("alone", [True, False])
def test_jumps_that_only_sound_are_followed(tmp_path: Path, alone: bool) -> None:
    def mark(attribute: str) -> str:
        return sound(attribute, alone=alone)

    raw = read(
        tmp_path,
        whole("C"),
        mark('segno="a"') + whole("D") + mark('tocoda="b"'),
        whole("E") + mark('dalsegno="a"'),
        mark('coda="b"') + whole("F"),
    )
    assert letters(raw) == "CDEDF"
    fine = read(tmp_path, whole("C") + mark('fine="yes"'), whole("D") + mark('dacapo="yes"'))
    assert letters(fine) == "CDC"
    assert letters(read(tmp_path, whole("C"), whole("D") + mark('dacapo="no"'))) == "CD"


def test_the_sound_of_a_coda_sign_says_which_one_is_the_jump(tmp_path: Path) -> None:
    sign = "<coda/>"
    raw = read(
        tmp_path,
        whole("C") + sound('tocoda="a"', beside=sign),
        whole("D") + sound('dacapo="yes"', beside="<words>D.C. al Coda</words>"),
        sound('coda="a"', beside=sign) + whole("E"),
    )
    assert letters(raw) == "CDCE"


def test_words_are_not_written_again_by_their_sound(tmp_path: Path) -> None:
    raw = read(tmp_path, whole("C"), whole("D") + sound('dacapo="yes"', beside="<words>from the top</words>"))
    assert letters(raw) == "CD"


def test_cue_notes_are_rests(tmp_path: Path) -> None:
    """Regression: they were read as notes of the solo."""
    cue = note("D4", 4).replace("<note>", "<note><cue/>")
    raw = read(tmp_path, note("C4", 4) + cue + cue.replace("<cue/>", "<cue/><chord/>") + note("E4", 8))
    assert raw.parts[0].notes["onset_tick"].tolist() == [0, 960]
    assert raw.flags == ("cue_notes_left_out:2",)


@pytest.mark.parametrize(("divisions", "note_type"), [(1, "quarter"), (480, "quarter"), (960, "eighth")])
def test_missing_divisions_are_found_from_a_note(tmp_path: Path, divisions: int, note_type: str) -> None:
    """Regression: music21 assumed 10,080, so that the notes lasted one tick."""
    written = notes("C4", "D4", "E4", "F4", duration=divisions).replace("<voice>", f"<type>{note_type}</type><voice>")
    raw = read(tmp_path, part=part_of([written]).replace("<divisions>4</divisions>", ""))
    ticks = {"quarter": 480, "eighth": 240}[note_type]
    assert raw.parts[0].notes["duration_tick"].tolist() == [ticks] * 4


def test_staves_without_numbers_are_read_as_one(tmp_path: Path) -> None:
    """Regression: `'Score' object has no attribute 'partName'`."""
    raw = read(tmp_path, part=part_of([whole("C")], attributes="<staves>2</staves>"))
    assert letters(raw) == "C"


def test_a_namespace_changes_nothing(tmp_path: Path) -> None:
    text = musicxml(part_of([whole("C")])).replace("<score-partwise", '<score-partwise xmlns="http://a.org/b"')
    assert letters(read_piece(save(tmp_path / "a.musicxml", text)).raw) == "C"
