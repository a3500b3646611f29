"""Small notated scores for tests, written out as notation programs write them."""

from pathlib import Path

ALTO = "<transpose><diatonic>-5</diatonic><chromatic>-9</chromatic></transpose>"  # for the alto saxophone


def note(pitch: str, duration: int = 4, extra: str = "", voice: int = 1) -> str:
    """`"Bb4"`, in sixteenths of a quarter: MusicXML divisions are 4; `extra` is inserted at the place of ties."""
    if pitch == "rest":
        inside = "<rest/>"
    else:
        alter = {"b": "<alter>-1</alter>", "#": "<alter>1</alter>"}.get(pitch[1:2], "")
        inside = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave></pitch>"
    return f"<note>{inside}<duration>{duration}</duration>{extra}<voice>{voice}</voice></note>"


def notes(*pitches: str, duration: int = 4) -> str:
    return "".join(note(pitch, duration) for pitch in pitches)


def harmony(root: str, kind: str, text: str = "", degrees: str = "", bass: str = "") -> str:
    alter = {"b": "-1", "#": "1"}.get(root[1:2])
    shown = f' text="{text}"' if text else ""
    low = f"<bass><bass-step>{bass}</bass-step></bass>" if bass else ""
    root_alter = f"<root-alter>{alter}</root-alter>" if alter else ""
    return (
        f"<harmony><root><root-step>{root[0]}</root-step>{root_alter}</root>"
        f"<kind{shown}>{kind}</kind>{low}{degrees}</harmony>"
    )


def degree(value: int, alter: int, kind: str) -> str:
    return (
        f"<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>"
        f"<degree-type>{kind}</degree-type></degree>"
    )


def words(text: str) -> str:
    return f"<direction><direction-type><words>{text}</words></direction-type></direction>"


def repeat(direction: str) -> str:
    side = "left" if direction == "forward" else "right"
    return f'<barline location="{side}"><repeat direction="{direction}"/></barline>'


def ending(number: int, inside: str, *, back: bool) -> str:
    """The content of a measure under a bracket; `back`: it ends with a repeat."""
    repeats = '<repeat direction="backward"/>' if back else ""
    return (
        f'<barline location="left"><ending number="{number}" type="start"/></barline>{inside}'
        f'<barline location="right"><ending number="{number}" type="stop"/>{repeats}</barline>'
    )


def part_of(measures: list[str], identity: str = "P1", attributes: str = "", pickup: bool = False) -> str:
    first = (
        "<attributes><divisions>4</divisions><key><fifths>0</fifths><mode>major</mode></key>"
        f"<time><beats>4</beats><beat-type>4</beat-type></time>{attributes}</attributes>"
    )
    written = ""
    for number, inside in enumerate(measures):
        implicit = ' implicit="yes"' if pickup and not number else ""
        written += (
            f'<measure number="{number + (not pickup)}"{implicit}>{inside if number else first + inside}</measure>'
        )
    return f'<part id="{identity}">{written}</part>'


def musicxml(*parts: str, names: tuple[str, ...] = ("Melody",)) -> str:
    listed = "".join(
        f'<score-part id="P{number}"><part-name>{name}</part-name></score-part>'
        for number, name in enumerate(names, start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
        f'<score-partwise version="3.1"><part-list>{listed}</part-list>{"".join(parts)}</score-partwise>'
    )


def save(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
