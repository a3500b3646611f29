"""Sampling of lines, phrase by phrase: first a rhythm, then goals on the strong beats, then figures between the goals.

Times are in steps of a twelfth of a beat; a half bar (two beats, 24 steps) is the unit in which chords and goals move.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np

from yardbird.data.etudes.forms import SCALES
from yardbird.data.etudes.players import BEATS, FIGURES, TURNS, Player
from yardbird.music.chords import Chord

BEAT, HALF_BAR = 12, 24
LOWEST, HIGHEST, CENTRE = 51, 80, 67  # the alto's comfortable range, in concert pitch

_PICKUP_STEPS = {"e": 6, "t": 4, "s": 3}
#: Log weights of the melodic intervals in semitones: thirds are as likely as seconds, the tritone is rare.
_EASE = {0: -0.5, 1: -0.1, 2: 0.1, 3: 0.3, 4: 0.1, 5: 0.3, 6: -0.7, 7: 0.0, 8: -0.4, 9: -0.6, 10: -1.2, 12: -1.0}
_CANDIDATES = 10

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Slot:
    """The position of a note that has no pitch yet."""

    step: int
    goal: int | None = None  # the half bar whose goal the note is
    turn: int = 0  # 1: the upper neighbour of the previous note; 2: that note again


@dataclass
class Phrase:
    """A phrase with the sampled figures and moves for each goal, so that a later phrase can vary it."""

    pickup: str
    rhythms: tuple[str, ...]
    tail: bool  # ends with an eighth after the last goal: "be-bop"
    slots: list[Slot] = field(default_factory=list)
    pitches: list[int] = field(default_factory=list)
    figures: list[tuple[str, ...]] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The step at which the phrase ends."""
        return self.slots[-1].step + (BEAT // 2 if self.tail else BEAT)


def pick(options: dict[Choice, float], rng: np.random.Generator) -> Choice:
    """Sample one key in proportion to its weight."""
    weights = list(accumulate(options.values()))
    return list(options)[bisect_right(weights, rng.random() * weights[-1])]


@dataclass(frozen=True)
class Improviser:
    """A player who improvises over the chords of a solo, one per half bar."""

    player: Player
    chords: Sequence[Chord]
    rng: np.random.Generator

    def phrase(self, start: int, end: int, silent_until: int, last_pitch: int, model: Phrase | None) -> Phrase:
        """A phrase from the goal of half bar `start` to that of `end`, or a variation of `model` if given."""
        rhythms = [*(model.rhythms if model else ()), *(pick(self.player.rhythms, self.rng) for _ in range(start, end))]
        pickup = model.pickup if model else pick(self.player.pickups, self.rng)
        while pickup and start * HALF_BAR - _length(pickup) < silent_until:
            pickup = pickup[1:]
        tail = model.tail if model else bool(self.rng.random() < 0.5)
        phrase = Phrase(pickup, tuple(rhythms[: end - start]), tail)
        self._place(phrase, start)
        self._fill(phrase, last_pitch, model)
        return phrase

    def _place(self, phrase: Phrase, start: int) -> None:
        """The onsets: pickup, a rhythm for every two beats, the last goal and its tail; some goals are anticipated."""
        slots = phrase.slots
        for index in range(len(phrase.pickup)):
            slots.append(Slot(start * HALF_BAR - _length(phrase.pickup[index:])))
        for half_bar, rhythm in enumerate([*phrase.rhythms, ""], start):
            step = half_bar * HALF_BAR
            may_be_early = slots and slots[-1] == Slot(step - BEAT // 2)
            if may_be_early and self.rng.random() < self.player.anticipation:
                slots[-1] = Slot(step - BEAT // 2, goal=half_bar)
            else:
                slots.append(Slot(step, goal=half_bar))
            for beat, symbol in enumerate(rhythm):
                for index, onset in enumerate(BEATS[symbol]):
                    if beat or onset:
                        turn = index if symbol in TURNS and index < 3 else 0
                        slots.append(Slot(step + beat * BEAT + onset, turn=turn))
        if phrase.tail:
            slots.append(Slot(step + BEAT // 2))

    def _fill(self, phrase: Phrase, last_pitch: int, model: Phrase | None) -> None:
        """Fill the slots with pitches, from goal to goal."""
        before, waiting = last_pitch, list[Slot]()
        here = self.chords[0]
        for slot in phrase.slots:
            waiting.append(slot)
            if slot.goal is None:
                continue
            here, there = self.chords[max(slot.goal - 1, 0)], self.chords[slot.goal]
            number = len(phrase.moves)
            recalled = (model.figures[number], model.moves[number]) if model and number < len(model.moves) else None
            count = sum(not slot.turn for slot in waiting) - 1
            line, figures = self._reach(before, count, here, there, not phrase.moves, recalled)
            phrase.figures.append(figures)
            phrase.moves.append(line[-1] - before)
            notes, pitches = iter(line), phrase.pitches
            for place in waiting:
                match place.turn:
                    case 0:
                        pitches.append(next(notes))
                    case 1:
                        pitches.append(_step(pitches[-1], 1 if pitches[-1] < HIGHEST - 2 else -1, here, "d"))
                    case _:
                        pitches.append(pitches[-2])
            before, waiting, here = line[-1], [], there
        if phrase.tail:
            endings = {("t", -1): 3.0, ("t", 1): 1.0, ("t", -2): 1.5, ("d", -1): 2.0, ("d", 1): 1.5}
            kind, amount = pick(endings, self.rng)
            phrase.pitches.append(_in_range(_step(before, amount, here, kind)))

    def _reach(
        self,
        before: int,
        count: int,
        here: Chord,
        there: Chord,
        opens: bool,
        recalled: tuple[tuple[str, ...], int] | None,
    ) -> tuple[list[int], tuple[str, ...]]:
        """`count` notes from `before` to a goal, and the goal itself: the best of several samples by a noisy score."""
        weights = self._goals(before, here, there, recalled and recalled[1])
        drawn: list[tuple[float, list[int], tuple[str, ...]]] = []
        for attempt in range(_CANDIDATES):
            names = recalled[0] if recalled and attempt < _CANDIDATES // 2 else ()
            goal = pick(weights, self.rng)
            lead, figures = self._lead_in(goal, count, here, names)
            line = [*lead, goal]
            ease = float(self.rng.gumbel()) + 1.5 * bool(names and figures == names)
            ease += sum(_EASE.get(abs(b - a), -3.0) for a, b in pairwise(line if opens else [before, *line]))
            ease -= 2.0 * sum(not LOWEST <= pitch <= HIGHEST for pitch in line)
            drawn.append((ease, line, figures))
        _, line, figures = max(drawn)
        return [_in_range(pitch) for pitch in line], figures

    def _goals(self, before: int, here: Chord, there: Chord, move: int | None) -> dict[int, float]:
        """Weights of the pitches as next goal: guide tones at chord changes, sometimes tensions, near or central."""
        tones = sorted((tone - there.root) % 12 for tone in there.pitch_classes)
        guide = 2.0 if here != there else 1.0
        degrees = dict(zip(tones, (1.0, 1.6 * guide, 1.2, 1.2 * guide), strict=True))
        scale, _ = SCALES[there.quality]
        tensions = [degree for degree in (scale[1], scale[3], scale[5]) if degree not in degrees]  # 9, 11, 13
        tension = 0.0 if there.quality in ("6", "m6") else self.player.tension  # tensions do not fit tonic sixth chords
        share = tension / (1 - tension) / len(tensions)
        degrees |= dict.fromkeys(tensions, share * sum(degrees.values()))
        target, spread = (before + 0.35 * (CENTRE - before), 5.0) if move is None else (before + move, 1.5)
        return {
            pitch: degrees[degree] * float(np.exp(-(((pitch - target) / spread) ** 2) / 2)) + 1e-9
            for pitch in range(LOWEST + 1, HIGHEST)
            if (degree := (pitch - there.root) % 12) in degrees and pitch != before
        }

    def _lead_in(
        self, goal: int, count: int, chord: Chord, names: tuple[str, ...]
    ) -> tuple[list[int], tuple[str, ...]]:
        """`count` notes before the goal, built backwards from figures; those in `names` are used if they fit."""
        line, used, wanted = [goal], list[str](), list(names)
        while (room := count + 1 - len(line)) > 0:
            fitting = {name: weight for name, weight in self.player.figures.items() if len(_moves(name)) <= room}
            name = wanted.pop() if wanted and wanted[-1] in fitting else pick(fitting, self.rng)
            used.insert(0, name)
            line = [_step(line[0], amount, chord, kind) for kind, amount in _moves(name)] + line
        return line[:-1], tuple(used)


def _length(pickup: str) -> int:
    return sum(_PICKUP_STEPS[letter] for letter in pickup)


@cache
def _moves(figure: str) -> tuple[tuple[str, int], ...]:
    return tuple((kind, int(amount)) for kind, amount in re.findall(r"([sdtc])([+-]\d+)", FIGURES[figure]))


@cache
def _step(pitch: int, amount: int, chord: Chord, kind: str) -> int:
    """The pitch at a distance in semitones (c), steps of the bebop (s) or plain scale (d), or chord tones (t)."""
    if kind == "c":
        return pitch + amount
    scale, passing = SCALES[chord.quality]
    degrees = {"s": (*scale, passing), "d": scale}
    classes = chord.pitch_classes if kind == "t" else {(chord.root + degree) % 12 for degree in degrees[kind]}
    ladder = [p for p in range(pitch - 48, pitch + 49) if p % 12 in classes]
    rung = bisect_right(ladder, pitch) - 1 if amount > 0 else bisect_left(ladder, pitch)
    return ladder[rung + amount]


def _in_range(pitch: int) -> int:
    return pitch + 12 if pitch < LOWEST else pitch - 12 if pitch > HIGHEST else pitch
