"""The shared basis of the latent experiments: the solos with their codes, and functions to write results."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.audio.synth import render
from yardbird.audio.wave import write_wave
from yardbird.config import TARGET
from yardbird.errors import InputError
from yardbird.models.music_vae.latent_solo import Latent
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.music.excerpts import cut
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score
from yardbird.pictures import piano_roll
from yardbird.progress import progress
from yardbird.seeds import generator
from yardbird.tables.copies_table import read_copies

_LONGEST_STEM = 100  # bytes: names have 255

#: The results of an experiment for the metrics file: name → value.
Figures = dict[str, float | int]


@dataclass(frozen=True)
class Solo:
    """An original of the corpus: its metadata, its notes on the codec's grid, and its latent code."""

    solo: str  # the id: "<source>/<stem>"
    split: str
    artist: str
    title: str
    tune_group: str
    form: str  # as in the manifest; may be empty
    score: Score
    latent: Latent

    @property
    def stem(self) -> str:
        """The id as a file name, short enough that two of them and a few words fit into 255 bytes."""
        name = self.solo.replace("/", "_")
        if len(name.encode()) <= _LONGEST_STEM:
            return name
        mark = hashlib.sha256(name.encode()).hexdigest()[:8]
        return f"{name.encode()[: _LONGEST_STEM - 9].decode(errors='ignore')}_{mark}"


@dataclass(frozen=True)
class Study:
    """The model to explore, and the solos."""

    family: MusicVAEFamily
    solos: tuple[Solo, ...]  # sorted by id
    seed: int

    @property
    def training(self) -> list[Solo]:
        return [solo for solo in self.solos if solo.split == "train"]

    @property
    def held_out(self) -> list[Solo]:
        """The solos that the experiments are evaluated on; no take of their tunes is in the training split."""
        return [solo for solo in self.solos if solo.split != "train"]

    def sample(self, solos: Sequence[Solo], count: int) -> list[Solo]:
        """`count` of the solos at random, or all. The first by id would be of one artist or one edition."""
        drawn = generator(self.seed, "lot").permutation(len(solos))[:count]
        return [solos[number] for number in sorted(drawn)]

    def stretches(self, solos: Iterable[Solo], bars: int) -> list[Solo]:
        """Solos cut to their first `bars` bars of one meter and encoded again; solos without such bars are omitted."""
        cuts = [(solo, piece) for solo in solos if (piece := stretch(solo.score, bars))]
        latents = self.family.encode([piece for _, piece in cuts])
        return [replace(solo, score=piece, latent=z) for (solo, piece), z in zip(cuts, latents, strict=True)]


def open_study(family: MusicVAEFamily, augmented: Path, held_out: str, seed: int) -> Study:
    """Encode the target's originals of the training split and of `held_out`.

    Args:
        augmented: the folder of the augment stage; its copies in other keys and tempos are ignored.

    Raises:
        InputError: one of the two splits is empty.
    """
    originals = [row for row in read_copies(augmented) if row.is_original and row.role == TARGET]
    rows = sorted((row for row in originals if row.split in ("train", held_out)), key=lambda row: row.solo)
    for split in ("train", held_out):
        if not any(row.split == split for row in rows):
            raise InputError(augmented, expected=f"solos of the {split} split", found="none", remedy="add tunes")
    paths = progress([augmented / row.path for row in rows], doing="reading solos", unit="solo")
    scores = [family.codec.grid(read_score(path)).score for path in paths]
    solos = [
        Solo(row.solo, row.split, row.artist, row.title, row.tune_group, row.form, score, latent)
        for row, score, latent in zip(rows, scores, family.encode(scores), strict=True)
    ]
    return Study(family, tuple(solos), seed)


def stretch(score: Score, bars: int) -> Score | None:
    """The first `bars` consecutive bars of equal length, without pickup or change of meter; None if there are none."""
    lines = [*score.bar_ticks.tolist(), score.end_tick]
    for first in range(len(lines) - bars):
        if (
            len({b - a for a, b in zip(lines[first : first + bars], lines[first + 1 : first + bars + 1], strict=True)})
            == 1
        ):
            return cut(score, lines[first], lines[first + bars])
    return None


def write_piece(score: Score, stem: Path, title: str, *, rendered: bool = True) -> None:
    """Write stem.mid and, if `rendered`, stem.wav (with a quiet rhythm section) and the piano roll stem.png."""
    write_score(score, stem.with_name(f"{stem.name}.mid"))
    if not rendered:
        return
    write_wave(render(score, comping=True), stem.with_name(f"{stem.name}.wav"))
    piano_roll.draw(score, stem.with_name(f"{stem.name}.png"), title=title)


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV with the columns of the first row; floats are rounded to six significant digits, None is empty."""
    files.write_csv(path, list(rows[0]), [{name: _rounded(value) for name, value in row.items()} for row in rows])


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
