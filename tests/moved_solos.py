"""A readable latent space: register, density and step size of each bar. Every move has a known effect."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from yardbird.codecs.melody import CLASSES, MelodyCodec, MelodyConfig
from yardbird.latent.study import Solo, Study
from yardbird.models.music_vae.latent_solo import Latent
from yardbird.music.chords import Chord
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score, make_notes

SEMITONES, THIRDS = "Ada Semitone", "Bo Third"
BAR = 48
PUSHES = (0.1, 0.1, 1.0, 0.1)  # in each dimension, enough to change the notes


@dataclass(frozen=True)
class Sizes:
    bars: int = 1
    latent_dim: int = 4


class ReadableFamily:
    """z of a bar: its mean pitch / 10, its notes / 10, the size of its intervals, and an unused dimension."""

    config = Sizes()
    codec = MelodyCodec(MelodyConfig(steps_per_beat=12, segment_beats=4, velocities=16))

    def __init__(self) -> None:
        self.model = nn.Linear(2, 2)

    def encode(self, scores):
        return [Latent(_codes(score), ((1.0, self.codec.frame(score)),)) for score in scores]

    def decode(self, latents, **_):
        return [line(latent.z, latent.frame.score.chords) for latent in latents]

    def uphill(self, latents, values):
        """The dimension in which a push changes the value most, of decoded steps that are certain: a unit vector."""
        return [self._uphill(*pair) for pair in zip(latents, values, strict=True)]

    def _uphill(self, latent, value):
        changes = np.zeros_like(latent.z)
        for dimension, push in enumerate(PUSHES):
            way = np.zeros(len(PUSHES), dtype=np.float32)
            way[dimension] = push
            more, less = (self._value(latent.with_z(latent.z + side * way), value) for side in (1, -1))
            changes[:, dimension] = more - less
        steepest = np.abs(changes) == np.abs(changes).max(axis=1, keepdims=True)
        return np.where(steepest, np.sign(changes), 0).astype(np.float32)

    def _value(self, latent, value):
        melody = self.codec.encode(line(latent.z, latent.frame.score.chords))
        steps = torch.from_numpy(melody.steps.astype(np.int64))[:, None]
        return value(F.one_hot(steps, CLASSES).float(), steps).numpy()


def line(codes, chords=()) -> Score:
    """One bar per code: evenly spaced notes that alternate up and down by its interval around its pitch."""
    rows = []
    for bar, (register, density, step, _) in enumerate(np.asarray(codes, dtype=np.float64)):
        count = int(np.clip(np.rint(10 * density), 1, 16))
        shape = np.array([0, 1, 2, 1, 0, -1, -2, -1])[np.arange(count) % 8]
        pitches = np.clip(np.rint(10 * register + np.rint(step) * shape), 0, 127).astype(int)
        length = BAR // count
        rows += [(BAR * bar + length * index, max(1, length - 1), pitch, 80) for index, pitch in enumerate(pitches)]
    return Score(12, make_notes(rows), BAR * len(codes), chords=tuple(chords), key=Key(0, "major"))


def _codes(score):
    codes = []
    for start in score.bar_ticks:
        pitches = score.pitches[(score.onsets >= start) & (score.onsets < start + BAR)]
        step = np.median(np.abs(np.diff(pitches))) if len(pitches) > 1 else 0
        codes.append([pitches.mean() / 10, len(pitches) / 10, step, 0])
    return np.array(codes, dtype=np.float32)


def readable_study(solos: int = 6, bars: int = 16) -> Study:
    """`solos` training solos of each of two artists, who differ only in their intervals, and two held-out ones."""
    family, rng, examples = ReadableFamily(), np.random.default_rng(0), []
    chords = (ChordChange(0, Chord.parse("C7")),)
    for artist, step in ((SEMITONES, 1), (THIRDS, 4)):
        for number in range(solos + 2):
            codes = np.column_stack(
                [rng.normal(6.2, 0.3, bars), rng.integers(6, 13, bars) / 10, np.full(bars, step), np.zeros(bars)]
            )
            score = line(codes, chords)
            (latent,) = family.encode([score])
            split = "train" if number < solos else "validation"
            name = f"{artist.split()[0].lower()}/{number}"
            examples.append(Solo(name, split, artist, f"Tune {number}", f"{artist}{number}", "", score, latent))
    return Study(family, tuple(examples), seed=0)
