"""Renders excerpts alike: one synthesizer, one length to the sample, one loudness, one beginning, one ending."""

import os
import secrets
from dataclasses import asdict, dataclass, replace
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from yardbird import files
from yardbird.audio.comping import PIANO
from yardbird.audio.loudness import CEILING, decibels, integrated_loudness, peak_of
from yardbird.audio.synth import SAMPLE_RATE, render
from yardbird.audio.wave import Waveform, write_wave
from yardbird.blindtest.bundle import KEY, PUBLIC, BlindTest, Key, Origin, clip_path, excerpt_path
from yardbird.blindtest.plan import VELOCITY, BlindTestConfig, Excerpt, Plan
from yardbird.blindtest.questions import CHECK, KINDS
from yardbird.music.midi import write_score
from yardbird.music.score import Score, Tempo, make_notes

#: From the start of every clip to its first sound; players may swallow the first milliseconds of a file.
LEAD_SECONDS = 0.1
#: The first sound is the first sample above this share of the clip's peak (−40 dB).
ONSET_SHARE = 0.01
_FADE_SECONDS = 0.5  # fade-out at the end of every clip
_SCALE = 37  # notes of a check's scale: three octaves of semitones, so that its direction is unmistakable
_SCALE_FOOT, _SCALE_REST = 48, 6  # C3, and the rest between two scales in note lengths
_SCALE_QPM = 180.0  # four notes a beat: a scale takes three seconds


@dataclass(frozen=True, eq=False)
class Clips:
    """Sounds of equal length in the order of their scores, and their loudness in LUFS."""

    waveforms: tuple[Waveform, ...]
    loudness: float


def prepare(folder: Path, plan: Plan, config: BlindTestConfig, seed: int) -> None:
    """Render the clips of a plan into a new folder, which appears only when it is complete.

    The sound depends on `seed`; the ids do not, because they could be computed from the repository. For the same reason
    all files have the same size and time.
    """
    kind = KINDS[config.mode]
    asked = [[(excerpt.score, _origin(excerpt)) for excerpt in question] for question in plan.questions]
    for number in range(config.attention_checks):
        # A single clip goes up or down; of a pair, one goes up and one down.
        ups = (True, False) if kind.clips == 2 else (number % 2 == 0,)
        asked.append(
            [(check_score(up, number, config.seconds), Origin(CHECK, "", "up" if up else "down", 0)) for up in ups]
        )
    others = [check_score(True, 0, config.seconds), *(excerpt.score for excerpt in plan.examples)]
    scores = [score for question in asked for score, _ in question] + others
    clips = render_clips(scores, config)
    ids = [secrets.token_hex(8) for _ in scores]
    assert len(set(ids)) == len(ids), "ids of 64 random bits are distinct"
    unused, questions = iter(ids), []
    origins: dict[str, Origin] = {}
    right: dict[str, str] = {}
    for question in asked:
        own = {name: origin for (_, origin), name in zip(question, unused, strict=False)}
        own = dict(sorted(own.items()))  # the order of random ids has no meaning
        questions.append(tuple(own))
        origins |= own
        if question[0][1].source == CHECK:
            rises = [origin.solo == "up" for origin in own.values()]
            right[questions[-1][0]] = kind.answers[rises.index(True) if kind.clips == 2 else -1 if rises[0] else 0]
    volume, *examples = unused
    test = BlindTest(
        secrets.token_hex(8), config.mode, plan.artist, config.seconds, config.least_seconds, tuple(sorted(questions)),
        tuple(examples), volume,
    )  # fmt: skip
    key = Key(origins, right, plan.left_out, clips.loudness, seed, asdict(config))
    with files.replacing_folder(folder) as draft:
        for name, score, waveform in zip(ids, scores, clips.waveforms, strict=True):
            write_wave(waveform, clip_path(draft, name))
            os.utime(clip_path(draft, name), (0, 0))
            if name in origins and origins[name].chart is not None:
                write_score(score, excerpt_path(draft, name))
        files.write_json(draft / PUBLIC, asdict(test))
        files.write_json(draft / KEY, asdict(key))
    folder.chmod(0o700)  # only the owner may read the key


def _origin(excerpt: Excerpt) -> Origin:
    return Origin(
        excerpt.source, excerpt.artist, excerpt.solo, excerpt.first_bar, excerpt.path.as_posix(),
        files.sha256(excerpt.path), excerpt.chart,
    )  # fmt: skip


def check_score(up: bool, number: int, seconds: float) -> Score:
    """An attention check: a piano scale, repeatedly up or down; `number` transposes it by semitones."""
    length = max(1, int(seconds / (60 / _SCALE_QPM / 4)))
    steps = [step for step in range(length) if step % (_SCALE + _SCALE_REST) < _SCALE]
    places = [step % (_SCALE + _SCALE_REST) for step in steps]
    pitches = [_SCALE_FOOT + number + (place if up else _SCALE - 1 - place) for place in places]
    notes = make_notes([(step, 1, pitch, VELOCITY) for step, pitch in zip(steps, pitches, strict=True)])
    return Score(4, notes, end_tick=length, tempos=(Tempo(0, _SCALE_QPM),), program=PIANO)


def render_clips(scores: list[Score], config: BlindTestConfig) -> Clips:
    """Render every score as `config.seconds` of mono sound at the requested loudness.

    If a clip would exceed −1 dB, all clips become quieter.
    """
    clips = [_clip(score, config) for score in scores]
    levels = [integrated_loudness(clip, config.sample_rate) for clip in clips]
    headroom = [level + decibels(CEILING / peak_of(clip)) for clip, level in zip(clips, levels, strict=True)]
    target = float(min(config.loudness, *headroom))
    gains = [np.float32(10 ** ((target - level) / 20)) for level in levels]
    waves = (Waveform((clip * gain)[:, None], config.sample_rate) for clip, gain in zip(clips, gains, strict=True))
    return Clips(tuple(waves), target)


def _clip(score: Score, config: BlindTestConfig) -> NDArray[np.float32]:
    """Render, resample, move the first sound to `LEAD_SECONDS`, cut to length and fade out: shape (frames,)."""
    rate, frames = config.sample_rate, round(config.seconds * config.sample_rate)
    factor = gcd(rate, SAMPLE_RATE)
    solo = render(replace(score, sections=()), comping=config.comping and score.program != PIANO).mono
    sound = signal.resample_poly(solo, rate // factor, SAMPLE_RATE // factor)
    late = first_sound(sound) - round(LEAD_SECONDS * rate)  # negative: silence is added
    sound = np.pad(sound[max(0, late) :], (max(0, -late), frames))[:frames]
    fade = min(frames, round(_FADE_SECONDS * rate))
    sound[frames - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return sound.astype(np.float32)


def first_sound(samples: NDArray[np.floating[Any]]) -> int:
    """The first of the samples, shape (frames,), that is above `ONSET_SHARE` of their peak."""
    level = np.abs(samples)
    return int(np.argmax(level > ONSET_SHARE * level.max()))
