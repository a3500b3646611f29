"""Orders for solos: how many to draw, over which changes, continuing which opening."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

from annotated_types import Interval

from yardbird import files
from yardbird.config import (
    Check,
    MidiNumber,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    PositiveShare,
    Settings,
)
from yardbird.data.readers import SUFFIXES, file_and_number, piece_numbers, stem_of
from yardbird.data.reading import load_midi
from yardbird.errors import InputError
from yardbird.generation.charts.chart_bars import MOST_BARS
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.music.keyfinding import estimate_key
from yardbird.music.pitch import Key, Mode
from yardbird.music.score import Score
from yardbird.seeds import generator

if TYPE_CHECKING:  # torch is imported where sampling starts, after a command has checked its arguments
    from yardbird.nn.sampling import Sampling

_TEXT_CHARTS = (".txt", ".cho", ".crd", ".chopro", ".chordpro", ".pro")  # plain, iReal Pro links, ChordPro


def _is_key(name: str) -> bool:
    try:
        Key.parse(name)
    except ValueError:
        return False
    return True


_Bars = Annotated[int, Interval(ge=1, le=MOST_BARS)]
_Candidates = Annotated[int, Interval(ge=1, le=1024)]
_Tokens = Annotated[int, Interval(ge=1, le=1_000_000)]  # more than any vocabulary has
_KEY_NAME = Check(_is_key, "a key such as Bb major or D minor")


@dataclass(frozen=True)
class GenerateConfig(Settings, section="generate"):
    """Section `generate` of params.yaml."""

    bars: _Bars  # of every solo, including a prime; over a chart see `whole_choruses`
    whole_choruses: bool  # over a chart: the number of whole choruses nearest to `bars`; false: exactly `bars`
    free: NonNegativeInt  # solos without a chart: the model draws the changes, or there are none
    solos_per_chart: NonNegativeInt
    measured: PositiveInt  # solos that are evaluated: those above, then more of the same kinds
    charts: str  # folder of text charts and music files: chords are the chart, the opening is the prime
    prime_bars: NonNegativeInt  # length of a music file's prime; 0: use its chords only
    temperature: NonNegativeFloat  # 0: greedy decoding
    top_k: _Tokens | None
    top_p: PositiveShare | None
    min_p: PositiveShare | None
    qpm: Annotated[float, Interval(ge=20, le=500)] | None  # if nothing else gives it; null: drawn, or 200
    artist: str | None  # style, if the model is conditioned on artists; null: the model draws one
    free_chorus: PositiveInt | None  # bars after which drawn changes repeat, without a prime; null: never
    key: Annotated[str, _KEY_NAME] | None  # of a free solo's changes; null: the prime's, else at random
    int8: bool  # draw tokens with weights rounded to 8 bits (see `yardbird.nn.compiled_decoder`)
    best_of: _Candidates  # candidates per solo; the best by style, harmony and originality is kept; 1: no choice
    lowest_pitch: MidiNumber
    highest_pitch: MidiNumber
    comping: bool  # a quiet piano and bass in the .wav
    drums: bool  # a quiet ride cymbal and hi-hat in the .wav
    count_in: bool  # a bar of beats before the solo in the .wav

    def __post_init__(self) -> None:
        super().__post_init__()
        below = f"below the highest_pitch {self.highest_pitch}"
        self.require(self.lowest_pitch < self.highest_pitch, "lowest_pitch", below)

    @property
    def sampling(self) -> "Sampling":
        from yardbird.nn.sampling import Sampling

        return Sampling(self.temperature, self.top_k, self.top_p, self.min_p)

    @property
    def free_key(self) -> Key | None:
        return None if self.key is None else Key.parse(self.key)

    @property
    def pitch_range(self) -> tuple[int, int]:
        return self.lowest_pitch, self.highest_pitch


@dataclass(frozen=True)
class Prime:
    """The opening of a solo to continue: its first `bars` bars, including a pickup."""

    file: Path
    score: Score
    bars: int
    has_pickup: bool = False


@dataclass(frozen=True)
class Filled:
    """A solo in which some bars, counted from 0, were replaced by drawn ones."""

    file: Path
    bars: tuple[range, ...]

    @property
    def ranges(self) -> list[str]:
        """The bars as users write them, counted from 1: `9-12`, `5`."""
        return [f"{bars.start + 1}-{bars.stop}" if len(bars) > 1 else f"{bars.stop}" for bars in self.bars]


@dataclass(frozen=True)
class Order:
    """One solo to draw. Without a lead sheet (and not `filled`), the model draws its changes, or it has none."""

    name: str  # "<chart or free>/solo_000": its path without suffix
    bars: int  # its exact length, including a prime
    sheet: LeadSheet | None = None
    prime: Prime | None = None
    filled: Filled | None = None


def plan(config: GenerateConfig) -> list[Order]:
    """The orders of the generate stage: the free ones, then those over each chart of the folder, sorted by name.

    Raises:
        InputError: a chart is unusable, the folder is missing, two files (or a file and the free solos) have the
        same name, or there is nothing to draw.
    """
    folder = Path(config.charts)
    if not folder.is_dir():
        raise InputError(folder, expected="a folder of charts", found="no folder", remedy="correct generate.charts")
    orders = numbered("free", config.free, config)
    if config.solos_per_chart:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in _TEXT_CHARTS:
                orders += numbered(path.stem, config.solos_per_chart, config, changes(path, None))
            elif path.suffix.lower() in SUFFIXES:
                for number in piece_numbers(path):
                    piece = path.with_name(f"{path.name}#{number}") if number else path
                    prime = read_prime(piece, config.prime_bars) if config.prime_bars else None
                    orders += numbered(stem_of(piece), config.solos_per_chart, config, changes(piece, prime), prime)
    if not orders:
        raise InputError(folder, expected="a chart, or free solos", found="neither", remedy="raise generate.free")
    name, uses = Counter(order.name.casefold() for order in orders).most_common(1)[0]
    if uses > 1:
        group, remedy = name.rpartition("/")[0], "rename a file, or set generate.free to 0"
        raise InputError(folder, expected="a different name for each chart", found=f"two of {group!r}", remedy=remedy)
    return orders


def numbered(
    group: str, count: int, config: GenerateConfig, sheet: LeadSheet | None = None, prime: Prime | None = None
) -> list[Order]:
    """`count` orders that differ only in their number."""
    bars = length_bars(config, sheet)
    return [Order(f"{group}/solo_{number:03d}", bars, sheet, prime) for number in range(count)]


def length_bars(config: GenerateConfig, sheet: LeadSheet | None) -> int:
    """The length of a solo in bars: `config.bars`, or over a chart the number of whole choruses nearest to it.

    There is at least one chorus; halfway between two lengths the longer one is taken. The changes of a music file count
    as one chorus, even if they repeat.
    """
    if sheet is None or not config.whole_choruses:
        return config.bars
    chorus = len(sheet.bars)
    return max(1, (2 * config.bars + chorus) // (2 * chorus)) * chorus


def repeated(orders: Sequence[Order], count: int) -> list[Order]:
    """The orders, then copies of each in turn until there are `count`; the numbers of each group continue.

    The first ones keep their positions, so that their solos do not depend on `count`.
    """
    used = Counter(_group(order) for order in orders)
    more = []
    for order in islice(cycle(orders), max(0, count - len(orders))):
        group = _group(order)
        more.append(replace(order, name=f"{group}/solo_{used[group]:03d}"))
        used[group] += 1
    return [*orders, *more]


def orders_hash(orders: Sequence[Order]) -> str:
    """A hash of everything in the orders of a batch that its solos depend on."""
    rows = [
        {
            "solo": order.name,
            "bars": order.bars,
            "chart": order.sheet and order.sheet.text(),
            "prime": order.prime and [files.sha256(file_and_number(order.prime.file)[0]), order.prime.bars],
        }
        for order in orders
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _group(order: Order) -> str:
    return order.name.rpartition("/")[0]


def changes(chart: Path, prime: Prime | None) -> LeadSheet:
    """The lead sheet in a file. If the prime is from the same file, the chart starts at the prime's first bar.

    The two differ because reading a prime drops empty first bars.

    Raises:
        InputError: as `read_lead_sheet`.
    """
    if prime and chart.resolve() == prime.file.resolve():
        return LeadSheet.from_score(prime.score, stem_of(chart))
    return read_lead_sheet(chart)


def read_prime(path: Path, bars: int, part: str = "") -> Prime:
    """The first `bars` bars of the solo in a file, preceded by its pickup.

    Args:
        part: the part with the solo, as in `load_midi`.

    Raises:
        InputError: the file is missing, has no solo or no such part, or has fewer bars.
    """
    score = load_midi(path, part)
    meters, ticks = score.meters, score.ticks_per_beat
    pickup = len(meters) > 1 and meters[1].tick == meters[0].bar_ticks(ticks) < meters[1].bar_ticks(ticks)
    if score.bar_count < bars + pickup:
        found = f"{score.bar_count}"
        raise InputError(path, expected=f"at least {bars} bars", found=found, remedy="prime with fewer bars")
    return Prime(path, score, bars + pickup, pickup)


def key_of_changes(order: Order, config: GenerateConfig, seed: int, index: int) -> Key | None:
    """The key for the changes that the model draws for solo `index` of a batch; None over a chart.

    It is the key of the settings, else the prime's, else one of the 24 at random.
    """
    if order.sheet:
        return None
    prime = order.prime and (order.prime.score.key or estimate_key(order.prime.score.notes))
    keys = [Key(tonic, mode) for mode in get_args(Mode) for tonic in range(12)]
    return config.free_key or prime or keys[int(generator(seed, "key", index).integers(len(keys)))]


def check_orders(orders: Sequence[Order]) -> None:
    """Reject primes that cannot be continued as ordered.

    Raises:
        InputError: a prime leaves no bar to draw, or has a pickup although there is a chart, which has whole bars only.
    """
    for order in orders:
        if order.prime and order.prime.bars >= order.bars:
            expected, found = f"a prime of less than {order.bars} bars", f"{order.prime.bars}"
            raise InputError(order.prime.file, expected=expected, found=found, remedy="request more bars")
        if order.prime and order.prime.has_pickup and order.sheet:
            expected, found = "a prime of whole bars where there is a chart", "a pickup"
            remedy = "cut the pickup off, or use the prime or the chart alone"
            raise InputError(order.prime.file, expected=expected, found=found, remedy=remedy)


def check_artist(known: Sequence[str], artist: str | None) -> None:
    """Reject an artist the model was not trained on, which it would treat as an unknown artist."""
    if artist is not None and artist not in known:
        names = ", ".join(known)
        raise InputError(artist, expected=f"one of the artists {names}", found="another", remedy="choose one of them")
