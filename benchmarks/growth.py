"""How time grows with the length of a sequence, the batch, the number of bars and the number of files.

With `--seconds`, the curves share the time: a curve ends where its next size would exceed its share. Without it, all
sizes are measured, which takes hours and, for 100,000 files, gigabytes of disk and memory.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from attention import model_rows
from decoding import decoding_rows
from originality import make_sets, make_solos
from scaling import STAGES
from scaling import measure as measure_stages
from timing import Row, main, measure, seconds_left, used_seconds
from vae import DEFAULT as DEFAULT_VAE
from vae import rows_of as vae_rows

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.data.etudes.compose import etudes
from yardbird.metrics.shared_runs import OriginalityIndex
from yardbird.metrics.solo_metrics import describe
from yardbird.music.excerpts import cut
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score

DEFAULT = (128, 4, 3)  # width, heads and layers of the default Music Transformer
LENGTHS, BATCHES = (256, 512, 1024, 2048, 4096), (1, 4, 16, 64)
BARS, FILES = (16, 64, 256, 1024, 4096), (100, 1_000, 10_000, 100_000)
ETUDES = [etude.score for etude in etudes(0, 100)]
BAR = 4 * 480  # ticks of the etudes


@dataclass(frozen=True)
class Curve:
    """`rows_at(size, rounds)` measures one setting."""

    work: str
    axis: str
    sizes: tuple[int, ...]
    rows_at: Callable[[int, int], list[Row]]


def long_solo(bars: int) -> Score:
    """16 bars of an etude, repeated."""
    solo = cut(next(score for score in ETUDES if score.bar_count >= 16), 0, 16 * BAR)
    starts = np.arange(0, bars * BAR, 16 * BAR)
    notes = np.tile(solo.notes, len(starts))
    notes["onset_tick"] += np.repeat(starts, len(solo.notes))
    chords = tuple(change._replace(tick=change.tick + int(start)) for start in starts for change in solo.chords)
    return replace(solo, notes=notes, chords=chords, end_tick=bars * BAR)


def encoding_rows(bars: int, rounds: int) -> list[Row]:
    codec, score = EventCodec.create(read_section("encode.events", EncodeConfig), []), long_solo(bars)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "solo.mid"
        write_score(score, path)
        variants = {
            "ours": lambda: codec.encode(read_score(path), None),
            "MidiTok REMI": lambda: codec.tokenizer.encode(path),
        }
        return measure("", variants, rounds)


def metrics_rows(bars: int, rounds: int) -> list[Row]:
    score = long_solo(bars)
    return measure("", {"ours": lambda: describe(replace(score))}, rounds)  # a copy has no cached values


def reading_rows(count: int, rounds: int) -> list[Row]:
    """Reading this many files, 100 etudes in turn."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:03}.mid" for number in range(100)]
        for path, score in zip(paths, ETUDES, strict=True):
            write_score(score, path)
        return measure("", {"ours": lambda: [read_score(paths[place % 100]) for place in range(count)]}, rounds)


def vae_rows_of_bars(bars: int, rounds: int) -> list[Row]:
    names = ("ours", "nn.LSTM a step, bar by bar")
    _, whole = vae_rows(bars, DEFAULT_VAE, 2, rounds)
    return [row for row in whole if row.variant in names]


def index_rows(count: int, rounds: int) -> list[Row]:
    solos = make_solos(count)
    return measure("", {"ours": lambda: OriginalityIndex(solos), "Python sets": lambda: make_sets(solos)}, rounds)


def stage_rows(count: int, _: int) -> list[Row]:
    """Processor time of the stages with their workers, measured once: it takes minutes."""
    return [
        Row("", f"ours, {one.stage}", 1000 * one.cpu_seconds, 1.0, 1.0, 1.0)
        for one in measure_stages(count, list(STAGES))
    ]


CURVES = (
    Curve(
        "training step 128/4/3, batch 1",
        "sequence length",
        LENGTHS,
        lambda size, rounds: model_rows(DEFAULT, size, 1, 0.0, rounds),
    ),
    Curve(
        "training step 128/4/3, 256 tokens",
        "batch",
        BATCHES,
        lambda size, rounds: model_rows(DEFAULT, 256, size, 0.0, rounds, gwinndr=False),
    ),
    Curve(
        "decoding 128/4/3, batch 1",
        "sequence length",
        LENGTHS,
        lambda size, rounds: decoding_rows(DEFAULT, 1, size, False, rounds),
    ),
    Curve(
        "decoding 128/4/3, 256 tokens",
        "batch",
        BATCHES,
        lambda size, rounds: decoding_rows(DEFAULT, size, 256, False, rounds),
    ),
    Curve("training step of the MusicVAE, 2 windows", "bars", (2, 4, 8, 16, 32), vae_rows_of_bars),
    Curve("a file as tokens", "bars", BARS, encoding_rows),
    Curve("all metrics of a solo", "bars", BARS, metrics_rows),
    Curve("reading", "files", FILES, reading_rows),
    Curve("index of known solos", "files", FILES, index_rows),
    Curve("stages, each with two workers", "files", FILES, stage_rows),
)


def grow(curve: Curve, rounds: int, seconds: float) -> Iterator[list[Row]]:
    """The rows of one size after the other, as long as the next is expected to fit into the time."""
    ends, took, variants = used_seconds() + seconds, 0.0, ["ours"]
    for size, smaller in zip(curve.sizes, (curve.sizes[0], *curve.sizes), strict=False):
        if used_seconds() + took * size / smaller > ends:
            reason = "left out of a quick run"
            numbers = (nan, nan, nan, nan)
            yield [Row(curve.work, name, *numbers, missing=reason, axis=curve.axis, size=size) for name in variants]
            return
        began = used_seconds()
        rows = curve.rows_at(size, rounds)
        took, variants = used_seconds() - began, [row.variant for row in rows]
        yield [replace(row, setting=curve.work, axis=curve.axis, size=size) for row in rows]


def benchmark(rounds: int) -> Iterator[list[Row]]:
    for place, curve in enumerate(CURVES):
        yield from grow(curve, rounds, seconds_left() / (len(CURVES) - place))


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=3)
