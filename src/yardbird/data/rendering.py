"""The corpus as sound: its solos, and as many of the training copies as are asked for, through the SoundFont."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.loudness import levelled
from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.config import TARGET
from yardbird.data.captions import INSTRUMENTS, NO_REMARK, Facts, Remark, captions_of
from yardbird.data.source_sounds import AudioConfig, Sound
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import read_score
from yardbird.music.pitch import Key
from yardbird.music.score import Score
from yardbird.seeds import generator
from yardbird.tables.copies import CopyRow, read_copies


def rendered(augmented: Path, remarks: Mapping[str, Remark], config: AudioConfig, seed: int) -> list[Sound]:
    """The originals of the held-out splits, and training solos up to `config.training_seconds`; of the target alone.

    Background is not rendered: sound costs a hundred times what notes cost, and the seconds are the target's.

    A solo without a key in its manifest is called by the key that its notes suggest. The user's remark on a solo goes
    for its copies as well, but for its caption: the words may name a key or a tempo that only the original has.
    """
    copies = [row for row in read_copies(augmented) if row.role == TARGET]
    seconds = {row.solo: read_score(augmented / row.path).seconds for row in copies if row.is_original}
    return [
        _sound(row, read_score(augmented / row.path), remarks.get(row.solo, NO_REMARK), config)
        for row in chosen(copies, seconds, config.training_seconds, seed)
    ]


def solos(augmented: Path) -> set[str]:
    """The ids of all solos of the corpus, rendered or not."""
    return {row.solo for row in read_copies(augmented)}


def chosen(
    copies: Sequence[CopyRow], seconds: Mapping[str, float], training_seconds: float, seed: int
) -> list[CopyRow]:
    """Held-out originals, all of them; training originals first, then copies, each by lot, while the seconds last.

    At least one training solo is chosen. The order is that of `copies`.

    Args:
        seconds: how long each original is.
    """
    rng = generator(seed, "render", "lots")
    training = [row for row in copies if row.split == "train"]
    lots = [training[index] for index in rng.permutation(len(training))]
    taken = {row.copy for row in copies if row.split != "train" and row.is_original}
    total = 0.0
    for row in sorted(lots, key=lambda row: not row.is_original):  # stable: by lot among themselves
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
        kind="rendered",
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
