"""The corpus rendered as audio with the SoundFont: its solos, and the configured amount of training copies."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.loudness import levelled
from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.config import TARGET
from yardbird.data.captions import INSTRUMENTS, NO_REMARK, Facts, Remark, captions_of
from yardbird.data.source_sounds import AudioConfig, Sound
from yardbird.execution import over_processes
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import read_score
from yardbird.music.pitch import Key
from yardbird.music.score import Score
from yardbird.seeds import generator
from yardbird.tables.clip_tables import RENDERED
from yardbird.tables.copies_table import CopyRow, read_copies

_SOLOS_PER_WORKER = 2000  # reading fewer takes less time than starting a process


def rendered(augmented: Path, remarks: Mapping[str, Remark], config: AudioConfig, seed: int) -> list[Sound]:
    """The target's originals of the held-out splits, and its training solos up to `config.training_seconds`.

    Background is not rendered: audio is a hundred times as expensive as notes, and the limit is for the target.

    A solo without a key in its manifest gets the key estimated from its notes. The user's remark on a solo also applies
    to its copies, except for its caption, which may name a key or a tempo that only the original has.
    """
    copies = [row for row in read_copies(augmented) if row.role == TARGET]
    originals = [row for row in copies if row.is_original]
    lengths = over_processes(
        partial(_seconds, augmented), originals, doing="reading solos", unit="solo", items_per_worker=_SOLOS_PER_WORKER
    )
    seconds = {row.solo: length for row, length in zip(originals, lengths, strict=True)}
    return [
        _sound(row, read_score(augmented / row.path), remarks.get(row.solo, NO_REMARK), config)
        for row in chosen(copies, seconds, config.training_seconds, seed)
    ]


def _seconds(augmented: Path, row: CopyRow) -> float:
    return read_score(augmented / row.path).seconds


def solos(augmented: Path) -> set[str]:
    """The ids of all solos of the corpus, rendered or not."""
    return {row.solo for row in read_copies(augmented)}


def chosen(
    copies: Sequence[CopyRow], seconds: Mapping[str, float], training_seconds: float, seed: int
) -> list[CopyRow]:
    """All held-out originals, and random training originals, then random copies, up to `training_seconds`.

    At least one training solo is chosen. The order is that of `copies`.

    Args:
        seconds: the duration of each original.
    """
    rng = generator(seed, "render", "lots")
    training = [row for row in copies if row.split == "train"]
    shuffled = [training[index] for index in rng.permutation(len(training))]
    taken = {row.copy for row in copies if row.split != "train" and row.is_original}
    total = 0.0
    for row in sorted(shuffled, key=lambda row: not row.is_original):  # stable: originals stay shuffled, so do copies
        length = seconds[row.solo] / row.tempo_factor
        if total and total + length > training_seconds:
            break
        total += length
        taken.add(row.copy)
    return [row for row in copies if row.copy in taken]


def _sound(row: CopyRow, score: Score, remark: Remark, config: AudioConfig) -> Sound:
    manifest_key = Key.parse(row.key) if row.key else estimate_key(score.notes)
    key = remark.key.transposed(row.semitones) if remark.key else manifest_key
    artist, form = remark.known.artist or row.artist, remark.known.form or row.form
    comping = config.comping and any(change.chord for change in score.chords)
    facts = Facts(
        style=config.style,
        instrument=remark.instrument or INSTRUMENTS.get(score.program, ""),
        band="with piano and bass" if comping else "",
        key=key,
        form=form,
        qpm=score.mean_qpm,
        artist=artist,
    )

    def samples() -> NDArray[np.float32]:
        mono = to_mono(render(score, comping=comping), config.sample_rate)
        return levelled(mono, config.sample_rate, config.loudness)

    return Sound(
        name=row.copy,
        kind=RENDERED,
        solo=row.solo,
        split=row.split,
        artist=artist,
        title=remark.known.title or row.title,
        tune_group=row.tune_group,
        key=str(key or ""),
        form=form,
        qpm=score.mean_qpm,
        semitones=row.semitones,
        tempo_factor=row.tempo_factor,
        captions=(remark.caption,) if remark.caption and row.is_original else captions_of(facts),
        bar_seconds=tuple(score.seconds_at(score.bar_ticks).tolist()),
        samples=samples,
    )
