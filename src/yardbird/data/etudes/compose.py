"""Composition of tunes and their takes, and the folder of etudes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.config import PositiveInt, Settings
from yardbird.data.etudes.forms import FORMS, Form
from yardbird.data.etudes.line import BEAT, HALF_BAR, Improviser, Phrase, pick
from yardbird.data.etudes.players import PLAYERS, Player
from yardbird.music.chords import Chord
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score, Section, Tempo, make_notes
from yardbird.progress import progress
from yardbird.seeds import generator

_TICKS_PER_STEP = 40  # 480 ticks a beat
_HEAD_HALF_BARS = 16
_COLUMNS = ("file", "artist", "title", "tune_group", "key", "form", "licence")
_TAKES = {1: 3.0, 2: 2.0, 3: 1.0}


@dataclass(frozen=True)
class ComposeConfig(Settings, section="compose"):
    """Section `compose` of params.yaml."""

    solos: PositiveInt


@dataclass(frozen=True)
class Tune:
    """A form in a key, with a head of eight bars at the start of all its takes."""

    number: int
    form: Form
    key: Key
    head: tuple[Phrase, ...]


@dataclass(frozen=True)
class Etude:
    number: int
    tune: Tune
    player: Player
    score: Score

    @property
    def row(self) -> dict[str, str]:
        """The row of the etude in the manifest."""
        tonic = self.tune.key.spell(self.tune.key.tonic)
        return {
            "file": f"etude_{self.number:03}.mid",
            "artist": self.player.name,
            "title": f"Etude {self.number:03} – {self.tune.form.name} in {tonic}",
            "tune_group": f"synthetic tune {self.tune.number:03}",
            "key": str(self.tune.key),
            "form": self.tune.form.name,
            "licence": "MIT (synthetic)",
        }


def compose(seed: int, config: ComposeConfig, out: Path) -> None:
    """Write the etudes and their manifest.csv into `out`, which is replaced as a whole."""
    rows = []
    with files.replacing_folder(out) as draft:
        for etude in progress(etudes(seed, config.solos), total=config.solos, doing="compose", unit="solo"):
            write_score(etude.score, draft / etude.row["file"])
            rows.append(etude.row)
        files.write_csv(draft / "manifest.csv", _COLUMNS, rows)


def etudes(seed: int, count: int) -> Iterator[Etude]:
    """`count` etudes: one to three takes for each tune, by the players in turn."""
    number = 0
    tune_number = 0
    while number < count:
        tune_number += 1
        rng = generator(seed, "compose", "tune", tune_number)
        tune = _tune(tune_number, rng)
        for take in range(min(pick(_TAKES, rng), count - number)):
            number += 1
            player = PLAYERS[(tune_number + take) % 2]
            yield Etude(number, tune, player, _take(tune, player, generator(seed, "compose", "take", number)))


def _tune(number: int, rng: np.random.Generator) -> Tune:
    form = FORMS[number % len(FORMS)]
    tonic = (number * 7 + number // 12) % 12  # every form gets many keys
    chords = form.half_bars(tonic)
    return Tune(
        number, form, Key(tonic, form.mode), tuple(_phrases(PLAYERS[number % 2], chords, _HEAD_HALF_BARS, (), rng))
    )


def _take(tune: Tune, player: Player, rng: np.random.Generator) -> Score:
    chorus = tune.form.half_bars(tune.key.tonic)
    fitting = [n for n in range(1, 6) if 24 <= n * len(chorus) // 2 <= 64]
    home = Chord(tune.key.tonic, "m6" if tune.key.mode == "minor" else "6")
    chords = [*(chorus * int(rng.choice(fitting)))[:-2], home, home]  # the last bar has no turnaround
    phrases = _phrases(player, chords, len(chords), tune.head, rng)
    slowest, fastest = player.qpm
    qpm = round(float(rng.uniform(slowest, fastest)))
    rows = [row for phrase in phrases for row in _perform(phrase, rng)]
    half_bar_ticks = HALF_BAR * _TICKS_PER_STEP
    changes = [
        ChordChange(index * half_bar_ticks, chord)
        for index, chord in enumerate(chords)
        if index == 0 or chord != chords[index - 1]
    ]
    return Score(
        ticks_per_beat=BEAT * _TICKS_PER_STEP,
        notes=make_notes(rows),
        end_tick=len(chords) * half_bar_ticks,
        tempos=(Tempo(0, float(qpm)),),
        chords=tuple(changes),
        phrases=tuple(phrase.slots[0].step * _TICKS_PER_STEP for phrase in phrases),
        sections=(Section(0, "HEAD"), Section(_HEAD_HALF_BARS * half_bar_ticks, "SOLO")),
        key=tune.key,
    )


def _phrases(
    player: Player, chords: list[Chord], stop: int, head: tuple[Phrase, ...], rng: np.random.Generator
) -> list[Phrase]:
    """Phrases and breaths until half bar `stop`, after those of the head; ends move towards four-bar boundaries."""
    improviser = Improviser(player, chords, rng)
    phrases = list(head)
    start = _HEAD_HALF_BARS if head else int(rng.integers(3))
    while True:
        silent_until = phrases[-1].end + BEAT if phrases else 0
        start = max(start, -(-silent_until // HALF_BAR))
        end = start + pick(player.phrase_lengths, rng)
        if end - start > 2 and end % 8 in (1, 7):
            end = round(end / 8) * 8 - int(rng.integers(2))
        if end > stop - 7:  # no further phrase would fit, even after the shortest breath
            end = stop - 2  # the first beat of the last bar
        if end <= start:
            return phrases
        model = phrases[int(rng.integers(len(phrases)))] if phrases and rng.random() < player.recall else None
        last_pitch = phrases[-1].pitches[-1] if phrases else int(rng.integers(62, 72))
        phrases.append(improviser.phrase(start, end, silent_until, last_pitch, model))
        start = end + 1 + pick(player.breaths, rng)


def _perform(phrase: Phrase, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Rows of (onset tick, duration ticks, pitch, velocity); goals and peaks are louder, turns and pickups softer."""
    rows = []
    stops = [*(slot.step for slot in phrase.slots[1:]), phrase.end]
    pitches = phrase.pitches
    for index, (slot, stop, pitch) in enumerate(zip(phrase.slots, stops, pitches, strict=True)):
        room = stop - slot.step
        length = room if room < BEAT or rng.random() < 0.6 else room // 2
        peak = 0 < index < len(pitches) - 1 and pitches[index - 1] < pitch > pitches[index + 1]
        velocity = 78 + int(rng.integers(-3, 4)) + round(8 * np.sin(np.pi * index / len(pitches)))
        velocity += 8 * (slot.goal is not None) + 10 * peak - 12 * bool(slot.turn) + 5 * (slot.step % BEAT == 6)
        rows.append((slot.step * _TICKS_PER_STEP, length * _TICKS_PER_STEP, pitch, min(velocity, 120)))
    return rows
