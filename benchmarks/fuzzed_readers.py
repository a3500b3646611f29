"""Every reader of files that users give, and how fast it must be."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import whole_files as whole

from yardbird import files
from yardbird.audio.wave import read_wave
from yardbird.cli.check_command import section_types
from yardbird.config import PARAMS, read_params, read_section, read_seed, section_problems
from yardbird.data.captions import CAPTIONS, read_remarks
from yardbird.data.ingest import ingest
from yardbird.data.manifest import MANIFEST
from yardbird.data.readers import piece_numbers, read_piece
from yardbird.data.reading import ANY_SOLO, IngestConfig, read_solo
from yardbird.errors import InputError
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.latent.direction_file import DIRECTIONS, read_vectors
from yardbird.music.midi import read_score, write_score
from yardbird.runs.param_edits import with_overrides

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data"
_LARGEST = 60_000  # bytes of a real file to mutate: more would take minutes


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        file: the name of the file that it reads.
        read: reads the file at a path and uses what it has read, as commands and stages do.
        seeds: whole files.
        tokens: words of the format.
        real: pattern of the files in ../shared/data that are mutated, too.
        seconds: the most that one file may take on one processor.
    """

    file: str
    read: Callable[[Path], object]
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...] = ()
    real: str = ""
    seconds: int = 10

    def contents(self) -> list[bytes]:
        """The seeds, then real files if there are some."""
        paths = SHARED.glob(self.real) if self.real else ()
        found = sorted(path for path in paths if path.stat().st_size < _LARGEST)
        return [*self.seeds(), *(path.read_bytes() for path in found)]


def read_solos(path: Path) -> None:
    """Read as commands do, then as the stage ingest does; what was read is written and read back."""
    for number in piece_numbers(path)[:3]:
        raw = read_piece(path, number).raw
        for config in (ANY_SOLO, read_section("ingest", IngestConfig, ROOT / PARAMS)):
            score = read_solo(raw, path, None, config).score
            write_score(score, path.with_name("score.mid"))
            back = read_score(path.with_name("score.mid"))
            assert (back.notes == score.notes).all(), "the notes differ after reading them back"
            assert (back.meters, back.chords, back.end_tick) == (score.meters, score.chords, score.end_tick)


def read_chart(path: Path) -> None:
    """Read a chart, lay it over bars, and read it back from its text."""
    sheet = read_lead_sheet(path)
    assert LeadSheet.parse(sheet.text()).bars == sheet.bars, "the bars differ after reading them back"
    with suppress(InputError):  # it names the tune
        sheet.chord_changes(12, 64)


def read_settings(path: Path) -> None:
    """Read every section as `yardbird check` does, and change a value as `-S` does."""
    content = read_params(path)
    for section, kind in section_types().items():
        for problem in section_problems(content, section, kind, path):
            raise problem
    read_seed(path)
    with_overrides(path.read_text(encoding="utf-8"), ["seed=3"])


def read_overrides(path: Path) -> None:
    """Apply each line as `-S` does; the file is then the settings, so that an error of a value names it."""
    lines = path.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    path.write_text(with_overrides((ROOT / PARAMS).read_text(encoding="utf-8"), lines), encoding="utf-8")
    content = read_params(path)
    for section, kind in section_types().items():
        for problem in section_problems(content, section, kind, path):
            raise problem


def read_manifest(path: Path) -> None:
    """Ingest a solo that the manifest describes."""
    solo = path.with_name("solo.mid")
    if not solo.exists():
        write_score(next(whole.etude_scores(1)), solo)
    ingest(path.parent, "source", read_section("ingest", IngestConfig, ROOT / PARAMS), path.parent / "out")


def read_tokens(path: Path) -> None:
    """Read all pages of an array of an encoded corpus."""
    files.read_array(path).tobytes()


def _texts(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


def _presets() -> list[bytes]:
    return [(ROOT / PARAMS).read_bytes()]


READERS: Mapping[str, Reader] = {
    "midi": Reader("mutated.mid", read_solos, whole.midi_files, (b"MThd", b"MTrk", b"data", b"RIFF"), "[po]*/*.mid"),
    "musicxml": Reader("mutated.musicxml", read_solos, whole.musicxml_files, whole.XML, "musicxml/*.xml"),
    "mxl": Reader("mutated.mxl", read_solos, whole.mxl_files,
                  (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"META-INF/container.xml")),
    "abc": Reader("mutated.abc", read_solos, _texts(whole.ABC), (b"X:", b"K:", b"M:", b"L:", b"P:", b'"', b"Z", b"&")),
    "kern": Reader("mutated.krn", read_solos, _texts(whole.KERN),
                   (b"*^", b"*v", b"*-", b"**kern", b"=", b".", b"q", b"\t")),
    "weimar": Reader("mutated.db", read_solos, whole.weimar_files,
                     (b"SQLite format 3\0", b"CREATE TABLE", b"CREATE VIEW")),
    "chart": Reader("mutated.txt", read_chart, _texts(whole.CHART, whole.CHORDPRO), whole.MARKS),
    "chordpro": Reader("mutated.cho", read_chart, _texts(whole.CHORDPRO),
                       (*whole.MARKS, b"{sog}", b"{eog}", b"{capo: x}")),
    "irealpro": Reader("mutated.html", read_chart, _texts(*whole.IREAL),
                       (b"Kcl", b"LZ", b"XyQ", b"=", b"%3D", b"1r34LbKcu7", b"T34", b"N9", b"<D.C. al Fine>",
                        b"*A", b"Q", b"S", b"W", b"(", b")", *whole.MARKS)),
    "params": Reader(PARAMS.name, read_settings, _presets, whole.KEYS),
    "overrides": Reader("mutated.txt", read_overrides, _texts(whole.OVERRIDES),
                        (*whole.KEYS, b"++", b"+", b"~", b"=", b"choice(", b"a.b.c=1", b"sources=", b"${seed}",
                         b"params.yaml:", b"[1,2]", b"{a: b}")),
    "manifest": Reader(MANIFEST, read_manifest, _texts(whole.MANIFEST),
                       (b",", b'"', b"file", b"solo.mid", b"/etc/passwd")),
    "npy": Reader("mutated.npy", read_tokens, whole.arrays,
                  (b"\x93NUMPY", b"'descr': '|O'", b"'shape': (9999999999999,)")),
    "directions": Reader(DIRECTIONS, read_vectors, whole.directions,
                         (b'"dtype":"F64"', b'"BF16"', b'"data_offsets":[0,9]')),
    "captions": Reader(CAPTIONS, lambda path: read_remarks(path.parent), _texts(whole.CAPTIONS),
                       (b",", b'"', b"../a.wav")),
    **{
        kind: Reader(f"mutated.{kind}", read_wave, whole.sounds(kind.upper()), tokens)
        for kind, tokens in {
            "wav": (b"RIFF", b"fmt ", b"data"), "aiff": (b"FORM", b"COMM", b"SSND"), "flac": (b"fLaC",),
            "ogg": (b"OggS",), "mp3": (b"ID3\4", b"Xing", b"LAME"),
        }.items()
    },
}  # fmt: skip
