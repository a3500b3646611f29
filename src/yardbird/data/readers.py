"""One reader for all supported file formats, and the remedies for music files of other formats."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yardbird.data import weimar
from yardbird.data.manifest import Entry
from yardbird.data.notation import abc_tunes, kern, musicxml
from yardbird.errors import InputError
from yardbird.music import midi
from yardbird.music.midi import RawMidi

#: The supported files, as messages describe them.
KINDS = (
    f"MIDI ({', '.join(midi.SUFFIXES)}), MusicXML (.musicxml, .xml, .mxl), ABC (.abc), kern (.krn, .kern) or wjazzd.db"
)
SOUND_SUFFIXES = (
    ".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".caf", ".wma", ".au",
)  # fmt: skip
SUFFIXES = (
    *midi.SUFFIXES,
    *musicxml.SUFFIXES,
    *abc_tunes.SUFFIXES,
    *kern.SUFFIXES,
    *weimar.SUFFIXES,
)
_MAX_BYTES = 4_000_000  # a solo has a few kilobytes; this size takes some seconds and 400 MiB to read

_EXPORT = "open it in its program and export the solo as MusicXML or MIDI"
_SOUND = "transcribe it to MIDI; `audio.source` names the folder of recordings for musicgen"
_PICTURE = "read it into a notation program (optical music recognition) and export MusicXML"
_UNPACK = "unpack it, and delete it"
#: Unsupported music files: suffix → kind of file, remedy.
FOREIGN: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".mscz", ".mscx"), ("a MuseScore score", "open it in MuseScore and export it as MusicXML")),
    **dict.fromkeys(
        (".gp", ".gp3", ".gp4", ".gp5", ".gpx", ".gtp"),
        ("a Guitar Pro file", "open it in Guitar Pro or MuseScore and export it as MusicXML"),
    ),
    **dict.fromkeys((".ptb", ".tg", ".tef"), ("a tablature", "export it as MIDI or MusicXML")),
    **dict.fromkeys((".sib", ".sibx"), ("a Sibelius score", _EXPORT)),
    **dict.fromkeys((".mus", ".musx", ".ftmx"), ("a Finale score", _EXPORT)),
    **dict.fromkeys((".dorico", ".nwc", ".nwctxt", ".enc", ".ove", ".capx", ".cap"), ("a score", _EXPORT)),
    **dict.fromkeys((".mei", ".ly"), ("a score as text", _EXPORT)),
    **dict.fromkeys(
        (".band", ".logicx", ".logic", ".cpr", ".als", ".flp", ".ptx", ".rpp", ".song", ".reason", ".bwproject"),
        ("a sequencer's project", "export the track of the soloist as MIDI"),
    ),
    **dict.fromkeys((".mg1", ".mg2", ".mg3", ".mgu", ".sgu"), ("a Band-in-a-Box song", "save it as a MIDI file")),
    **dict.fromkeys((".mod", ".xm", ".it", ".s3m", ".syx", ".xmf"), ("music of another kind", "export it as MIDI")),
    **dict.fromkeys((".pdf", ".ps"), ("a printed score", _PICTURE)),
    **dict.fromkeys(SOUND_SUFFIXES, ("a recording", _SOUND)),
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".gz", ".tgz"), ("an archive", _UNPACK)),
}  # fmt: skip
_OTHER = (".txt", ".csv", ".tsv", ".md", ".json", ".yaml", ".yml", ".html", ".py")  # never music


@dataclass(frozen=True)
class Piece:
    """One solo of a file: its events, and its metadata in the file."""

    raw: RawMidi
    known: Entry


def piece_numbers(path: Path) -> list[str]:
    """The numbers of the solos of a file: the tunes of an ABC book or the solos of a database; `[""]` for one solo.

    Raises:
        InputError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in weimar.SUFFIXES:
        _refuse_unreadable(path, weimar.MAX_BYTES)
        return weimar.solo_numbers(path)
    if suffix in abc_tunes.SUFFIXES:
        _refuse_unreadable(path, _MAX_BYTES)
        numbers = list(abc_tunes.abc_tunes(path))
        return numbers if len(numbers) > 1 else [""]
    return [""]


def read_piece(path: Path, number: str = "") -> Piece:
    """Read one solo of a file of any kind in `KINDS`.

    Raises:
        InputError: the file cannot be read, is damaged, is of an unsupported kind, or has no such solo.
    """
    suffix = path.suffix.lower()
    most = dict.fromkeys(weimar.SUFFIXES, weimar.MAX_BYTES) | dict.fromkeys(musicxml.SUFFIXES, musicxml.MAX_BYTES)
    _refuse_unreadable(path, most.get(suffix, _MAX_BYTES))
    if suffix in weimar.SUFFIXES:
        return Piece(*weimar.read_solo_of(path, number or _only(path, weimar.solo_numbers(path))))
    if suffix in abc_tunes.SUFFIXES:
        book = abc_tunes.abc_tunes(path)
        tune = abc_tunes.read_abc(path, number or _only(path, list(book)))
        return Piece(tune.raw, Entry(title=tune.title if len(book) > 1 else ""))
    readers: dict[str, Callable[[Path], RawMidi]] = {
        **dict.fromkeys(musicxml.SUFFIXES, musicxml.read_musicxml),
        **dict.fromkeys(kern.SUFFIXES, kern.read_kern),
    }
    if suffix in readers:
        return Piece(readers[suffix](path), Entry())
    if suffix in FOREIGN:
        found, remedy = FOREIGN[suffix]
        raise InputError(path, expected=KINDS, found=found, remedy=remedy)
    return Piece(midi.read_raw(path), Entry())


def read_file(path: Path) -> RawMidi:
    """The events of a file given on the command line; `tunes.abc#3` or `wjazzd.db#218` is one solo of several.

    Raises:
        InputError: see `read_piece`; or the file has several solos and the path names none of them.
    """
    return read_piece(*file_and_number(path)).raw


def file_and_number(path: Path) -> tuple[Path, str]:
    """Split a path such as `tunes.abc#3` into the file and the number of the solo; "" without a number."""
    name, separator, number = path.name.rpartition("#")
    if separator and not path.exists() and Path(name).suffix.lower() in SUFFIXES:
        return path.with_name(name), number
    return path, ""


def stem_of(path: Path) -> str:
    """The name of a file, or of one of its solos, without the suffix: `tunes_3` for `tunes.abc#3`."""
    file, number = file_and_number(path)
    return f"{file.stem}_{number}" if number else file.stem


def is_read(path: Path) -> bool:
    """Whether a file is of a supported kind; a database is checked by its first bytes, as its suffix is common."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES and (suffix not in weimar.SUFFIXES or weimar.is_database(path))


def unread(path: Path) -> tuple[str, str] | None:
    """The kind of an unsupported file that looks like music, and the remedy; None for all other files."""
    if known := FOREIGN.get(path.suffix.lower()):
        return known
    if path.suffix.lower() not in _OTHER and path.is_file() and os.access(path, os.R_OK):
        with path.open("rb") as file:
            head = file.read(12)
        if head[:4] == b"MThd" or head[8:] == b"RMID":
            return "a MIDI file without a suffix for MIDI", "give it the suffix .mid"
    return None


def _only(path: Path, numbers: list[str]) -> str:
    if len(numbers) == 1:
        return numbers[0]
    expected = f"the name of one of its solos, such as {path.name}#{numbers[0]}"
    remedy = "yardbird ingest --dry-run on its folder lists them"
    raise InputError(path, expected=expected, found=f"a file of {len(numbers)} solos", remedy=remedy)


def _refuse_unreadable(file: Path, most: int) -> None:
    try:
        if not file.is_file():  # reading a pipe or a device would never end
            found = "a broken link" if file.is_symlink() else "no regular file" if file.exists() else "no such file"
            remedy = "correct the path" if found == "no such file" else "replace it by the file itself"
            raise InputError(file, expected="a music file", found=found, remedy=remedy)
        if (size := file.stat().st_size) > most:
            expected = f"at most {most // 1_000_000} MB"
            raise InputError(file, expected=expected, found=f"{size / 1e6:.0f} MB", remedy="cut it into solos")
        file.open("rb").close()
    except OSError as error:
        found = str(error.strerror)
        raise InputError(file, expected="a readable file", found=found, remedy="correct its permissions") from None
