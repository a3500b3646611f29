"""Draws solos token by token, under a grammar that allows only legal tokens.

It accepts any model that continues token sequences under constraints: a neural family or the n-gram baseline.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import counted
from yardbird.generation.orders import GenerateConfig, Order, check_artist, check_orders, key_of_changes
from yardbird.generation.solos import Solo, finished, requested_qpm
from yardbird.music.pitch import Key
from yardbird.nn.sampling import Constraint, Sampling
from yardbird.progress import progress
from yardbird.seeds import derive_seed


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


def draw(
    generate: Generate, codec: EventCodec, orders: Sequence[Order], config: GenerateConfig, seed: int
) -> list[Solo]:
    """Draw all orders in one batch.

    Raises:
        InputError: an order cannot be met: as for `check_orders`, its prime and its chart differ in meter, or the model
        was not trained on the artist.
    """
    check_artist(codec.artists, config.artist)
    check_orders(orders)
    keys = [key_of_changes(order, config, seed, index) for index, order in enumerate(orders)]
    constraints = [_grammar(codec, order, config, key) for order, key in zip(orders, keys, strict=True)]
    primes = [_prime(codec, order, config.artist) for order in orders]
    limit = token_limit(codec, max((order.bars for order in orders), default=0))
    total = sum(order.bars for order in orders)
    with progress(total=total, doing=f"drawing {counted(len(orders), 'solo')}", unit="bar") as bar:
        bar_id = codec.ids("Bar").start
        watched = [Watched(constraint, lambda token: bar.update(token == bar_id)) for constraint in constraints]
        rows = generate(primes, watched, config.sampling, derive_seed(seed, "generate"), limit)
    solos = []
    for index, (order, tokens, key) in enumerate(zip(orders, rows, keys, strict=True)):
        assert tokens[-1] == codec.eos_id, "the grammar ends every row below the token limit"
        solos.append(finished(order, index, codec.decode(tokens), config, key))
    return solos


def token_limit(codec: EventCodec, bars: int) -> int:
    """An upper bound of the number of tokens in a stream of `bars` bars."""
    # A step has at most a position, three chord tokens, pitch, velocity and duration; a bar opens with at most 4 more.
    return 8 + bars * (7 * int(codec.meter_steps.max()) + 4)


def _grammar(codec: EventCodec, order: Order, config: GenerateConfig, key: Key | None) -> EventGrammar:
    sheet = order.sheet
    return EventGrammar(
        codec,
        bars=order.bars,
        pitch_range=config.pitch_range,
        chords=sheet.chord_changes(codec.steps_per_beat, order.bars) if sheet else None,
        key=key,
        chorus_bars=None if sheet or order.prime else config.free_chorus,
        meter=(sheet.meter.numerator, sheet.meter.denominator) if sheet else (4, 4),
        qpm=requested_qpm(order, config),
        artist=config.artist,
        at_rest=True,
        unknown_artist=False,
    )


def _prime(codec: EventCodec, order: Order, artist: str | None) -> Tokens:
    if order.prime is None:
        return np.array([codec.bos_id], dtype=np.uint16)
    return codec.prime(order.prime.score, order.prime.bars, artist, order.bars)


class Watched:
    """A constraint that passes each token to a function after it has taken it."""

    def __init__(self, constraint: Constraint, on_token: Callable[[int], object]) -> None:
        self._constraint, self._on_token = constraint, on_token

    @property
    def finished(self) -> bool:
        return self._constraint.finished

    def allowed(self) -> NDArray[np.bool_]:
        return self._constraint.allowed()

    def advance(self, token: int) -> None:
        self._constraint.advance(token)
        self._on_token(token)
