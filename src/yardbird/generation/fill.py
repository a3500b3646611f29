"""Draws new bars inside a given solo, conditioned on the bars before and after them, over the solo's own changes.

The notes that start in the requested bars are replaced by new notes in the ticks of the file. All other notes, the
chords, meters and tempos stay as they are in the file, unquantised. A note that sounds into a gap keeps its length, and
new notes start after it. New notes end with the gap at the latest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.fill_stream import MOST_BARS, Arranged, Gap, arrange, bar_lengths
from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import InputError
from yardbird.generation.bars_to_fill import Filling
from yardbird.generation.orders import GenerateConfig, check_artist
from yardbird.generation.token_solos import token_limit
from yardbird.models.family_kinds import TokenFamily
from yardbird.music.score import Ints, Notes, Score
from yardbird.seeds import derive_seed

#: New bars may need this many times the tokens that the solo's bars need on average.
_DENSER = 1.25


def fill(family: TokenFamily, filling: Filling, count: int, config: GenerateConfig, seed: int) -> list[Score]:
    """The solo `count` times, each with different bars in the gaps; row i depends on the seed and on i.

    Gaps are filled in order; the notes drawn in one are context for the next. If a gap is longer than the model was
    trained to fill at once, its first bars are conditioned only on the bars before them; its last bars also on the
    bars after the gap. Only the sampling, `int8`, the pitch range and the artist of `config` are used.

    Raises:
        InputError: the model was not trained to fill or on that artist; or a meter does not fit its grid.
    """
    codec = family.codec
    if not family.fill_context:
        remedy = "train one with music_transformer.model.fill_share above 0"
        raise InputError("--fill", expected="a model trained to fill bars", found="another", remedy=remedy)
    check_artist(codec.artists, config.artist)
    line = filling.line
    bar_tokens = _DENSER * float(np.mean(bar_lengths(codec, codec.encode(line, None))))
    at_once = max(1, min(MOST_BARS, int(family.fill_context / 2 / bar_tokens)))
    drawn = [replace(line, notes=line.notes[~filling.holds(line.onsets)])] * count
    for number, (gap, bars, after_stop) in enumerate(_pieces(filling, at_once)):
        shown = family.fill_context - round(min(gap.bars, at_once) * bar_tokens)
        room = shown if after_stop else family.fill_context // 2
        pieces = [_Piece.prepare(codec, solo, gap, bars, after_stop, room, config) for solo in drawn]
        longest = max(len(piece.arranged.prompt) for piece in pieces)
        rows = family.generate(
            [piece.arranged.prompt for piece in pieces],
            [piece.constraint for piece in pieces],
            config.sampling,
            derive_seed(seed, "fill", number),
            longest + token_limit(codec, gap.bars),
            int8=config.int8,
        )
        drawn = [piece.placed(codec, solo, row) for piece, solo, row in zip(pieces, drawn, rows, strict=True)]
    kept = filling.score.notes[~filling.holds(filling.score.onsets)]
    phrases = np.array(filling.score.phrases, dtype=np.int64)
    phrases = phrases[~filling.holds(phrases)]
    return [
        replace(
            _with_notes(filling.score, [kept, solo.notes[filling.holds(solo.onsets)]]), phrases=tuple(phrases.tolist())
        )
        for solo in drawn
    ]


def _pieces(filling: Filling, at_once: int) -> list[tuple[Gap, int, int | None]]:
    """The pieces to draw: a gap, the number of its first bars to draw, and the end of the visible bars after it.

    If the last is None, the model sees nothing after the gap.
    """
    pieces: list[tuple[Gap, int, int | None]] = []
    gaps = [Gap(bars.start, len(bars)) for bars in filling.gaps]
    stops = [*(gap.first for gap in gaps[1:]), filling.line.bar_count]
    for gap, after_stop in zip(gaps, stops, strict=True):
        if after_stop == gap.stop:
            pieces.append((gap, gap.bars, None))
            continue
        if (lead := gap.bars - at_once) > 0:
            pieces.append((gap, lead, None))
            gap = Gap(gap.first + lead, at_once)
        pieces.append((gap, gap.bars, after_stop))
    return pieces


@dataclass(frozen=True)
class _Piece:
    """The first `bars` bars of a gap, prepared for drawing.

    Attributes:
        ticks: the tick in the file of every step of the gap and of its end: (steps + 1,).
        steps: the number of steps that are drawn.
    """

    arranged: Arranged
    bars: int
    constraint: "_Resumed"
    ticks: Ints
    steps: int

    @classmethod
    def prepare(
        cls,
        codec: EventCodec,
        solo: Score,
        gap: Gap,
        bars: int,
        after_stop: int | None,
        room: int,
        config: GenerateConfig,
    ) -> "_Piece":
        grid = codec.grid(solo).score
        arranged = arrange(codec, grid, gap, config.artist, room, after_stop)
        lines = np.append(solo.bar_ticks, solo.end_tick)[gap.first : gap.stop + 1]
        lengths = np.diff(np.append(grid.bar_ticks, grid.end_tick)[gap.first : gap.stop + 1])
        places = [
            line + (np.arange(steps) * length + steps // 2) // steps
            for line, length, steps in zip(lines[:-1], np.diff(lines), lengths, strict=True)
        ]
        ticks = np.append(np.concatenate(places), lines[-1])
        before = arranged.before
        grammar = EventGrammar(
            codec,
            bars=before.bar_count,
            pitch_range=config.pitch_range,
            chords=before.chords,
            frame=before,
            at_rest=gap.stop == solo.bar_count,  # elsewhere the line continues after the gap
        )
        for token in arranged.stretch(codec).tolist():
            grammar.advance(token)
        sounding = solo.offsets[solo.onsets < lines[0]].max(initial=0)
        grammar.hold(int(before.end_tick - lengths.sum() + np.searchsorted(ticks, sounding)))
        bar_id = codec.ids("Bar").start
        constraint = _Resumed(grammar, len(arranged.prompt), bar_id, None if bars == gap.bars else bars)
        return cls(arranged, bars, constraint, ticks, int(lengths[:bars].sum()))

    def placed(self, codec: EventCodec, solo: Score, row: Tokens) -> Score:
        """The solo with the drawn notes, in its own ticks."""
        assert self.constraint.finished, "the grammar ends every row below the token limit"
        own = row[len(self.arranged.prompt) :]
        if self.constraint.bars is not None:  # drawing stopped at the line of the first bar still empty
            empty = np.flatnonzero(self.arranged.middle == codec.ids("Bar").start)[self.bars]
            own = np.concatenate([own[:-1], self.arranged.middle[empty:]])
        score = codec.decode(np.concatenate([self.arranged.stretch(codec), own]))
        first = score.end_tick - (len(self.ticks) - 1)
        notes = score.notes[(score.onsets >= first) & (score.onsets < first + self.steps)].copy()
        onsets = self.ticks[notes["onset_tick"] - first]
        offsets = self.ticks[notes["onset_tick"] + notes["duration_tick"] - first]
        # If the file has fewer ticks a beat than the grid has steps, two steps can share a tick.
        keep = np.diff(onsets, prepend=-1) > 0
        notes, onsets, offsets = notes[keep], onsets[keep], offsets[keep]
        limits = np.append(onsets[1:], self.ticks[-1])[: len(onsets)]
        notes["onset_tick"] = onsets
        notes["duration_tick"] = np.minimum(np.maximum(offsets, onsets + 1), limits) - onsets
        return _with_notes(solo, [solo.notes, notes])


class _Resumed:
    """A grammar already advanced to the end of the prompt; it stops after `bars` bars if that is set."""

    def __init__(self, grammar: EventGrammar, prompt: int, bar_id: int, bars: int | None) -> None:
        self._grammar, self._prompt, self._bar_id, self.bars = grammar, prompt, bar_id, bars
        self._begun = 0

    @property
    def finished(self) -> bool:
        return self._grammar.finished or (self.bars is not None and self._begun > self.bars)

    def allowed(self) -> NDArray[np.bool_]:
        return self._grammar.allowed()

    def advance(self, token: int) -> None:
        if self._prompt:
            self._prompt -= 1
            return
        self._grammar.advance(token)
        self._begun += token == self._bar_id


def _with_notes(score: Score, notes: Sequence[Notes]) -> Score:
    joined = np.concatenate(notes)
    return replace(score, notes=joined[np.lexsort((joined["pitch"], joined["onset_tick"]))])
