"""A whole file of each format that users give, to be mutated, and the words of the formats."""

import io
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.data.etudes.compose import etudes
from yardbird.engraving.sheet_musicxml import as_musicxml
from yardbird.latent.direction_file import DIRECTIONS, Vectors
from yardbird.music.midi import write_score
from yardbird.music.score import Score
from yardbird.report.coloured_sheet import concert_sheet

_RATE = 8000

ABC = """\
X:1
T:Slow Boat
M:4/4
L:1/8
Q:1/4=200
K:F
|: "F7" A2 c>d (3efg ag | "Dm7" abc'd' c'bag | "Bb7" [Bd]4 z4 |1 "Cm7" c8 :|2 "F7" !fine! F8 |]
X:2
T:Other
M:3/4
K:Dm
%%MIDI program 66
P:AB
"Dm7" defgab | "G7" agfedc & b6 | "C" cdefga | Z2 | "C" ~c6 !D.C.! |
"""
KERN = """\
**kern	**mxhm
*>[A,A,B]	*
*>A	*>A
*clefG2	*
*k[b-]	*
*M4/4	*
*F:	*
*MM200	*
=1	=1
4a	F dominant
8cc	.
8dd	.
[2ee	B- major-seventh/F
=2	=2
4ee]	.
12f	C minor-seventh
12g	.
12a	.
2r	.
*>B	*>B
=3	=3
8f	F
8g	.
8a	.
8b-	.
8cc	.
8dd	.
4ee	.
==	==
*-	*-
"""
CHORDPRO = """\
{title: Slow Boat}
{key: F} {time: 4/4} {tempo: 180}
{capo: 2}
{start_of_chorus}
[F7]Slow boat [Bb7]home, [Cm7]slow [F7/A]boat
{end_of_chorus}
{chorus}
{start_of_grid}
| F7 . . . | Bb7 . C7 . | % | F7 / / / |
{end_of_grid}
"""
CHART = """\
title: Slow Boat
key: F major
meter: 4/4
qpm: 200
form: AABA

[A] |: F7 | Bb7 | F7 |1. Cm7 F7 :|2. C7 ||
[B] |: Am7b5 / / D7b9 | % | N.C. | Gm7/C C7 :| x3
A:
"""
IREAL = (
    "irealbook://Slow=Doe Jane=Swing=F=n=*A{T44F7 |Bb7 |N1C-7 F7 }|N2C7 |[*BAh D7b9|x |n |SF7/G <D.C. al Fine>|C7Z",
    "irealb://Slow%20Boat=Doe%20Jane==Swing=F==1r34LbKcu7[T44F7XyQ|Bb7XyQKcl|C-7LZF7 Z==200=3",
)
OVERRIDES = "seed=3\ngenerate.temperature=0.9\n+roles.x=target\n~sources.etudes\ningest.qpm_range=[40,300]\n"
MANIFEST = """\
file,artist,title,tune_group,key,form,licence,part,transpose
solo.mid,Otto Cascade (synthetic),Slow Boat,slow boat,F major,AABA,CC0,1,-2
"more, of it.mid",Ann,"A ""b"" c",,Cm,,,,
"""
CAPTIONS = """\
file,artist,title,key,caption,instrument,qpm,beats_per_bar,first_beat_seconds
solo.wav,Ann,Slow Boat,Bb,"fast, hot",alto saxophone,220,4,0.5
"""
#: Entities that would expand to gigabytes, an external one, and other parts of XML.
XML = (
    b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;">]>',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>', b"&b;", b"<![CDATA[", b"<!--", b'encoding="utf-7"',
    b"<note>", b"</note>", b"<measure>", b"<part>", b"<grace/>", b'<repeat direction="backward" times="9999"/>',
    b'<tie type="start"/>', b"<chord/>", b"<duration>1</duration>", b'<ending number="1,2-9" type="start"/>',
    b"<divisions>0</divisions>", b"<beats>4</beats>", b"<alter>99</alter>", b"<octave>99</octave>",
    b"<forward><duration>99999999</duration></forward>", b"<transpose><chromatic>x</chromatic></transpose>",
)  # fmt: skip
MARKS = (b"|", b"|:", b":|", b"[", b"]", b"{", b"}", b"%", b"/", b"x", b"N.C.", b"F7", b"B\xe2\x99\xad7", b"1.", b"2.",
         b"[A]", b"A:", b"#", b"x99", b"H7", b"C|D", b"meter: 7/8", b"meter: 99/16", b"qpm: 1e9")  # fmt: skip
KEYS = (b"*", b"&", b"<<: ", b"!!python/object/apply:os.system ['id']", b"!!binary ", b"? ", b": ", b"- ", b"---\n",
        b"2001-01-01", b"~", b".inf", b"1_000", b"0o7", b"yes", b"|", b">", b"#", b"null", b"[", b"\t")  # fmt: skip


def midi_files() -> list[bytes]:
    """Etudes, a file with running status, sysex and lyrics, and that file in RIFF."""
    body = bytes.fromhex("00 90 3c 5a 81 70 3c 00 00 3e 5a 81 70 3e 00")  # notes in running status
    body += bytes.fromhex("00 f0 05 7e 7f 09 01 f7 00 ff 05 03 43 6d 37 00 91 45 60 83 60 45 00")
    events = bytes.fromhex("00 ff 51 03 06 1a 80 00 ff 58 04 04 02 18 08 00 ff 59 02 fd 00 00 c0 41")
    events += body * 20 + bytes.fromhex("00 ff 2f 00")
    header = b"MThd" + bytes.fromhex("00 00 00 06 00 00 00 01 01 e0 4d 54 72 6b")
    plain = header + len(events).to_bytes(4, "big") + events
    riff = b"RMIDdata" + len(plain).to_bytes(4, "little") + plain
    return [*map(_as_midi, etude_scores(6)), plain, b"RIFF" + len(riff).to_bytes(4, "little") + riff]


def etude_scores(count: int) -> Iterator[Score]:
    yield from (etude.score for etude in etudes(0, count))


def _as_midi(score: Score) -> bytes:
    with TemporaryDirectory() as folder:
        write_score(score, Path(folder) / "a.mid")
        return (Path(folder) / "a.mid").read_bytes()


def musicxml_files() -> list[bytes]:
    """The first four bars of etudes, so that music21 is quick."""
    parts = []
    for score in etude_scores(2):
        end = int(score.bar_ticks[4])
        chords = tuple(change for change in score.chords if change.tick < end)
        start = replace(score, notes=score.notes[score.notes["onset_tick"] < end - 480], end_tick=end, chords=chords)
        parts.append(as_musicxml(concert_sheet(replace(start, sections=()), "Slow Boat")).encode())
    return parts


def mxl_files() -> list[bytes]:
    return [_zipped(content) for content in musicxml_files()] + [_zipped(b" " * 50_000_000)]  # a zip bomb


def _zipped(content: bytes) -> bytes:
    container = b'<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in {"META-INF/container.xml": container, "score.xml": content}.items():  # without a time
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def weimar_files() -> list[bytes]:
    """A database of one solo of 32 notes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        with closing(sqlite3.connect(path)) as database, database:
            database.executescript("""
                CREATE TABLE solo_info (melid INTEGER, performer TEXT, title TEXT, titleaddon TEXT, instrument TEXT,
                    key TEXT, signature TEXT, avgtempo FLOAT);
                CREATE TABLE melody (eventid INTEGER PRIMARY KEY, melid INTEGER, onset REAL, pitch REAL, duration REAL,
                    loud_med REAL);
                CREATE TABLE beats (beatid INTEGER PRIMARY KEY, melid INTEGER, onset REAL, bar INTEGER, beat INTEGER,
                    signature TEXT, chord TEXT, form TEXT, chorus_id INTEGER);
                CREATE TABLE sections (melid INTEGER, type TEXT, start INTEGER, end INTEGER, value TEXT);
                INSERT INTO solo_info VALUES (1, 'Ann', 'Slow Boat', '', 'as', 'F-maj', '4/4', 180);
                INSERT INTO sections VALUES (1, 'PHRASE', 0, 31, '1');
            """)
            for row in range(32):
                database.execute("INSERT INTO melody VALUES (?, 1, ?, ?, 0.2, 60)", (row, row / 4, 60 + row % 12))
                values = (row, row / 3, 1 + row // 4, 1 + row % 4, "F7" if row % 4 == 0 else "")
                database.execute("INSERT INTO beats VALUES (?, 1, ?, ?, ?, '4/4', ?, 'A1', 1)", values)
        return [path.read_bytes()]


def arrays() -> list[bytes]:
    arrays = []
    for array in (np.arange(100, dtype=np.uint16), np.zeros((9, 2, 3), dtype=np.int8)):
        file = io.BytesIO()
        np.save(file, array)
        arrays.append(file.getvalue())
    return arrays


def directions() -> list[bytes]:
    vector = {"Ann": np.ones(8, dtype=np.float32)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / DIRECTIONS
        Vectors("0" * 64, vector, {"rests": vector["Ann"]}, {"Ann": np.ones((12, 12), dtype=np.float32)}).save(path)
        return [path.read_bytes()]


def sounds(kind: str) -> Callable[[], list[bytes]]:
    def made() -> list[bytes]:
        sounds = []
        for channels in (1, 2):
            file = io.BytesIO()
            tone = 0.4 * np.sin(np.arange(_RATE * channels).reshape(-1, channels) / 7)
            soundfile.write(file, tone, _RATE, format=kind)
            sounds.append(file.getvalue())
        return sounds

    return made
