"""How the notes lie on the chords."""

import functools

import numpy as np
from numpy.typing import NDArray

from yardbird.metrics.phrase import phrase_starts
from yardbird.metrics.rhythm import BEAT_TOLERANCE
from yardbird.music.chords import Chord
from yardbird.music.score import Floats, Score

Flags = NDArray[np.bool_]


def _chord_tones(score: Score, semitones: range = range(1)) -> tuple[Flags, Flags]:
    """Which notes lie under a chord (notes,), and which are tones of it with the chord track moved up (shifts, notes).

    The chord in force at the onset counts; its tones are the tetrad, without tensions and without the bass.
    """
    tones = np.array([_tones_of(change.chord) for change in score.chords] + [_tones_of(None)], dtype=np.bool_)
    chord = score.chord_index_of(score.onsets)  # -1, before the first change, finds the last row: no chord tones
    shifted = (score.pitches - np.array(semitones, dtype=np.int64)[:, None]) % 12
    has_chord: Flags = np.logical_or.reduce(tones, axis=1)
    return has_chord[chord], tones[chord, shifted]


@functools.cache
def _tones_of(chord: Chord | None) -> list[bool]:
    return [chord is not None and pitch_class in chord.pitch_classes for pitch_class in range(12)]


def _rate(hits: Flags, among: Flags) -> float | None:
    return float(hits[among].mean()) if among.any() else None


def chord_tone_rate(score: Score) -> float | None:
    """Notes whose pitch class is in the sounding tetrad / notes under a chord.

    Ratio, 0 … 1; every note counts once, whatever its length. The project's own. No chords, empty or drums only: None.
    """
    under, (tones,) = _chord_tones(score)
    return _rate(tones, under)


def transposed_chord_tone_rates(score: Score) -> Floats | None:
    """The chord-tone rate with the chord track moved up by 0 … 11 semitones: (12,); None as `chord_tone_rate`."""
    under, tones = _chord_tones(score, range(12))
    return tones[:, under].mean(axis=1) if under.any() else None


def harmony_margin(score: Score) -> float | None:
    """Chord-tone rate under the true chords − its mean under the chord track transposed by the 11 other intervals.

    Difference of ratios, −1 … 1; about 0 when the notes ignore the chords. The project's own. No chords, empty or
    drums only: None.
    """
    rates = transposed_chord_tone_rates(score)
    return None if rates is None else float(rates[0] - rates[1:].mean())


def changes_found(score: Score) -> float | None:
    """1 when the true transposition of the chord track alone gives the highest chord-tone rate of all 12, else 0.

    The mean over solos is a share. The project's own. No chords, empty or drums only: None.
    """
    rates = transposed_chord_tone_rates(score)
    return None if rates is None else float(rates[0] > rates[1:].max())


def on_beat_chord_tone_rate(score: Score) -> float | None:
    """The chord-tone rate of the notes on a beat, to 1/8 of a beat (players do not hit it exactly).

    Beats are counted from the bar line.
    Ratio, 0 … 1. The project's own. No chords, no such note, empty or drums only: None.
    """
    under, (tones,) = _chord_tones(score)
    return _rate(tones, under & _on_beat(score))


def off_beat_chord_tone_rate(score: Score) -> float | None:
    """The chord-tone rate of the notes that are not on a beat; as `on_beat_chord_tone_rate`."""
    under, (tones,) = _chord_tones(score)
    return _rate(tones, under & ~_on_beat(score))


def _on_beat(score: Score) -> Flags:
    beats = (score.onsets - score.bar_ticks[score.bar_of(score.onsets)]) / score.ticks_per_beat
    on_beat: Flags = np.abs(beats - np.round(beats)) <= BEAT_TOLERANCE
    return on_beat


def phrase_final_chord_tone_rate(score: Score) -> float | None:
    """The chord-tone rate of the last notes of phrases (see `phrase.phrase_starts`).

    Ratio, 0 … 1. The project's own. No chords, empty or drums only: None.
    """
    under, (tones,) = _chord_tones(score)
    last = np.zeros(len(score.notes), dtype=np.bool_)
    last[phrase_starts(score)[1:] - 1] = True
    last[-1:] = True
    return _rate(tones, under & last)


def enclosure_rate(score: Score) -> float | None:
    """Chord tones approached from both sides, within two semitones, by the two notes before / chord tones.

    Ratio, 0 … 1. The figure is Baker's "enclosure" (How to Play Bebop, 1985). No chords, no chord tones, empty or
    drums only: None; one note: 0 when it is a chord tone.
    """
    under, (tones,) = _chord_tones(score)
    tones = tones & under
    if not tones.any():
        return None
    pitches = score.pitches
    earlier, before = pitches[:-2] - pitches[2:], pitches[1:-1] - pitches[2:]
    enclosed = (earlier * before < 0) & (np.abs(earlier) <= 2) & (np.abs(before) <= 2)
    return float((enclosed & tones[2:]).sum() / tones.sum())
