"""Which excerpts are heard: of the artist's held-out solos, of a decoy's, of what each family has generated."""

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
from yardbird.tables.copies import read_copies
from yardbird.tables.generated import TABLE, GeneratedSolo, read_generated

REAL, DECOY, CHECK, EXAMPLE = "real", "decoy", "check", "example"
VELOCITY = 90  # of every note: dynamics would tell what writes them from what writes none
_LEAST_NOTES = 4  # in an excerpt: fewer are a rest rather than music
_FIRST_NOTE_SECONDS = 0.5  # the latest: silence at the beginning would tell solos that breathe from those that do not


_EVEN = Check(lambda count: count % 2 == 0, "an even number, for as many Yes as No")


@dataclass(frozen=True)
class BlindTestConfig(Settings, section="blind_test"):
    """Section `blind_test` of params.yaml."""

    artist: str | None  # who is asked about; null: the artist with the most test solos
    decoy: str | None  # null: the one with the most test solos after that
    clips_per_source: Annotated[int, Interval(ge=1, le=100)]
    examples: Annotated[int, Interval(ge=0, le=10)]  # of the artist's training solos, to hear beforehand
    attention_checks: Annotated[int, Interval(ge=2, le=20), _EVEN]  # half of them to be answered Yes, half No
    seconds: Annotated[float, Interval(ge=1, le=60)]  # of every clip
    least_seconds: NonNegativeFloat  # to be heard before an answer is taken
    steps_per_beat: PositiveInt | None  # every clip's notes on this grid; null: where they stand in their files
    program: MidiNumber  # the General MIDI instrument of every clip, counted from 0
    comping: bool
    sample_rate: Annotated[int, Interval(ge=8000, le=48000)]
    loudness: Annotated[float, Interval(ge=-40, le=-10)]  # of every clip, LUFS
    requests_per_minute: Annotated[int, Interval(ge=1, le=1_000_000)]  # of one address
    smallest_difference: Annotated[float, Interval(ge=0.01, le=0.5)]  # of two shares: the power to find it is shown

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.least_seconds <= self.seconds, "least_seconds", f"0 to the {self.seconds:g} of seconds")


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a solo that begins at a bar line: `source` is real, decoy, example or the name of a family.

    Its score has one velocity and one tempo.
    """

    source: str
    solo: str
    artist: str
    first_bar: int  # counted from 0, in bars of 4/4 where the file has no meter
    score: Score


@dataclass(frozen=True)
class Plan:
    """What is heard, and why something else is not: `left_out` holds lines to be shown to whoever runs the test."""

    artist: str
    decoy: str | None
    excerpts: tuple[Excerpt, ...]
    examples: tuple[Excerpt, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Solo:
    """A file that excerpts may be taken from, after `skipped_bars` (a prime is not the model's)."""

    name: str
    path: Path
    tune: str
    artist: str
    skipped_bars: int


def make_plan(augmented: Path, generated: Path, config: BlindTestConfig, seed: int) -> Plan:
    """Choose the excerpts by lot, of as many solos as there are, never the same music twice.

    Args:
        augmented: folder of the corpus; real and decoy clips are of its test split, examples of its training split.
        generated: folder of folders, one a family.

    Raises:
        InputError: there is no corpus, nothing was generated, or nothing of the artist is long enough.
        ConfigError: an artist that is named has no test solos.
    """
    originals = list(_originals(augmented))
    tests = [(split, solo) for split, solo in originals if split == "test"]
    artist, decoy = _artists([solo.artist for _, solo in tests], config)
    pools: dict[str, list[_Solo]] = {REAL: [solo for _, solo in tests if solo.artist == artist]}
    if decoy:
        pools[DECOY] = [solo for _, solo in tests if solo.artist == decoy]
    left_out = [] if decoy else ["decoy: the test split holds one artist only"]
    for table in sorted(generated.glob(f"*/{TABLE}")):
        pools[table.parent.name] = list(_generated(table.parent))
    if set(pools) <= {REAL, DECOY}:
        raise InputError(generated, expected="generated solos", found="none", remedy="run the generate stage first")
    excerpts: list[Excerpt] = []
    for source, solos in pools.items():
        if not solos:
            left_out.append(f"{source}: it gives no MIDI files, so that nothing of it can go through the same synth")
            continue
        drawn = _draw(source, solos, config.clips_per_source, config, seed)
        if source == REAL and not drawn:
            expected, found = f"a test solo of {artist} with {config.seconds:g} seconds of notes", "none"
            remedy = "lower blind_test.seconds or name another blind_test.artist"
            raise InputError(augmented, expected=expected, found=found, remedy=remedy)
        if len(drawn) < config.clips_per_source:
            left_out.append(
                f"{source}: {len(drawn)} clips instead of {config.clips_per_source}; its solos hold no more"
            )
        excerpts += drawn
    training = [solo for split, solo in originals if split == "train" and solo.artist == artist]
    examples = _draw(EXAMPLE, training, config.examples, config, seed)
    return Plan(artist, decoy, tuple(excerpts), tuple(examples), tuple(left_out))


def _artists(artists: Sequence[str], config: BlindTestConfig) -> tuple[str, str | None]:
    """Who is asked about, and the decoy; both named, or the most frequent of the test split."""
    ranked = sorted(Counter(artists).items(), key=lambda item: (-item[1], item[0]))
    for key, name in (("artist", config.artist), ("decoy", config.decoy)):
        if name is not None and name not in artists:
            found = f"{name!r}, the test split holds {', '.join(name for name, _ in ranked)}"
            raise ConfigError(PARAMS, f"blind_test.{key}", expected="an artist with test solos", found=found)
    artist = config.artist or next(name for name, _ in ranked if name != config.decoy or len(ranked) == 1)
    if artist == config.decoy:
        raise ConfigError(PARAMS, "blind_test.decoy", expected="another than the artist", found=repr(artist))
    return artist, config.decoy or next((name for name, _ in ranked if name != artist), None)


def _originals(augmented: Path) -> Iterator[tuple[str, _Solo]]:
    """(split, solo) of everything that is no transposed copy."""
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
    """Up to `count` excerpts by lot: of each tune, then of other takes, then second ones, which do not overlap."""
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
    """The score on the common grid, velocity and instrument: none of them may tell who wrote it.

    In full bars, for a clip that may begin on any beat would tell what has no meter.
    """
    score = in_full_bars(score)
    score = quantise(score, config.steps_per_beat).score if config.steps_per_beat else score
    notes = score.notes.copy()
    notes["velocity"] = VELOCITY
    return replace(score, notes=notes, program=config.program)


def _full_bars(score: Score, bars: int) -> int:
    """The index of the first full bar after so many of the file's own."""
    ticks = np.append(score.bar_ticks, score.end_tick)
    return int(np.searchsorted(in_full_bars(score).bar_ticks, ticks[min(bars, score.bar_count)]))


def _free_bars(score: Score, skipped: int, taken: Iterable[float], config: BlindTestConfig) -> Iterator[int]:
    """The bars that begin with a note, and from which nothing has been taken yet."""
    starts, onsets = score.seconds_at(score.bar_ticks), score.seconds_at(score.onsets)
    for bar in range(skipped, len(starts)):
        start, stop = starts[bar], starts[bar] + config.seconds
        heard = onsets[(onsets >= start) & (onsets < stop)]
        if (
            stop <= score.seconds
            and len(heard) >= _LEAST_NOTES
            and heard[0] <= start + _FIRST_NOTE_SECONDS
            and all(abs(start - other) >= config.seconds for other in taken)
            and not (config.comping and score.chord_index_of(score.bar_ticks[bar : bar + 1])[0] < 0)
        ):
            yield bar


def _cut(score: Score, bar: int, stop_seconds: float) -> Score:
    """From a bar line to the first one at or after `stop_seconds`, or to the end; at its mean tempo throughout.

    A tempo that moves from bar to bar would tell a transcription from what is written at one tempo.
    """
    ends = np.append(score.bar_ticks[bar + 1 :], score.end_tick)
    after = ends[score.seconds_at(ends) >= stop_seconds - 1e-9]
    excerpt = cut(score, int(score.bar_ticks[bar]), int(after[0] if len(after) else score.end_tick))
    return replace(excerpt, tempos=(Tempo(0, excerpt.mean_qpm),))
