"""The session of one visitor: a folder for everything that is kept, with its origin.

The folder is made when the first file is written. Names of uploaded files and of tunes become file names of letters,
digits and underscores, so that no name leads out of the folder.
"""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.data.notation import abc_tunes, kern, musicxml
from yardbird.data.reading import load_midi
from yardbird.errors import InputError
from yardbird.generation.sound_orders import file_names
from yardbird.git import head_commit
from yardbird.music import midi
from yardbird.music.excerpts import in_full_bars
from yardbird.music.midi import write_score
from yardbird.music.score import Score

MOST_BARS = 256  # of a solo: longer ones would keep all visitors waiting
MOST_MINUTES = 20  # of a solo, for the same reason
MOST_BYTES = 1_000_000  # of an uploaded file: a solo has a few kilobytes
#: Files that can be uploaded. A database of solos is not one of them.
SUFFIXES = (*midi.SUFFIXES, *musicxml.SUFFIXES, *abc_tunes.SUFFIXES, *kern.SUFFIXES)
_SOURCES = "from"  # the folder of what kept files were made from


@dataclass(frozen=True)
class Chosen:
    """A file with a solo: its path, and its name on the page."""

    path: Path
    name: str

    def read(self) -> Score:
        """The solo.

        Raises:
            InputError: the file cannot be read, has no solo or is too long; the text names the file as on the page.
        """
        try:
            score = in_full_bars(load_midi(self.path))
        except InputError as error:
            raise self.named(error) from None
        if score.bar_count > MOST_BARS:
            expected, found = f"at most {MOST_BARS} bars", f"{score.bar_count}"
            raise InputError(self.name, expected=expected, found=found, remedy="cut it in a notation program")
        if score.seconds > 60 * MOST_MINUTES:
            expected, found = f"at most {MOST_MINUTES} minutes", f"{score.seconds / 60:.0f}"
            raise InputError(self.name, expected=expected, found=found, remedy="correct its tempo, or cut it")
        return score

    def named(self, error: InputError) -> InputError:
        """The error with the name on the page instead of the path."""
        texts = (error.expected, error.found, error.remedy)
        expected, found, remedy = (text.replace(str(self.path), self.name) for text in texts)
        return InputError(self.name, expected=expected, found=found, remedy=remedy)


@dataclass
class Session:
    """What one visitor keeps.

    Attributes:
        folder: the folder, which may not exist yet.
        kept: names of what was kept, without suffix, in order.
    """

    folder: Path
    kept: list[str] = field(default_factory=list)
    _drawn: int = 0

    @classmethod
    def start(cls, root: Path) -> "Session":
        """A session whose name cannot be guessed: the time, and random letters."""
        return cls(root / f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}")

    def new_name(self, words: str) -> str:
        """A name for the next result, different from all others of the session."""
        self._drawn += 1
        return f"{file_names([words])[0]}_{self._drawn:03d}"

    def take_in(self, upload: str | Path) -> Chosen:
        """Copy an uploaded file to the session.

        Raises:
            InputError: its format is not read, or it is empty or too large.
        """
        path = Path(upload)
        name, size = path.name[:100], path.stat().st_size
        if path.suffix.lower() not in SUFFIXES:
            expected, remedy = "MIDI, MusicXML, ABC or kern", "export the solo as MIDI or MusicXML"
            raise InputError(name, expected=expected, found=path.suffix or "no suffix", remedy=remedy)
        if not 0 < size <= MOST_BYTES:
            expected, found = f"1 to {MOST_BYTES:,} bytes", f"{size:,}"
            raise InputError(name, expected=expected, found=found, remedy="export the solo alone")
        target = self.folder / _SOURCES / f"{self.new_name(path.stem)}{path.suffix.lower()}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return Chosen(target, name)

    def put_in(self, score: Score, name: str) -> Chosen:
        """Write a solo of the studio as MIDI, so that another one can be made from it."""
        path = self.folder / _SOURCES / f"{name}.mid"
        write_score(score, path)
        return Chosen(path, path.name)

    def keep(self, name: str, about: Mapping[str, Any]) -> None:
        """Add a result, whose files are written, to what is kept; its JSON receives `about` and the commit."""
        path = self.folder / f"{name}.json"
        known = files.read_json(path) if path.exists() else {}
        files.write_json(path, {**known, "studio": {**about, "commit": head_commit(Path())}})
        if name not in self.kept:
            self.kept.append(name)
