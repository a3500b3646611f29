"""Cutting of sounds into clips with captions, the training data of the audio model.

The split is made before the cut: all clips of a recording, of a solo and its copies, and of a tune group share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.loudness import decibels, peak_of
from yardbird.audio.separation import check_stem
from yardbird.audio.wave import Waveform, write_wave
from yardbird.config import SPLITS
from yardbird.data import recordings, rendering
from yardbird.data.captions import CAPTIONS, read_remarks
from yardbird.data.listening.known_facts import CaptionRow, Known
from yardbird.data.manifest import REJECTED, nfc
from yardbird.data.source_sounds import AudioConfig, Reject, Sound
from yardbird.data.splitting import SplitConfig, deal_out, tune_groups
from yardbird.devices import prepare_torch
from yardbird.errors import InputError, counted
from yardbird.execution import over_processes
from yardbird.tables import clip_tables as tables
from yardbird.tables.beats_table import write_beats
from yardbird.tables.clip_tables import ClipRow
from yardbird.tables.typed_table import write_table

_SILENT_CLIP = -40.0  # dB: the peak below which a clip of a levelled recording is silent
_EPSILON = 1e-9  # seconds
_SOUNDS_PER_WORKER = 20  # to render them takes longer than to start a worker


@dataclass(frozen=True)
class Made:
    """The rows of clips.csv and of rejected.csv, and one warning for each artist missing from a split."""

    clips: tuple[ClipRow, ...]
    rejected: tuple[Reject, ...]
    warnings: tuple[str, ...]


def make_clips(augmented: Path, out: Path, config: AudioConfig, split: SplitConfig, seed: int) -> Made:
    """Cut the user's recordings, or the corpus rendered with the SoundFont if there are none; see `write_clips`.

    Raises:
        InputError: `config.source` is not a folder; none of its recordings can be used, or there are too few for three
            splits; its captions.csv cannot be read; there is neither a recording nor a corpus; or the separator cannot
            be opened, or has no such stem.
    """
    source = Path(config.source)
    paths, remarks = recordings.find(source), read_remarks(source)
    sounds: list[Sound]
    listened: list[tuple[recordings.Recording, Known]] = []
    if paths:
        if config.separator:
            check_stem(config.separator.model, config.separator.stem)  # an error now, not after listening
        usable, rejected = recordings.survey(source, paths, remarks, config)
        dealt = deal_out(usable, tune_groups(usable), source, split)  # errors of the splits, too
        known_facts = recordings.listen(usable, config, seed)
        sounds, warnings = recordings.recorded(usable, known_facts, dealt.splits, config), dealt.warnings
        listened = list(zip(usable, known_facts, strict=True))
        known = {nfc(path.as_posix()) for path in paths}
    else:
        sounds, rejected, warnings = rendering.rendered(augmented, remarks, config, seed), [], ()
        known = rendering.solos(augmented)
    rejected += [Reject(name, f"named in {CAPTIONS}, but missing") for name in sorted(remarks.keys() - known)]
    with files.replacing_folder(out) as draft:
        rows, skipped = write_clips(sounds, draft, config)
        if not rows:
            raise InputError(source, expected="clips to learn from", found="silence alone", remedy="add recordings")
        tables.write_clips(draft, rows)
        if listened:
            write_table(draft / CAPTIONS, CaptionRow, [recordings.caption_row(*pair) for pair in listened])
            write_beats(draft, [beat for pair in listened for beat in recordings.beat_rows(*pair)])
        rejected += skipped
        write_table(draft / REJECTED, Reject, rejected)
    return Made(tuple(rows), tuple(rejected), warnings)


def write_clips(sounds: Sequence[Sound], out: Path, config: AudioConfig) -> tuple[list[ClipRow], list[Reject]]:
    """Cut the sounds and write `out`/audio/<clip>.flac; return the rows, and what it skips: silent clips, and
    recordings that have become unreadable since the survey."""
    rows: list[ClipRow] = []
    skipped: list[Reject] = []
    for own_rows, own_skipped in over_processes(
        partial(_write_sound, out, config), sounds, doing="render", unit="sound", items_per_worker=_SOUNDS_PER_WORKER
    ):
        rows += own_rows
        skipped += own_skipped
    return rows, skipped


def _write_sound(out: Path, config: AudioConfig, sound: Sound) -> tuple[list[ClipRow], list[Reject]]:
    prepare_torch()  # resampling uses torch
    try:
        samples = sound.samples()
    except InputError as error:
        return [], [Reject(sound.name, f"expected {error.expected}, found {error.found}; {error.remedy}")]
    rows: list[ClipRow] = []
    silent: list[Reject] = []
    bars = np.array(sound.bar_seconds)
    edges = cuts(bars, len(samples) / config.sample_rate, config.min_seconds, config.clip_seconds)
    for number, (start, stop) in enumerate(pairwise(edges)):
        # both ends are rounded down, so that clips abut and none is a sample longer than clip_seconds
        piece = samples[int(start * config.sample_rate) : int(stop * config.sample_rate)]
        if decibels(peak_of(piece)) < _SILENT_CLIP:
            silent.append(Reject(sound.name, f"silent from {start:.1f} to {stop:.1f} seconds"))
            continue
        row = _row(sound, number, start, stop, bars)
        write_wave(Waveform(piece[:, None], config.sample_rate), out / row.path)
        rows.append(row)
    return rows, silent


def cuts(bar_seconds: NDArray[np.float64], seconds: float, shortest: float, longest: float) -> list[float]:
    """The cuts of a sound, including both ends: on bar lines, with the fewest clips, of lengths as equal as possible.

    A bar longer than `longest` is cut evenly. The whole sound is cut evenly if the tempo is unknown or its bars would
    leave a remainder shorter than `shortest`: nothing is dropped. Dynamic programming minimises the sum of squared
    lengths.

    Args:
        bar_seconds: the starts of the bars, ascending; those outside the sound are ignored.
        shortest: at most half of `longest`; only a shorter sound gives a shorter clip.
    """
    inside = bar_seconds[(bar_seconds > _EPSILON) & (bar_seconds < seconds - _EPSILON)].tolist()
    for lines in ([0.0, *inside, seconds], [0.0, seconds]):
        fine = [0.0]
        for start, stop in pairwise(lines):
            fine += np.linspace(start, stop, ceil((stop - start) / longest - _EPSILON) + 1)[1:].tolist()
        if edges := _fewest(fine, shortest, longest):
            return edges
    return [0.0, seconds]


def _fewest(lines: Sequence[float], shortest: float, longest: float) -> list[float]:
    """The edges of the fewest, most equal clips within the bounds; empty if there are none."""
    best: list[tuple[int, float, int] | None] = [(0, 0.0, 0)]  # number, sum of squares, the edge before
    for end in range(1, len(lines)):
        offers = []
        for start in range(end - 1, -1, -1):
            length = lines[end] - lines[start]
            if length > longest + _EPSILON:
                break
            if length >= shortest and (before := best[start]):
                offers.append((before[0] + 1, before[1] + length**2, start))
        best.append(min(offers, default=None))
    if best[-1] is None:
        return []
    edges, index = [lines[-1]], len(lines) - 1
    while index:
        entry = best[index]
        assert entry is not None, "every edge on the path is reachable"
        index = entry[2]
        edges.append(lines[index])
    return edges[::-1]


def _row(sound: Sound, number: int, start: float, stop: float, bars: NDArray[np.float64]) -> ClipRow:
    clip = f"{sound.name}__{number:03}"
    begun = int(np.searchsorted(bars, start + _EPSILON, side="right"))  # bars that have begun by the clip's start
    lines = np.count_nonzero((bars > start - _EPSILON) & (bars < stop - _EPSILON))
    counted = bool(lines or start + _EPSILON < _end(bars))  # bars are heard in the beginning of a long recording only
    return ClipRow(
        clip=clip,
        path=f"audio/{clip}.flac",
        kind=sound.kind,
        solo=sound.solo,
        split=sound.split,
        artist=sound.artist,
        title=sound.title,
        tune_group=sound.tune_group,
        key=sound.key,
        form=sound.form,
        qpm=None if sound.qpm is None else round(sound.qpm, 3),
        start_seconds=round(start, 4),
        seconds=round(stop - start, 4),
        first_bar=begun - 1 if counted else None,
        bars=int(lines) if counted else None,
        semitones=sound.semitones,
        tempo_factor=sound.tempo_factor,
        captions=sound.captions,
    )


def _end(bars: NDArray[np.float64]) -> float:
    """The end of the last bar, in seconds: as long as the bar before; an only bar lasts to the end of the sound."""
    return 2 * bars[-1] - bars[-2] if len(bars) > 1 else np.inf if len(bars) else 0.0


def in_words(made: Made, out: Path) -> list[str]:
    """The lines that the stage prints: clips and minutes of each split, and the number of rejected files."""
    lines = []
    for split in SPLITS:
        rows = [row for row in made.clips if row.split == split]
        sounds = len({(row.solo, row.semitones, row.tempo_factor) for row in rows})
        minutes = sum(row.seconds for row in rows) / 60
        kind = f" ({rows[0].kind})" if rows else ""
        lines.append(
            f"{split}: {counted(len(rows), 'clip')} of {counted(sounds, 'sound')}{kind}, {minutes:.1f} minutes"
        )
    if made.rejected:
        first = made.rejected[0]
        table = out / REJECTED
        lines.append(f"{len(made.rejected)} rejected, the first: {first.file}: {first.reason} (see {table})")
    return lines
