"""The tab Solo: draws a solo over a chart, another one, more choruses of it, or new bars inside it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from yardbird import files
from yardbird.config import read_section
from yardbird.engraving.sheet_musicxml import as_musicxml
from yardbird.errors import ConfigError, InputError
from yardbird.generation.bars_to_fill import Filling, read_filling
from yardbird.generation.best_of import draw_best
from yardbird.generation.fill import fill
from yardbird.generation.leadsheet import LeadSheet
from yardbird.generation.orders import Filled, GenerateConfig, Order, Prime
from yardbird.generation.solos import Solo, write_solo
from yardbird.generation.source import source_of
from yardbird.models.family_kinds import TokenFamily
from yardbird.report.coloured_sheet import concert_sheet, draw_coloured
from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.studio_session import MOST_BARS, Session

CHARTS, JUDGES = Path("data/charts"), Path("data/judges")
MOST_RANGES = 100  # characters of bars to fill, such as 5-8
_FREE_BARS = 16  # of a chorus without a chart
_SUFFIXES = (".txt", ".cho", ".crd", ".chopro", ".chordpro", ".pro")


@dataclass(frozen=True)
class Wish:
    """What a visitor requests; None or an empty text: the model or the chart decides."""

    model: str | None
    chart: str = ""
    artist: str | None = None
    qpm: float | None = None
    choruses: int = 2
    temperature: float = 1.0
    candidates: int = 1
    drums: bool = False
    count_in: bool = True
    seed: int | None = None

    @property
    def sheet(self) -> LeadSheet | None:
        """The changes, at the tempo of the wish.

        Raises:
            InputError: the chart is malformed or too long.
        """
        if not self.chart.strip():
            return None
        sheet = LeadSheet.parse(self.chart, "chart")
        return replace(sheet, qpm=self.qpm) if self.qpm else sheet

    def settings(self) -> GenerateConfig:
        """Section `generate` of params.yaml with the values of the wish.

        Raises:
            InputError: a value is invalid.
        """
        options: dict[str, Any] = {
            "artist": self.artist or None, "qpm": self.qpm or None, "temperature": float(self.temperature),
            "best_of": self.candidates, "drums": self.drums, "count_in": self.count_in,
        }  # fmt: skip
        default = read_section("generate", GenerateConfig)
        try:
            return replace(default, **options)
        except ConfigError as error:
            name = error.key.rpartition(".")[2]
            raise InputError(name, expected=error.expected, found=error.found, remedy="change it") from None


@dataclass(frozen=True, eq=False)
class Take:
    """A drawn solo with everything that is needed to draw another one like it.

    Attributes:
        made: how it was made, in words: `drawn`, `continued` or `bars 5-8 filled`.
        filling: the solo and its gaps, if bars were filled.
        start_tick: where its new part begins; quotations are looked for after it.
    """

    wish: Wish
    solo: Solo
    settings: GenerateConfig
    seed: int
    provenance: Mapping[str, Any]
    made: str
    filling: Filling | None = None
    start_tick: int = 0

    @property
    def name(self) -> str:
        return self.solo.order.name

    @property
    def title(self) -> str:
        sheet = self.solo.order.sheet
        return (sheet.title if sheet else "") or "Free solo"


def examples() -> dict[str, str]:
    """The charts of data/charts: title → text; unreadable ones are left out."""
    found = {}
    for path in sorted(path for path in CHARTS.glob("*") if path.suffix.lower() in _SUFFIXES):
        with suppress(InputError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
            found[LeadSheet.parse(text).title or path.stem.replace("_", " ")] = text
    return found


def play(shelf: ModelShelf, session: Session, wish: Wish) -> Take:
    """Draw a solo.

    Raises:
        InputError: the chart, a value or the model is unusable, or the solo would be too long.
    """
    sheet = wish.sheet
    bars = (len(sheet.bars) if sheet else _FREE_BARS) * max(1, wish.choruses)
    _check_bars(bars)
    order = Order(session.new_name((sheet.title if sheet else "") or "free solo"), bars, sheet)
    return _drawn(shelf, wish, order, new_seed(wish.seed), "drawn")


def again(shelf: ModelShelf, session: Session, take: Take) -> Take:
    """Another solo of the same order: over the same chart, from the same opening, or with the same bars filled."""
    name, seed = session.new_name(take.title), new_seed()
    if take.filling:
        return _filled(shelf, take, take.filling, name, seed)
    return _drawn(shelf, take.wish, replace(take.solo.order, name=name), seed, take.made)


def continue_(shelf: ModelShelf, session: Session, take: Take) -> Take:
    """The same solo with another chorus.

    Raises:
        InputError: it would be too long.
    """
    order, score = take.solo.order, take.solo.score
    bars = score.bar_count + (len(order.sheet.bars) if order.sheet else _FREE_BARS)
    _check_bars(bars)
    prime = Prime(session.put_in(score, take.name).path, score, score.bar_count)
    longer = Order(session.new_name(take.title), bars, order.sheet, prime)
    return _drawn(shelf, take.wish, longer, new_seed(), "continued")


def fill_bars(shelf: ModelShelf, session: Session, take: Take, ranges: str) -> Take:
    """The same solo with new notes in some bars, such as `5-8`.

    Raises:
        InputError: the bars are outside the solo, or no model fills bars.
    """
    if not len(take.solo.score.notes):
        raise InputError("solo", expected="notes", found="no notes", remedy="draw another one")
    if len(ranges) > MOST_RANGES:
        expected, found = f"at most {MOST_RANGES} characters", f"{len(ranges):,}"
        raise InputError("bars to fill", expected=expected, found=found, remedy="fill fewer ranges")
    base = session.put_in(take.solo.score, take.name)
    try:
        filling = read_filling(base.path, [ranges])
    except InputError as error:
        expected = error.expected.replace(f" of {base.path.name}", "")
        raise InputError("bars to fill", expected=expected, found=error.found, remedy=error.remedy) from None
    return _filled(shelf, take, filling, session.new_name(take.title), new_seed())


def keep(session: Session, take: Take) -> None:
    """Write the solo to the session: .mid, .wav, piano roll .png, .musicxml, notation .svg and provenance .json."""
    stem = session.folder / take.name
    write_solo(take.solo, stem, take.settings, take.seed, take.provenance, {"by": "studio"})
    sheet = concert_sheet(take.solo.score, take.title)
    for suffix, text in {".musicxml": as_musicxml(sheet), ".svg": draw_coloured(sheet)}.items():
        files.write_text(stem.with_name(f"{stem.name}{suffix}"), text)
    session.keep(take.name, {"made": take.made, "asked": asdict(take.wish)})


def _drawn(shelf: ModelShelf, wish: Wish, order: Order, seed: int, made: str) -> Take:
    opened = shelf.note_model(wish.model)
    source = source_of(opened.family, opened.provenance)
    settings = wish.settings()
    (solo,) = draw_best(source.draw, [order], settings, seed, JUDGES)
    start = int(np.append(solo.score.bar_ticks, solo.score.end_tick)[solo.primed_bars])
    return Take(wish, solo, settings, seed, source.provenance, made, start_tick=start)


def _filled(shelf: ModelShelf, take: Take, filling: Filling, name: str, seed: int) -> Take:
    opened = shelf.filler(take.wish.model or "")
    assert isinstance(opened.family, TokenFamily)
    settings = take.wish.settings()
    if settings.artist not in opened.family.codec.artists:
        settings = replace(settings, artist=None)
    (score,) = fill(opened.family, filling, 1, settings, seed)
    filled = Filled(filling.file, filling.gaps)
    order = Order(name, score.bar_count, take.solo.order.sheet, filled=filled)
    made = f"bars {', '.join(filled.ranges)} filled"
    return replace(take, solo=Solo(order, 0, score), settings=settings, seed=seed, provenance=opened.provenance,
                   made=made, filling=filling, start_tick=0)  # fmt: skip


def new_seed(seed: int | None = None) -> int:
    """The seed, or a random one."""
    return int(np.random.default_rng().integers(1 << 31)) if seed is None else seed


def _check_bars(bars: int) -> None:
    if bars > MOST_BARS:
        raise InputError("bars", expected=f"at most {MOST_BARS}", found=str(bars), remedy="request fewer choruses")
