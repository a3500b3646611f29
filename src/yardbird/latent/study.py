"""What every experiment in the latent space stands on: the solos with their codes, and one way to write results."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from yardbird import files
from yardbird.audio.synth import render
from yardbird.audio.wave import write_wave
from yardbird.config import TARGET
from yardbird.errors import InputError
from yardbird.models.music_vae.family import MusicVAEFamily
from yardbird.models.music_vae.latent import Latent
from yardbird.music.excerpts import cut
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score
from yardbird.pictures import piano_roll
from yardbird.seeds import generator
from yardbird.tables.copies import read_copies

_LONGEST_STEM = 100  # bytes: names have 255

#: The results of an experiment for the metrics file: name → figure.
Figures = dict[str, float | int]


@dataclass(frozen=True)
class Solo:
    """An original of the corpus: what is known of it, its notes on the codec's grid, and its code in latent space."""

    solo: str  # the id: "<source>/<stem>"
    split: str
    artist: str
    title: str
    tune_group: str
    form: str  # as the manifest has it; empty where it says nothing
    score: Score
    latent: Latent

    @property
    def stem(self) -> str:
        """The id as the name of a file, of which two and a few words more make a name that no file system refuses."""
        name = self.solo.replace("/", "_")
        if len(name.encode()) <= _LONGEST_STEM:
            return name
        mark = hashlib.sha256(name.encode()).hexdigest()[:8]
        return f"{name.encode()[: _LONGEST_STEM - 9].decode(errors='ignore')}_{mark}"


@dataclass(frozen=True)
class Study:
    """The model and the solos it is explored with."""

    family: MusicVAEFamily
    solos: tuple[Solo, ...]  # sorted by id
    seed: int

    @property
    def training(self) -> list[Solo]:
        return [solo for solo in self.solos if solo.split == "train"]

    @property
    def held_out(self) -> list[Solo]:
        """The solos that the experiments are judged on: no tune of theirs was trained on."""
        return [solo for solo in self.solos if solo.split != "train"]

    def lot(self, solos: Sequence[Solo], count: int) -> list[Solo]:
        """So many of the solos, or all: the first by id would be of one artist, or of one edition."""
        drawn = generator(self.seed, "lot").permutation(len(solos))[:count]
        return [solos[number] for number in sorted(drawn)]

    def stretches(self, solos: Iterable[Solo], bars: int) -> list[Solo]:
        """Solos cut to their first `bars` bars of one meter, and encoded as such; those without are left out."""
        cuts = [(solo, piece) for solo in solos if (piece := stretch(solo.score, bars))]
        latents = self.family.encode([piece for _, piece in cuts])
        return [replace(solo, score=piece, latent=z) for (solo, piece), z in zip(cuts, latents, strict=True)]


def open_study(family: MusicVAEFamily, augmented: Path, held_out: str, seed: int) -> Study:
    """The target's originals of the training split and of `held_out`, encoded.

    Args:
        augmented: the folder of the augment stage; copies in other keys and tempos are left out.

    Raises:
        InputError: one of the two splits is empty.
    """
    originals = [row for row in read_copies(augmented) if row.is_original and row.role == TARGET]
    rows = sorted((row for row in originals if row.split in ("train", held_out)), key=lambda row: row.solo)
    for split in ("train", held_out):
        if not any(row.split == split for row in rows):
            raise InputError(augmented, expected=f"solos of the {split} split", found="none", remedy="add tunes")
    paths = tqdm([augmented / row.path for row in rows], desc="reading solos", unit="solo", leave=False)
    scores = [family.codec.grid(read_score(path)).score for path in paths]
    solos = [
        Solo(row.solo, row.split, row.artist, row.title, row.tune_group, row.form, score, latent)
        for row, score, latent in zip(rows, scores, family.encode(scores), strict=True)
    ]
    return Study(family, tuple(solos), seed)


def stretch(score: Score, bars: int) -> Score | None:
    """The first `bars` bars that are whole and of one meter: no pickup, no change; None where there are none such."""
    lines = [*score.bar_ticks.tolist(), score.end_tick]
    for first in range(len(lines) - bars):
        if (
            len({b - a for a, b in zip(lines[first : first + bars], lines[first + 1 : first + bars + 1], strict=True)})
            == 1
        ):
            return cut(score, lines[first], lines[first + bars])
    return None


def write_piece(score: Score, stem: Path, title: str, *, rendered: bool = True) -> None:
    """Write stem.mid and, to be heard and seen, stem.wav (with a quiet rhythm section) and the piano roll stem.png."""
    write_score(score, stem.with_name(f"{stem.name}.mid"))
    if not rendered:
        return
    write_wave(render(score, comping=True), stem.with_name(f"{stem.name}.wav"))
    piano_roll.draw(score, stem.with_name(f"{stem.name}.png"), title=title)


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A CSV with the columns of the first row; figures are rounded to six digits, None is empty."""
    files.write_csv(path, list(rows[0]), [{name: _rounded(value) for name, value in row.items()} for row in rows])


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
