"""The facts of a recording that are used: those of the user, and otherwise those heard with enough certainty."""

from dataclasses import dataclass

import numpy as np

from yardbird.data.captions import NUMBERS, Facts, Remark, captions_of
from yardbird.data.listening.listener import Heard
from yardbird.music.score import Floats, Ints
from yardbird.music.score_frames import BAR_BEATS, COMMON_METER

_SLOWEST, _FASTEST = NUMBERS["qpm"][:2]  # that a captions.csv may have
_SAME_TEMPO = 0.04  # relative; a tempo of the user that is nearer to the heard one confirms its beats


@dataclass(frozen=True, eq=False)
class Known:
    """What is known about a recording, and where it comes from."""

    remark: Remark
    heard: Heard | None
    facts: Facts
    beat_seconds: Floats  # (beats,); empty if the beats are unknown
    bar_beats: Ints  # (beats,) from 1; 0 if the bars are unknown
    bar_seconds: tuple[float, ...]  # starts of the bars from 0 on, a pickup included; empty if the bars are unknown

    @property
    def captions(self) -> tuple[str, ...]:
        """The user's caption, or those made by rule."""
        return (self.remark.caption,) if self.remark.caption else captions_of(self.facts)


@dataclass(frozen=True)
class CaptionRow:
    """A row of data/clips/captions.csv.

    Its first columns are those of the user's captions.csv, with the facts that are used, so that a copy of it next to
    the recordings can be corrected there. The others are what was heard, sure or not; they are empty if `listening` is
    null.
    """

    file: str
    caption: str
    artist: str
    title: str
    tune_group: str
    instrument: str
    key: str
    form: str
    qpm: float | None
    beats_per_bar: float | None
    first_beat_seconds: float | None
    caption_used: str  # the full one
    heard_key: str
    key_sure: float | None
    heard_qpm: float | None
    qpm_sure: float | None
    beats_sure: float | None
    bars_sure: float | None
    heard_instrument: str
    instrument_sure: float | None
    loudness: float | None  # LUFS


def known_facts(remark: Remark, heard: Heard | None, sure: float, style: str, artist: str, seconds: float) -> Known:
    """Each fact of the user's row, and for each that it lacks, the heard one if its probability is at least `sure`.

    The user's tempo and first beat give the beats. A tempo without a first beat has the beats that were heard if these
    have the same tempo; otherwise its bars start at 0, only for the cuts.
    """
    key, qpm, instrument = remark.key, remark.qpm, remark.instrument
    beats, bar_beats = np.zeros(0), np.zeros(0, dtype=np.int64)
    bars = bar_seconds(remark, seconds)
    if heard is not None:
        key = key or (heard.key if heard.key_sure >= sure else None)
        qpm = qpm or (heard.qpm if heard.qpm_sure >= sure and _SLOWEST <= heard.qpm <= _FASTEST else None)
        instrument = instrument or (heard.instrument if heard.instrument_sure >= sure else "")
    if remark.qpm is not None and remark.first_beat_seconds is not None:
        beats, bar_beats = _counted(remark.first_beat_seconds, 60 / remark.qpm, remark.beats_per_bar, seconds)
    elif heard is not None and qpm is not None and heard.beats_sure >= sure and abs(heard.qpm / qpm - 1) < _SAME_TEMPO:
        beats = heard.beat_seconds[heard.beat_seconds >= 0]
        bar_beats = np.zeros(len(beats), dtype=np.int64)
        if heard.bars_sure >= sure and remark.beats_per_bar == COMMON_METER:
            skipped = len(heard.beat_seconds) - len(beats)
            bar_beats = 1 + (np.arange(len(beats)) + skipped - heard.first_bar_beat) % COMMON_METER
            bars = _from_zero(beats[bar_beats == 1].tolist())
    facts = Facts(style, instrument, "", key, remark.known.form, qpm, artist)
    return Known(remark, heard, facts, beats, bar_beats, bars)


def bar_seconds(remark: Remark, seconds: float) -> tuple[float, ...]:
    """The starts of the bars at a constant tempo, from 0 on, with a pickup first if there is one; () without qpm."""
    if remark.qpm is None:
        return ()
    bar = 60 / remark.qpm * remark.beats_per_bar
    return _from_zero(np.arange((remark.first_beat_seconds or 0.0) % bar, seconds, bar).tolist())


def _from_zero(starts: list[float]) -> tuple[float, ...]:
    return tuple(starts) if starts[:1] == [0] else (0.0, *starts)


def _counted(first_beat: float, beat: float, beats_per_bar: float, seconds: float) -> tuple[Floats, Ints]:
    """The beats of bars of constant length, counted in each bar from its start; in a pickup from its end."""
    length = beat * beats_per_bar
    beats, places = [], []
    for start in np.arange(first_beat % length - length, seconds, length):  # a pickup is the end of a bar
        of_bar = np.arange(start, start + length - 1e-9, beat)
        inside = (of_bar >= -1e-9) & (of_bar < seconds)
        beats.append(of_bar[inside])
        places.append(np.minimum(1 + np.flatnonzero(inside), BAR_BEATS))
    return np.concatenate(beats), np.concatenate(places)
