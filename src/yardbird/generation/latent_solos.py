"""Draws solos from a latent space: samples of the prior, decoded over the changes of the chart.

Such a model writes only a line; this module supplies the rest. Over a chart, the chords condition the decoder, and the
prior if it is learned. A free solo is in 4/4 without chords, and the model is conditioned on "no chord". Its tempo is
that of the settings, else `FREE_QPM`. The bars of a prime are copied unchanged, with their meter, tempo and chords. The
bars after it are drawn from the prior, which may continue them; they have chords only if there is a chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from yardbird.codecs.melody import Frame, MelodyCodec
from yardbird.errors import InputError, counted
from yardbird.generation.orders import GenerateConfig, Order, Prime, check_orders
from yardbird.generation.solos import Solo, finished, in_force_from, requested_qpm
from yardbird.music.ending import last_start
from yardbird.music.excerpts import cut
from yardbird.music.score import ChordChange, Meter, Notes, Score, Tempo, make_notes
from yardbird.nn.sampling import Sampling
from yardbird.progress import progress
from yardbird.seeds import derive_seed

FREE_QPM = 200.0  # a common bebop tempo; the model draws none
_AT_ONCE = 64  # solos drawn in one batch


class DecodesLatents(Protocol):
    """A latent family, or another object that samples latents and decodes them."""

    codec: MelodyCodec

    def prior(self, frames: Sequence[Frame], seeds: Sequence[int], before: Sequence[Score | None], /) -> Sequence[Any]:
        """A latent of the length of each frame, which it keeps; it may continue the music `before`."""

    def decode(
        self, latents: Sequence[Any], *, sampling: Sampling, pitch_range: tuple[int, int], seeds: Sequence[int]
    ) -> Sequence[Score]:
        """The grid score of each latent, monophonic, in its frame."""


def draw(family: DecodesLatents, orders: Sequence[Order], config: GenerateConfig, seed: int) -> list[Solo]:
    """Draw all orders in batches; solo i depends on its order, the seed and i. `config.artist` is ignored.

    Raises:
        InputError: an order cannot be met: as for `check_orders`, its prime and its chart differ in meter, or its bars
        do not fit the grid.
    """
    check_orders(orders)
    canvases = [_canvas(family.codec, order, config) for order in orders]
    solos = []
    with progress(total=len(orders), doing=f"drawing {counted(len(orders), 'solo')}", unit="solo") as watched:
        for first in range(0, len(orders), _AT_ONCE):
            part = range(first, min(first + _AT_ONCE, len(orders)))
            latents = family.prior(
                [family.codec.frame(canvases[index].rest) for index in part],
                [derive_seed(seed, "prior", index) for index in part],
                [canvases[index].prime for index in part],
            )
            drawn = family.decode(
                latents,
                sampling=config.sampling,
                pitch_range=config.pitch_range,
                seeds=[derive_seed(seed, "generate", index) for index in part],
            )
            for index, rest in zip(part, drawn, strict=True):
                early = rest.notes[
                    rest.onsets <= last_start(rest.end_tick, rest.ticks_per_beat)
                ]  # no note starts in the closing rest
                solos.append(finished(orders[index], index, canvases[index].filled(early), config))
            watched.update(len(part))
    return solos


@dataclass(frozen=True)
class _Canvas:
    """A solo before drawing: everything except the notes from step `start` on."""

    score: Score
    start: int

    @property
    def rest(self) -> Score:
        return cut(self.score, self.start, self.score.end_tick)

    @property
    def prime(self) -> Score | None:
        return cut(self.score, 0, self.start) if self.start else None

    def filled(self, drawn: Notes) -> Score:
        """The score with the notes drawn for `rest`, which start after any note tied over from the prime."""
        tied_until = int(self.score.offsets.max(initial=0))
        notes = drawn.copy()
        onsets = np.maximum(drawn["onset_tick"] + self.start, tied_until)
        notes["duration_tick"] += drawn["onset_tick"] + self.start - onsets
        notes["onset_tick"] = onsets
        return replace(self.score, notes=np.concatenate([self.score.notes, notes[notes["duration_tick"] > 0]]))


def _canvas(codec: MelodyCodec, order: Order, config: GenerateConfig) -> _Canvas:
    steps, sheet = codec.config.steps_per_beat, order.sheet
    changes = sheet.chord_changes(steps, order.bars) if sheet else ()
    if order.prime is None:
        meter = sheet.meter if sheet else Meter(0, 4, 4)
        qpm, end = requested_qpm(order, config) or FREE_QPM, order.bars * meter.bar_ticks(steps)
        blank = Score(steps, make_notes([]), end, tempos=(Tempo(0, qpm),), meters=(meter,), chords=changes)
        return _Canvas(codec.grid(blank).score, 0)
    prime = codec.grid(order.prime.score).score
    start = int(np.append(prime.bar_ticks, prime.end_tick)[order.prime.bars])
    meters = tuple(meter for meter in prime.meters if meter.tick < start)
    if sheet:
        _check_meters(order.prime, meters, sheet.meter)
    end = start + (order.bars - order.prime.bars) * meters[-1].bar_ticks(steps)
    notes = prime.notes[prime.onsets < start].copy()
    notes["duration_tick"] = np.minimum(notes["duration_tick"], end - notes["onset_tick"])
    chords = tuple(change for change in prime.chords if change.tick < start)
    following = in_force_from(changes, start) if sheet else (ChordChange(start, None),) if chords else ()
    tempos = tuple(tempo for tempo in prime.tempos if tempo.tick < start)
    return _Canvas(Score(steps, notes, end, tempos=tempos, meters=meters, chords=chords + following), start)


def _check_meters(prime: Prime, meters: Sequence[Meter], asked: Meter) -> None:
    for meter in meters:
        if (meter.numerator, meter.denominator) != (asked.numerator, asked.denominator):
            expected = f"the meter of its chart, {asked.numerator}/{asked.denominator}"
            found, remedy = f"{meter.numerator}/{meter.denominator}", "use the prime or the chart alone"
            raise InputError(prime.file, expected=expected, found=found, remedy=remedy)
