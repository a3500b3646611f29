"""Draws one solo and hands out its bars as soon as each is complete."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird.codecs.events import EventCodec
from yardbird.generation import token_solos
from yardbird.generation.orders import GenerateConfig, Order
from yardbird.generation.solos import Solo, requested_qpm
from yardbird.models.family_kinds import TokenFamily
from yardbird.music.excerpts import cut
from yardbird.music.score import Score, Tempo
from yardbird.nn.sampling import Constraint

#: Called with the solo so far, which ends with its newest complete bar.
OnBar = Callable[[Score], None]


def stream(family: TokenFamily, order: Order, config: GenerateConfig, seed: int, on_bar: OnBar) -> Solo:
    """The solo that `token_solos.draw` draws for one order; `on_bar` gets each bar after the prime."""

    def generate(primes: Sequence[Any], constraints: Sequence[Constraint], *rest: Any) -> list[NDArray[np.uint16]]:
        (constraint,) = constraints
        bars = _Bars(family.codec, order, config, on_bar)
        return family.generate(primes, [token_solos.Watched(constraint, bars.add)], *rest, int8=config.int8)

    (solo,) = token_solos.draw(generate, family.codec, [order], config, seed)
    return solo


class _Bars:
    """The bars of a solo from its tokens; calls `on_bar` at the end of every bar."""

    def __init__(self, codec: EventCodec, order: Order, config: GenerateConfig, on_bar: OnBar) -> None:
        self._codec, self._order, self._on_bar = codec, order, on_bar
        self._qpm = None if order.prime else requested_qpm(order, config)
        self._bar_id, self._tokens, self._begun = codec.ids("Bar").start, list[int](), 0

    def add(self, token: int) -> None:
        primed = self._order.prime.bars if self._order.prime else 0
        if token in (self._bar_id, self._codec.eos_id):
            if self._begun > primed:
                self._on_bar(self._so_far())
            self._begun += 1
        self._tokens.append(token)

    def _so_far(self) -> Score:
        """The complete bars. Empty bars make room for a note that sounds beyond them; then it is cut."""
        rest = [self._bar_id] * (self._order.bars - self._begun)
        score = self._codec.decode(self._tokens + rest)
        if self._qpm:
            score = replace(score, tempos=(Tempo(0, self._qpm),))
        return cut(score, 0, int(np.append(score.bar_ticks, score.end_tick)[self._begun]))
