"""Estimates the facts of a recording, each with its probability; fitted on renders of synthetic quintets.

Key, octave of the tempo, beats and start of the bar are choices among few options (`choices.Choice`); the instrument is
a multinomial logistic regression. The probabilities are those of sounds like the renders: a recording in another style,
or with an instrument that is in no render, can be wrong with a high probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, get_args

import numpy as np

from yardbird.audio.loudness import integrated_loudness
from yardbird.audio.resampling import to_mono
from yardbird.audio.transcription import SAMPLE_RATE
from yardbird.audio.wave import Waveform
from yardbird.data.etudes.compose import Etude, etudes
from yardbird.data.listening.choices import Choice
from yardbird.data.listening.evidence import BEATS_PER_BAR, Evidence, bars_at, beats_at, evidence_of
from yardbird.data.listening.quintets import quintet
from yardbird.data.source_sounds import ListeningConfig
from yardbird.devices import prepare_torch
from yardbird.execution import over_processes
from yardbird.music.pitch import Key, Mode
from yardbird.music.score import Floats
from yardbird.seeds import derive_seed

_KEYS = [Key(tonic, mode) for mode in get_args(Mode) for tonic in range(12)]
_TEMPO_TOLERANCE = 0.08  # relative, as in the tempo metric of mir_eval
_BEAT_TOLERANCE = 0.07  # seconds, as in the beat metrics of mir_eval
_RENDERS_PER_WORKER = 60  # to make fewer takes less time than to start a worker
_TRACKED = 0.5  # share of the right beats from which on the beats of a render count as found
#: Of the weights for the instrument. A weaker penalty gives more right answers on renders of the same SoundFont, but
#: higher probabilities than right answers on those of another one; with this one they agree there.
_INVERSE_PENALTY = 0.03


@dataclass(frozen=True, eq=False)
class Heard:
    """Estimates with their probabilities. A probability of beats includes that of their tempo, one of bars both."""

    key: Key
    key_sure: float
    qpm: float
    qpm_sure: float
    beat_seconds: Floats
    beats_sure: float
    first_bar_beat: int  # the first of the beats that starts a bar
    bars_sure: float
    instrument: str
    instrument_sure: float
    loudness: float  # of all channels, in LUFS; measured


@dataclass(frozen=True, eq=False)
class _Example:
    """A render: its evidence, and the right option of each choice, None where none is right."""

    evidence: Evidence
    instrument: str
    key: int
    tempo: int | None
    phases: Floats | None
    phase: int | None
    bars: Floats | None
    bar: int | None


@dataclass(frozen=True, eq=False)
class Listener:
    """See the module. `instruments` is a classifier of scikit-learn."""

    keys: Choice
    tempos: Choice
    phases: Choice
    bars: Choice
    instruments: Any

    @classmethod
    def fit(cls, config: ListeningConfig, seed: int) -> Self:
        """Render the quintets, measure them and fit all estimates; equal seeds give equal listeners."""
        stream = derive_seed(seed, "listening")
        made = over_processes(
            partial(_example, config.render_seconds, stream),
            list(enumerate(etudes(stream, config.renders))),
            doing="learning to listen", unit="render", items_per_worker=_RENDERS_PER_WORKER,
        )  # fmt: skip
        return cls._fitted(list(made))

    @classmethod
    def _fitted(cls, examples: Sequence[_Example]) -> Self:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        instruments = make_pipeline(StandardScaler(), LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000))
        return cls(
            keys=Choice.fit([one.evidence.keys for one in examples], [one.key for one in examples]),
            tempos=_fit_known([(one.evidence.tempos, one.tempo) for one in examples]),
            phases=_fit_known([(one.phases, one.phase) for one in examples]),
            bars=_fit_known([(one.bars, one.bar) for one in examples]),
            instruments=instruments.fit(
                np.stack([one.evidence.timbre for one in examples]), [one.instrument for one in examples]
            ),
        )

    def hear(self, sound: Waveform, longest_seconds: float) -> Heard:
        """Listen to the start of a recording of at least a second."""
        start = Waveform(sound.samples[: round(longest_seconds * sound.sample_rate)], sound.sample_rate)
        samples = to_mono(start, SAMPLE_RATE)
        evidence = evidence_of(samples)
        keys = self.keys.probabilities(evidence.keys)
        tempos = self.tempos.probabilities(evidence.tempos)
        qpm = float(evidence.qpm[tempos.argmax()])
        tracked, phase_evidence = beats_at(evidence, qpm)
        phases = self.phases.probabilities(phase_evidence)
        seconds = tracked + phases.argmax() * 30 / qpm
        bars = self.bars.probabilities(bars_at(evidence, seconds))
        instruments = self.instruments.predict_proba(evidence.timbre[None])[0]
        beats_sure = float(tempos.max() * phases.max())
        return Heard(
            key=_KEYS[keys.argmax()],
            key_sure=float(keys.max()),
            qpm=_steady_tempo(seconds, qpm),
            qpm_sure=float(tempos.max()),
            beat_seconds=seconds,
            beats_sure=beats_sure,
            first_bar_beat=int(bars.argmax()),
            bars_sure=beats_sure * float(bars.max()),
            instrument=str(self.instruments.classes_[instruments.argmax()]),
            instrument_sure=float(instruments.max()),
            loudness=integrated_loudness(start.samples, start.sample_rate),
        )


def _example(seconds: float, seed: int, numbered: tuple[int, Etude]) -> _Example:
    prepare_torch()  # resampling uses torch
    number, etude = numbered
    made = quintet(etude, number, seconds, seed)
    evidence = evidence_of(to_mono(made.sound, SAMPLE_RATE))
    near = np.flatnonzero(np.abs(evidence.qpm / made.qpm - 1) < _TEMPO_TOLERANCE)
    tempo = int(near[0]) if len(near) else None
    phase_evidence = phase = bar_evidence = bar = None
    if tempo is not None:
        tracked, phase_evidence = beats_at(evidence, float(evidence.qpm[tempo]))
        shifted = [tracked + part * 60 / made.qpm for part in (0.0, 0.5)]
        shares = [matched_share(beats, made.beat_seconds) for beats in shifted]
        if max(shares) > _TRACKED:
            phase = int(np.argmax(shares))
            bar_evidence = bars_at(evidence, shifted[phase])
            bar = int(np.abs(shifted[phase] - made.beat_seconds[0]).argmin()) % BEATS_PER_BAR
    return _Example(
        evidence=evidence, instrument=made.instrument, key=_KEYS.index(made.key), tempo=tempo,
        phases=phase_evidence, phase=phase, bars=bar_evidence, bar=bar,
    )  # fmt: skip


def matched_share(beats: Floats, right: Floats) -> float:
    """The share of the beats that are within 70 ms of one of the right beats."""
    return float(np.mean(np.abs(beats[:, None] - right).min(axis=1) <= _BEAT_TOLERANCE)) if len(beats) else 0.0


def _fit_known(examples: Sequence[tuple[Floats | None, int | None]]) -> Choice:
    known = [(evidence, right) for evidence, right in examples if evidence is not None and right is not None]
    return Choice.fit([evidence for evidence, _ in known], [right for _, right in known])


def _steady_tempo(seconds: Floats, qpm: float) -> float:
    """The mean tempo of the beats, which is finer than the period of the onsets; that period if there are few beats."""
    if len(seconds) < 2 * BEATS_PER_BAR:
        return qpm
    return float(60 / np.diff(seconds).mean())
