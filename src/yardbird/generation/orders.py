"""What solos are asked for: how many, over which changes, continuing which opening."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from yardbird.codecs.events import EventCodec
from yardbird.config import PARAMS
from yardbird.data.reading import load_midi
from yardbird.errors import ConfigError, InputError
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.music.midi import SUFFIXES
from yardbird.music.score import Score
from yardbird.nn.sampling import Sampling


@dataclass(frozen=True)
class GenerateConfig:
    """Section `generate` of params.yaml."""

    bars: int  # of every solo, a prime included
    free: int  # solos without a chart: they choose their own changes, or have none
    solos_per_chart: int
    charts: str  # folder of .txt charts, and of MIDI files whose chords are the chart and whose opening is the prime
    prime_bars: int  # taken from such a MIDI file; 0: its chords only
    temperature: float  # 0: always the likeliest token
    top_k: int | None
    top_p: float | None
    min_p: float | None
    qpm: float | None  # where neither chart nor prime has one; null: the model chooses, or 200 where it has no say
    artist: str | None  # whose style, where the model knows artists; null: the model chooses
    best_of: int  # so many are drawn for every solo, and the one most like the judge's player is kept; 1: no choice
    lowest_pitch: int
    highest_pitch: int
    comping: bool  # a quiet piano and bass in the .wav

    def __post_init__(self) -> None:
        for key, low in (("bars", 1), ("free", 0), ("solos_per_chart", 0), ("prime_bars", 0), ("best_of", 1)):
            if getattr(self, key) < low:
                raise ConfigError(PARAMS, f"generate.{key}", expected=f"{low} or more", found=str(getattr(self, key)))
        if not 0 <= self.lowest_pitch < self.highest_pitch <= 127:
            found = f"{self.lowest_pitch} to {self.highest_pitch}"
            raise ConfigError(PARAMS, "generate.lowest_pitch", expected="a range of MIDI pitches", found=found)
        if self.qpm is not None and not 20 <= self.qpm <= 500:
            raise ConfigError(PARAMS, "generate.qpm", expected="20 to 500", found=str(self.qpm))
        self.sampling  # noqa: B018  # checks temperature, top_k, top_p and min_p

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.temperature, self.top_k, self.top_p, self.min_p)

    @property
    def pitch_range(self) -> tuple[int, int]:
        return self.lowest_pitch, self.highest_pitch


@dataclass(frozen=True)
class Prime:
    """The opening of a solo, to be continued: its first `bars` bars; a pickup is one of them."""

    file: Path
    score: Score
    bars: int
    has_pickup: bool = False


@dataclass(frozen=True)
class Filled:
    """A solo in which bars, counted from 0, are drawn anew."""

    file: Path
    bars: tuple[range, ...]

    @property
    def ranges(self) -> list[str]:
        """The bars as users write them, counted from 1: `9-12`, `5`."""
        return [f"{bars.start + 1}-{bars.stop}" if len(bars) > 1 else f"{bars.stop}" for bars in self.bars]


@dataclass(frozen=True)
class Order:
    """One solo to be drawn; without a lead sheet, and if none is filled, it chooses its own changes or has none."""

    name: str  # "<chart or free>/solo_000": where it is written
    sheet: LeadSheet | None = None
    prime: Prime | None = None
    filled: Filled | None = None


def plan(config: GenerateConfig) -> list[Order]:
    """The orders of the generate stage: free ones, then those over each chart of the folder, by name.

    Raises:
        InputError: a chart is unusable, the folder is missing, two files (or free solos and one) would give solos of
            one name, or nothing is asked for.
    """
    folder = Path(config.charts)
    if not folder.is_dir():
        raise InputError(folder, expected="a folder of charts", found="no folder", remedy="mend generate.charts")
    orders = numbered("free", config.free)
    if config.solos_per_chart:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in (".txt", *SUFFIXES):
                primed = config.prime_bars and path.suffix.lower() in SUFFIXES
                prime = read_prime(path, config.prime_bars) if primed else None
                orders += numbered(path.stem, config.solos_per_chart, changes(path, prime), prime)
    if not orders:
        raise InputError(folder, expected="a chart, or free solos", found="neither", remedy="raise generate.free")
    name, uses = Counter(order.name.casefold() for order in orders).most_common(1)[0]
    if uses > 1:
        group, remedy = name.rpartition("/")[0], "rename a file, or set generate.free to 0"
        raise InputError(folder, expected="a name of its own for each chart", found=f"two of {group!r}", remedy=remedy)
    return orders


def numbered(group: str, count: int, sheet: LeadSheet | None = None, prime: Prime | None = None) -> list[Order]:
    """Orders that differ in their number alone."""
    return [Order(f"{group}/solo_{number:03d}", sheet, prime) for number in range(count)]


def changes(chart: Path, prime: Prime | None) -> LeadSheet:
    """The lead sheet in a file; bar 1 is the prime's own where both are one file, whose empty first bars it lacks.

    Raises:
        InputError: as `read_lead_sheet`.
    """
    if prime and chart.resolve() == prime.file.resolve():
        return LeadSheet.from_score(prime.score, chart.stem)
    return read_lead_sheet(chart)


def read_prime(path: Path, bars: int) -> Prime:
    """The first `bars` bars of the solo in a MIDI file, and its pickup before them.

    Raises:
        InputError: the file is missing, holds no solo, or has fewer bars.
    """
    if not path.is_file():
        raise InputError(path, expected="a MIDI file", found="no such file", remedy="mend the path")
    score = load_midi(path)
    meters, ticks = score.meters, score.ticks_per_beat
    pickup = len(meters) > 1 and meters[1].tick == meters[0].bar_ticks(ticks) < meters[1].bar_ticks(ticks)
    if score.bar_count < bars + pickup:
        found = f"{score.bar_count}"
        raise InputError(path, expected=f"at least {bars} bars", found=found, remedy="prime with fewer bars")
    return Prime(path, score, bars + pickup, pickup)


def check_artist(codec: EventCodec, artist: str | None) -> None:
    """Refuse an artist whom the model does not know: it would be taken for an unknown one."""
    if artist is not None and artist not in codec.artists:
        known = ", ".join(codec.artists)
        raise InputError(artist, expected=f"one of the artists {known}", found="another", remedy="choose one of them")
