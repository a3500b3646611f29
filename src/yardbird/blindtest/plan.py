"""Chooses the excerpts: from held-out solos of the artist and of a decoy, and from the solos of each family."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from yardbird import files
from yardbird.config import PARAMS, Check, MidiNumber, NonNegativeFloat, PositiveInt, Settings
from yardbird.errors import ConfigError, InputError
from yardbird.music.excerpts import cut, in_full_bars
from yardbird.music.grid import quantise
from yardbird.music.midi import read_score
from yardbird.music.score import Score, Tempo
from yardbird.seeds import generator
from yardbird.tables.copies_table import read_copies
from yardbird.tables.generated_tables import TABLE, GeneratedSolo, read_generated

REAL, DECOY, CHECK, EXAMPLE = "real", "decoy", "check", "example"
VELOCITY = 90  # of every note: dynamics would reveal which sources write them
_LEAST_NOTES = 4  # in an excerpt: with fewer it is mostly silent
_FIRST_NOTE_SECONDS = 0.5  # at the latest: initial silence would reveal solos with rests


_EVEN = Check(lambda count: count % 2 == 0, "an even number (half Yes, half No)")


@dataclass(frozen=True)
class BlindTestConfig(Settings, section="blind_test"):
    """Section `blind_test` of params.yaml."""

    artist: str | None  # the artist to recognise; null: the one with the most test solos
    decoy: str | None  # another artist; null: the one with the most test solos after the first
    clips_per_source: Annotated[int, Interval(ge=1, le=100)]
    examples: Annotated[int, Interval(ge=0, le=10)]  # of training solos of the artist, played before the test
    attention_checks: Annotated[int, Interval(ge=2, le=20), _EVEN]  # half have the answer Yes, half No
    seconds: Annotated[float, Interval(ge=1, le=60)]  # of every clip
    least_seconds: NonNegativeFloat  # of a clip that must be played before an answer is accepted
    steps_per_beat: PositiveInt | None  # grid of the notes of every clip; null: timing as in the files
    program: MidiNumber  # the General MIDI instrument of every clip, counted from 0
    comping: bool
    sample_rate: Annotated[int, Interval(ge=8000, le=48000)]
    loudness: Annotated[float, Interval(ge=-40, le=-10)]  # of every clip, LUFS
    requests_per_minute: Annotated[int, Interval(ge=1, le=1_000_000)]  # per address
    smallest_difference: Annotated[float, Interval(ge=0.01, le=0.5)]  # of two shares, for the power

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.least_seconds <= self.seconds, "least_seconds", f"0 to the {self.seconds:g} of seconds")


@dataclass(frozen=True)
class Excerpt:
    """A part of a solo that begins at a bar line: `source` is real, decoy, example or the name of a family.

    The score has a single velocity and a single tempo.
    """

    source: str
    solo: str
    artist: str
    first_bar: int  # counted from 0, in bars of 4/4 if the file has no meter
    score: Score


@dataclass(frozen=True)
class Plan:
    """The excerpts; `left_out` has notes on missing clips for the person who runs the test."""

    artist: str
    decoy: str | None
    excerpts: tuple[Excerpt, ...]
    examples: tuple[Excerpt, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Solo:
    """A file for taking excerpts, after `skipped_bars` (a prime is not by the model)."""

    name: str
    path: Path
    tune: str
    artist: str
    skipped_bars: int


def make_plan(augmented: Path, generated: Path, config: BlindTestConfig, seed: int) -> Plan:
    """Choose random excerpts from as many solos as possible, without overlap.

    Args:
        augmented: folder of the corpus; real and decoy clips are from its test split, examples from its training split.
        generated: folder with one folder per family.

    Raises:
        InputError: there is no corpus, there are no generated solos, or no solo of the artist is long enough.
        ConfigError: a configured artist has no test solos.
    """
    originals = list(_originals(augmented))
    tests = [(split, solo) for split, solo in originals if split == "test"]
    artist, decoy = _artists([solo.artist for _, solo in tests], config)
    pools: dict[str, list[_Solo]] = {REAL: [solo for _, solo in tests if solo.artist == artist]}
    if decoy:
        pools[DECOY] = [solo for _, solo in tests if solo.artist == decoy]
    left_out = [] if decoy else ["decoy: the test split has only one artist"]
    for table in sorted(generated.glob(f"*/{TABLE}")):
        pools[table.parent.name] = list(_generated(table.parent))
    if set(pools) <= {REAL, DECOY}:
        raise InputError(generated, expected="generated solos", found="none", remedy="run the generate stage first")
    excerpts: list[Excerpt] = []
    for source, solos in pools.items():
        if not solos:
            left_out.append(f"{source}: no MIDI files that the common synthesizer can render")
            continue
        drawn = _draw(source, solos, config.clips_per_source, config, seed)
        if source == REAL and not drawn:
            expected, found = f"a test solo of {artist} with {config.seconds:g} seconds of notes", "none"
            remedy = "lower blind_test.seconds or name another blind_test.artist"
            raise InputError(augmented, expected=expected, found=found, remedy=remedy)
        if len(drawn) < config.clips_per_source:
            left_out.append(
                f"{source}: {len(drawn)} clips instead of {config.clips_per_source}; its solos have no more"
            )
        excerpts += drawn
    training = [solo for split, solo in originals if split == "train" and solo.artist == artist]
    examples = _draw(EXAMPLE, training, config.examples, config, seed)
    return Plan(artist, decoy, tuple(excerpts), tuple(examples), tuple(left_out))


def _artists(artists: Sequence[str], config: BlindTestConfig) -> tuple[str, str | None]:
    """The artist to recognise, and the decoy: as configured, else the most frequent of the test split."""
    ranked = sorted(Counter(artists).items(), key=lambda item: (-item[1], item[0]))
    for key, name in (("artist", config.artist), ("decoy", config.decoy)):
        if name is not None and name not in artists:
            found = f"{name!r}, the test split has {', '.join(name for name, _ in ranked)}"
            raise ConfigError(PARAMS, f"blind_test.{key}", expected="an artist with test solos", found=found)
    artist = config.artist or next(name for name, _ in ranked if name != config.decoy or len(ranked) == 1)
    if artist == config.decoy:
        raise ConfigError(
            PARAMS, "blind_test.decoy", expected="an artist other than blind_test.artist", found=repr(artist)
        )
    return artist, config.decoy or next((name for name, _ in ranked if name != artist), None)


def _originals(augmented: Path) -> Iterator[tuple[str, _Solo]]:
    """(split, solo) of every original, without transposed copies."""
    rows = [row for row in read_copies(augmented) if row.is_original]
    if not any(row.split == "test" for row in rows):
        raise InputError(augmented, expected="test solos", found="none", remedy="raise split.test")
    for row in rows:
        yield row.split, _Solo(row.solo, files.within(augmented, row.path), row.tune_group, row.artist, 0)


def _generated(folder: Path) -> Iterator[_Solo]:
    for row in read_generated(folder):
        if isinstance(row, GeneratedSolo):
            yield _Solo(row.solo, files.within(folder, row.path), row.solo, "", row.primed_bars)


def _draw(source: str, solos: Sequence[_Solo], count: int, config: BlindTestConfig, seed: int) -> list[Excerpt]:
    """Up to `count` random excerpts: first one per tune, then of other takes, then further ones without overlap."""
    rng = generator(seed, "blind_test", source)
    order = [solos[index] for index in rng.permutation(len(solos))]
    tunes = [solo.tune for solo in order]
    takes = {solo.name: tunes[:index].count(solo.tune) for index, solo in enumerate(order)}
    order.sort(key=lambda solo: takes[solo.name])
    files_read = {solo.name: read_score(solo.path) for solo in order}
    scores = {name: _even(score, config) for name, score in files_read.items()}
    skipped = {solo.name: _full_bars(files_read[solo.name], solo.skipped_bars) for solo in order}
    taken: Mapping[str, list[float]] = {solo.name: [] for solo in order}
    drawn: list[Excerpt] = []
    while len(drawn) < count:
        before = len(drawn)
        for solo in order:
            score = scores[solo.name]
            free = list(_free_bars(score, skipped[solo.name], taken[solo.name], config))
            if free and len(drawn) < count:
                bar = int(rng.choice(free))
                start = float(score.seconds_at(score.bar_ticks[bar : bar + 1])[0])
                taken[solo.name].append(start)
                drawn.append(Excerpt(source, solo.name, solo.artist, bar, _cut(score, bar, start + config.seconds)))
        if len(drawn) == before:
            break
    return drawn


def _even(score: Score, config: BlindTestConfig) -> Score:
    """The score on the common grid, with common velocity and instrument, so that none of them reveals the source.

    It starts at full bars, because clips starting on any beat would reveal sources without a meter.
    """
    score = in_full_bars(score)
    score = quantise(score, config.steps_per_beat).score if config.steps_per_beat else score
    notes = score.notes.copy()
    notes["velocity"] = VELOCITY
    return replace(score, notes=notes, program=config.program)


def _full_bars(score: Score, bars: int) -> int:
    """The index of the first full bar after the first `bars` bars of the file."""
    ticks = np.append(score.bar_ticks, score.end_tick)
    return int(np.searchsorted(in_full_bars(score).bar_ticks, ticks[min(bars, score.bar_count)]))


def _free_bars(score: Score, skipped: int, taken: Iterable[float], config: BlindTestConfig) -> Iterator[int]:
    """The bars at which an excerpt can start: with a note at the beginning, and without overlap with `taken`."""
    starts, onsets = score.seconds_at(score.bar_ticks), score.seconds_at(score.onsets)
    for bar in range(skipped, len(starts)):
        start, stop = starts[bar], starts[bar] + config.seconds
        inside = onsets[(onsets >= start) & (onsets < stop)]
        if (
            stop <= score.seconds
            and len(inside) >= _LEAST_NOTES
            and inside[0] <= start + _FIRST_NOTE_SECONDS
            and all(abs(start - other) >= config.seconds for other in taken)
            and not (config.comping and score.chord_index_of(score.bar_ticks[bar : bar + 1])[0] < 0)
        ):
            yield bar


def _cut(score: Score, bar: int, stop_seconds: float) -> Score:
    """From a bar line to the first one at or after `stop_seconds`, or to the end, at its mean tempo.

    A tempo that varies between bars would reveal transcriptions of performances.
    """
    ends = np.append(score.bar_ticks[bar + 1 :], score.end_tick)
    after = ends[score.seconds_at(ends) >= stop_seconds - 1e-9]
    excerpt = cut(score, int(score.bar_ticks[bar]), int(after[0] if len(after) else score.end_tick))
    return replace(excerpt, tempos=(Tempo(0, excerpt.mean_qpm),))
