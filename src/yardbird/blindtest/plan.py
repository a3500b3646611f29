"""Chooses the excerpts: from held-out solos of the artist and of a decoy, and from the solos of each family."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from yardbird import files
from yardbird.blindtest.questions import DECOY, EXAMPLE, REAL, Mode
from yardbird.config import PARAMS, Check, MidiNumber, NonNegativeFloat, PositiveInt, Settings
from yardbird.errors import ConfigError, InputError
from yardbird.music.excerpts import cut, in_full_bars
from yardbird.music.grid import quantise
from yardbird.music.midi import read_score
from yardbird.music.score import Floats, Score, Tempo
from yardbird.seeds import generator
from yardbird.tables.copies_table import read_copies
from yardbird.tables.generated_tables import TABLE, GeneratedSolo, read_generated

VELOCITY = 90  # of every note: dynamics would reveal which sources write them
_LEAST_NOTES = 4  # in an excerpt: with fewer it is mostly silent
_FIRST_NOTE_SECONDS = 0.5  # after the bar line at the latest; the clip starts with it


_EVEN = Check(lambda count: count % 2 == 0, "an even number (half Yes, half No)")


@dataclass(frozen=True)
class BlindTestConfig(Settings, section="blind_test"):
    """Section `blind_test` of params.yaml."""

    mode: Mode
    artist: str | None  # the artist to recognise; null: the one with the most test solos
    decoy: str | None  # another artist; null: the one with the most test solos after the first
    clips_per_source: Annotated[int, Interval(ge=1, le=100)]  # not in mode pairs
    pairs: Annotated[int, Interval(ge=1, le=100)]  # of every two sources, in mode pairs
    pairs_within_family: Annotated[int, Interval(ge=0, le=100)]  # of two solos of one family, in mode pairs
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
    path: Path  # of the whole solo
    chart: str | None  # of a generated solo, or the empty string; None if it is not from a family


@dataclass(frozen=True)
class Plan:
    """The excerpts of each question; `left_out` has notes on missing clips for the person who runs the test."""

    artist: str
    decoy: str | None
    questions: tuple[tuple[Excerpt, ...], ...]
    examples: tuple[Excerpt, ...]
    left_out: tuple[str, ...]

    @property
    def excerpts(self) -> tuple[Excerpt, ...]:
        """The excerpts of all questions."""
        return tuple(excerpt for question in self.questions for excerpt in question)


@dataclass(frozen=True)
class _Solo:
    """A file for taking excerpts, after `skipped_bars` (a prime is not by the model)."""

    name: str
    path: Path
    tune: str
    artist: str
    skipped_bars: int
    chart: str | None = None


def make_plan(augmented: Path, generated: Path, config: BlindTestConfig, seed: int) -> Plan:
    """Choose random excerpts from as many solos as possible, without overlap.

    In mode `pairs` no clip is in two pairs, so that pairs can be resampled as independent.

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
    excerpts: dict[str, list[Excerpt]] = {}
    opponents = sum(map(bool, pools.values())) - 1
    for source, solos in pools.items():
        if not solos:
            left_out.append(f"{source}: no MIDI files that the common synthesizer can render")
            continue
        wanted = config.clips_per_source
        if config.mode == "pairs":
            within = 0 if source in (REAL, DECOY) else 2 * config.pairs_within_family
            wanted = config.pairs * opponents + within
        drawn = _draw(source, solos, wanted, config, seed)
        if source == REAL and not drawn:
            expected, found = f"a test solo of {artist} with {config.seconds:g} seconds of notes", "none"
            remedy = "lower blind_test.seconds or name another blind_test.artist"
            raise InputError(augmented, expected=expected, found=found, remedy=remedy)
        if len(drawn) < wanted:
            left_out.append(f"{source}: {len(drawn)} clips instead of {wanted}; its solos have no more")
        excerpts[source] = drawn
    questions: tuple[tuple[Excerpt, ...], ...]
    if config.mode == "pairs":
        questions = tuple(_pairs(excerpts, config))
    else:
        questions = tuple((excerpt,) for drawn in excerpts.values() for excerpt in drawn)
    training = [solo for split, solo in originals if split == "train" and solo.artist == artist]
    # Only `yes_no` asks for the artist; in the other modes examples would suggest what to prefer.
    examples = _draw(EXAMPLE, training, config.examples if config.mode == "yes_no" else 0, config, seed)
    return Plan(artist, decoy, questions, tuple(examples), tuple(left_out))


def _pairs(excerpts: Mapping[str, Sequence[Excerpt]], config: BlindTestConfig) -> Iterator[tuple[Excerpt, Excerpt]]:
    """Pairs of two solos of one family, then of every two sources, as far as the excerpts last.

    Two generated solos of a pair have the same chart if possible: a model can learn only from a choice between solos
    over the same chords. Therefore pairs of one family choose first.
    """
    left = {source: list(drawn) for source, drawn in excerpts.items()}
    matches = [(source, source) for source in left if source not in (REAL, DECOY)] * config.pairs_within_family
    matches += list(combinations(left, 2)) * config.pairs
    for one, other in matches:
        if left[one] and len(left[other]) > (one == other):
            first = left[one].pop(0)
            second = next((e for e in left[other] if e.chart == first.chart), left[other][0])
            left[other].remove(second)
            yield first, second


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
            yield _Solo(row.solo, files.within(folder, row.path), row.solo, "", row.primed_bars, row.chart)


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
                start = float(_first_notes(score)[bar])
                taken[solo.name].append(start)
                part = _cut(score, bar, start + config.seconds)
                drawn.append(Excerpt(source, solo.name, solo.artist, bar, part, solo.path, solo.chart))
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


def _first_notes(score: Score) -> Floats:
    """Seconds of the first note at or after each bar line, (bars,); infinite after the last note."""
    onsets = np.append(score.seconds_at(score.onsets), np.inf)
    starts: Floats = onsets[np.searchsorted(score.onsets, score.bar_ticks)]
    return starts


def _free_bars(score: Score, skipped: int, taken: Iterable[float], config: BlindTestConfig) -> Iterator[int]:
    """The bars at which an excerpt can start: with a note at the beginning, and without overlap with `taken`.

    A clip starts at its first note, up to `_FIRST_NOTE_SECONDS` after the bar line.
    """
    lines, starts, onsets = score.seconds_at(score.bar_ticks), _first_notes(score), score.seconds_at(score.onsets)
    for bar in range(skipped, len(lines)):
        start, stop = starts[bar], starts[bar] + config.seconds
        if (
            stop <= score.seconds
            and start <= lines[bar] + _FIRST_NOTE_SECONDS
            and np.sum((onsets >= start) & (onsets < stop)) >= _LEAST_NOTES
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
