"""Solos of an exact number of bars: drawn token by token under a grammar, decoded, checked, and written.

Drawing and writing know nothing of the model: anything that continues token sequences under constraints will do, a
neural family as well as the n-gram baseline.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from yardbird import files
from yardbird.audio.synth import render
from yardbird.audio.wave import write_wave
from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import InputError
from yardbird.generation import pianoroll
from yardbird.generation.orders import GenerateConfig, Order, check_artist
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import write_score
from yardbird.music.score import Score, Tempo
from yardbird.nn.sampling import Constraint, Sampling
from yardbird.seeds import derive_seed

_COLUMNS = ("solo", "path", "chart", "prime", "bars", "primed_bars", "notes", "key", "qpm", "seed", "index")


class Generate(Protocol):
    """Continues each prime until its constraint is finished; row i depends on the seed and on i."""

    def __call__(
        self,
        primes: Sequence[Tokens],
        constraints: Sequence[Constraint],
        sampling: Sampling,
        seed: int,
        max_tokens: int,
        /,
    ) -> Sequence[Tokens]: ...


@dataclass(frozen=True)
class Solo:
    """A drawn solo: what was asked, its tokens, and the grid score they stand for; `index` is its row in the batch."""

    order: Order
    index: int
    tokens: Tokens
    score: Score

    @property
    def primed_bars(self) -> int:
        return self.order.prime.bars if self.order.prime else 0


def draw(
    generate: Generate, codec: EventCodec, orders: Sequence[Order], config: GenerateConfig, seed: int
) -> list[Solo]:
    """Draw all orders in one batch.

    Raises:
        InputError: an order cannot be met, e.g. its prime is in another meter than its chart, or begins with a pickup
            over one: a chart has whole bars only.
    """
    check_artist(codec, config.artist)
    for order in orders:
        if order.prime and order.prime.bars >= config.bars:
            expected, found = f"a prime of less than {config.bars} bars", f"{order.prime.bars}"
            raise InputError(order.prime.file, expected=expected, found=found, remedy="ask for more bars")
        if order.prime and order.prime.has_pickup and order.sheet:
            expected, found = "a prime of whole bars where there is a chart", "a pickup"
            remedy = "cut the pickup off, or use the prime or the chart alone"
            raise InputError(order.prime.file, expected=expected, found=found, remedy=remedy)
    constraints = [_grammar(codec, order, config) for order in orders]
    primes = [_prime(codec, order, config.artist) for order in orders]
    # Per step at most a position, three chord tokens, pitch, velocity, a duration; then what each bar may open with.
    limit = 8 + config.bars * (7 * int(codec.meter_steps.max()) + 3)
    with tqdm(total=config.bars * len(orders), desc=f"drawing {len(orders)} solos", unit="bar", leave=False) as bar:
        watched = [_Watched(constraint, codec.ids("Bar").start, bar) for constraint in constraints]
        rows = generate(primes, watched, config.sampling, derive_seed(seed, "generate"), limit)
    solos = []
    for index, (order, tokens) in enumerate(zip(orders, rows, strict=True)):
        assert tokens[-1] == codec.eos_id, "the limit is above what the grammar lets pass"
        solo = Solo(order, index, tokens, _as_ordered(codec.decode(tokens), order, config))
        assert not faults(solo, config), f"the grammar lets pass, in {order.name}: {'; '.join(faults(solo, config))}"
        solos.append(solo)
    return solos


def faults(solo: Solo, config: GenerateConfig) -> list[str]:
    """What is wrong with a drawn solo; nothing, as long as the grammar holds. A prime's own bars are not judged."""
    score, order = solo.score, solo.order
    start = int(score.bar_ticks[solo.primed_bars]) if solo.primed_bars else 0
    pitches = score.pitches[score.onsets >= start]
    low, high = config.pitch_range
    found = []
    if score.bar_count != config.bars or score.end_tick != _whole_bars_end(score):
        found.append(f"{score.bar_count} bars")
    if not score.is_monophonic or np.any(score.durations < 1):
        found.append("not monophonic")
    if len(pitches) and not (pitches.min() >= low and pitches.max() <= high):
        found.append(f"pitches {pitches.min()} to {pitches.max()}")
    if np.any(score.offsets > score.end_tick):
        found.append("a last note that does not end")
    if order.sheet is not None:
        expected = order.sheet.chord_changes(score.ticks_per_beat, config.bars)
        if [c for c in score.chords if c.tick >= start] != [c for c in expected if c.tick >= start]:
            found.append("other chords than the chart's")
    return found


def write_solos(
    solos: Sequence[Solo], folder: Path, config: GenerateConfig, seed: int, model: Mapping[str, Any]
) -> None:
    """Replace `folder` by the solos, each as .mid, .wav, .png and .json under its name, and a manifest.csv.

    Args:
        model: what is known of the model, for the provenance: family, hash, training data.
    """
    rows = []
    with files.replacing_folder(folder) as draft:
        for solo in tqdm(solos, desc="writing solos", unit="solo", leave=False):
            write_solo(solo, draft / solo.order.name, config, seed, model)
            rows.append(_row(solo, seed))
        files.write_csv(draft / "manifest.csv", _COLUMNS, rows)


def write_solo(solo: Solo, stem: Path, config: GenerateConfig, seed: int, model: Mapping[str, Any]) -> None:
    """Write stem.mid, stem.wav, stem.png and stem.json; a dot in the stem is part of the name."""
    score, order = solo.score, solo.order
    title = f"{_tune(order)} · {Path(order.name).name.replace('_', ' ')}"
    write_score(score, stem.with_name(f"{stem.name}.mid"))
    write_wave(render(score, comping=config.comping), stem.with_name(f"{stem.name}.wav"))
    pianoroll.draw(score, stem.with_name(f"{stem.name}.png"), title=title, primed_bars=solo.primed_bars)
    prime = order.prime and {
        "file": order.prime.file.name,
        "sha256": files.sha256(order.prime.file),
        "bars": order.prime.bars,
    }
    provenance = {
        **_row(solo, seed),
        "model": model,
        "settings": asdict(config),
        "chart": order.sheet and order.sheet.text(),
        "prime": prime,
    }
    files.write_json(stem.with_name(f"{stem.name}.json"), provenance)


def _row(solo: Solo, seed: int) -> dict[str, Any]:
    score, order = solo.score, solo.order
    return {
        "solo": order.name,
        "path": f"{order.name}.mid",
        "chart": order.sheet.title if order.sheet else "",
        "prime": order.prime.file.name if order.prime else "",
        "bars": score.bar_count,
        "primed_bars": solo.primed_bars,
        "notes": len(score.notes),
        "key": str(score.key or ""),
        "qpm": round(score.mean_qpm, 3),
        "seed": seed,
        "index": solo.index,
    }


def _tune(order: Order) -> str:
    if order.sheet:
        return order.sheet.title or Path(order.name).parts[0].replace("_", " ")
    return f"After {order.prime.file.stem.replace('_', ' ')}" if order.prime else "Free solo"


def _grammar(codec: EventCodec, order: Order, config: GenerateConfig) -> EventGrammar:
    sheet = order.sheet
    return EventGrammar(
        codec,
        bars=config.bars,
        pitch_range=config.pitch_range,
        chords=sheet.chord_changes(codec.steps_per_beat, config.bars) if sheet else None,
        meter=(sheet.meter.numerator, sheet.meter.denominator) if sheet else (4, 4),
        qpm=_qpm(order, config),
        artist=config.artist,
    )


def _prime(codec: EventCodec, order: Order, artist: str | None) -> Tokens:
    if order.prime is None:
        return np.array([codec.bos_id], dtype=np.uint16)
    return codec.prime(order.prime.score, order.prime.bars, artist)


def _as_ordered(score: Score, order: Order, config: GenerateConfig) -> Score:
    """What tokens cannot hold: the key (the chart's, else the prime's, else the likeliest), the tempo between bins."""
    key = (order.sheet and order.sheet.key) or (order.prime and order.prime.score.key)
    score = replace(score, key=key or (estimate_key(score.notes) if len(score.notes) else None))
    qpm = _qpm(order, config)
    return replace(score, tempos=(Tempo(0, qpm),)) if qpm and not order.prime else score


def _qpm(order: Order, config: GenerateConfig) -> float | None:
    return (order.sheet and order.sheet.qpm) or config.qpm


def _whole_bars_end(score: Score) -> int:
    return int(score.bar_ticks[-1]) + score.meters[-1].bar_ticks(score.ticks_per_beat)


class _Watched:
    """A constraint that moves a progress bar on at every bar line."""

    def __init__(self, constraint: Constraint, bar_id: int, progress: "tqdm[Any]") -> None:
        self._constraint, self._bar_id, self._progress = constraint, bar_id, progress

    @property
    def finished(self) -> bool:
        return self._constraint.finished

    def allowed(self) -> NDArray[np.bool_]:
        return self._constraint.allowed()

    def advance(self, token: int) -> None:
        self._constraint.advance(token)
        if token == self._bar_id:
            self._progress.update()
