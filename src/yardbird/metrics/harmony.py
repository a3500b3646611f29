"""Metrics of the relation between notes and chords."""

import functools
from collections.abc import Callable, Collection
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yardbird.metrics.phrase import phrase_starts
from yardbird.music.chords import Chord
from yardbird.music.score import Floats, Score
from yardbird.music.swing import BEAT_TOLERANCE

Flags = NDArray[np.bool_]


def chord_tones(score: Score, semitones: range = range(1)) -> tuple[Flags, Flags]:
    """Which notes have a chord (notes,), and which are chord tones if the chord track is moved up (shifts, notes).

    The chord in force at the onset counts. Its tones are the tetrad, without tensions and without the bass.
    """
    tones = pitch_class_table(score, tetrad)
    chord = score.chord_index_of(score.onsets)  # -1, before the first change, indexes the last row: no chord
    shifted = (score.pitches - np.array(semitones, dtype=np.int64)[:, None]) % 12
    has_chord: Flags = np.logical_or.reduce(tones, axis=1)
    return has_chord[chord], tones[chord, shifted]


def pitch_class_table(score: Score, members: Callable[[Chord], Collection[int]]) -> Flags:
    """Which pitch classes are members of each chord change; the last row is for no chord: (changes + 1, 12).

    Args:
        members: a function of a module, not a lambda: its results are cached.
    """
    masks = np.array([*(_mask(members, change.chord) for change in score.chords), 0])
    return (masks[:, None] >> np.arange(12) & 1).astype(np.bool_)


@functools.cache
def _mask(members: Callable[[Chord], Collection[int]], chord: Chord | None) -> int:
    """The members of a chord as bits."""
    return sum(1 << pitch_class for pitch_class in members(chord)) if chord else 0


def tetrad(chord: Chord) -> Collection[int]:
    """The chord tones as pitch classes."""
    return chord.pitch_classes


def rate(hits: Flags, among: Flags) -> float | None:
    """The share of `hits` among the notes of `among`; None if there are none."""
    return float(hits[among].mean()) if among.any() else None


def chord_tone_rate(score: Score) -> float | None:
    """Notes whose pitch class is in the sounding tetrad / notes under a chord.

    Ratio, 0 … 1, not weighted by duration. The project's own. No chords, empty or drums only: None.
    """
    under, (tones,) = chord_tones(score)
    return rate(tones, under)


def transposed_chord_tone_rates(score: Score) -> Floats | None:
    """The chord-tone rate with the chord track moved up by 0 … 11 semitones, (12,); None if `chord_tone_rate` is."""
    under, tones = chord_tones(score, range(12))
    return tones[:, under].mean(axis=1) if under.any() else None


def harmony_margin(score: Score) -> float | None:
    """Chord-tone rate with the true chords − its mean with the chord track transposed by the 11 other intervals.

    Difference of ratios, −1 … 1; about 0 when the notes ignore the chords. The project's own. No chords, empty or
    drums only: None.
    """
    rates = transposed_chord_tone_rates(score)
    return None if rates is None else float(rates[0] - rates[1:].mean())


def changes_found(score: Score) -> float | None:
    """1 if the true chord track has a higher chord-tone rate than all its 11 transpositions, else 0.

    Its mean over solos is a share. The project's own. No chords, empty or drums only: None.
    """
    rates = transposed_chord_tone_rates(score)
    return None if rates is None else float(rates[0] > rates[1:].max())


def on_beat_chord_tone_rate(score: Score) -> float | None:
    """The chord-tone rate of the notes within 1/8 of a beat from a beat (players do not hit it exactly).

    Beats are counted from the bar line.
    Ratio, 0 … 1. The project's own. No chords, no such note, empty or drums only: None.
    """
    under, (tones,) = chord_tones(score)
    return rate(tones, under & _on_beat(score))


def off_beat_chord_tone_rate(score: Score) -> float | None:
    """The chord-tone rate of the notes that are not on a beat, see `on_beat_chord_tone_rate`."""
    under, (tones,) = chord_tones(score)
    return rate(tones, under & ~_on_beat(score))


def _on_beat(score: Score) -> Flags:
    beats = (score.onsets - score.bar_ticks[score.bar_of(score.onsets)]) / score.ticks_per_beat
    on_beat: Flags = np.abs(beats - np.round(beats)) <= BEAT_TOLERANCE
    return on_beat


def phrase_final_chord_tone_rate(score: Score) -> float | None:
    """The chord-tone rate of the last notes of phrases (see `phrase.phrase_starts`).

    Ratio, 0 … 1. The project's own. No chords, empty or drums only: None.
    """
    under, (tones,) = chord_tones(score)
    last = np.zeros(len(score.notes), dtype=np.bool_)
    last[phrase_starts(score)[1:] - 1] = True
    last[-1:] = True
    return rate(tones, under & last)


def chord_progression_irregularity(score: Score) -> float | None:
    """CPI: distinct trigrams of successive chords / trigrams. A repeated chord is not a change; N.C. is ignored.

    Ratio, above 0 … 1 (no trigram is repeated). Chords differ by root, quality or bass. It falls with the number of
    choruses: compare solos of similar length only. Source: Wu & Yang 2020, The Jazz Transformer, who use chord events
    of one bar or two. Fewer than three chords: None. Notes are not required.
    """
    chords = [change.chord for change in score.chords if change.chord]
    chords = chords[:1] + [after for before, after in pairwise(chords) if after != before]
    trigrams = list(zip(chords, chords[1:], chords[2:], strict=False))
    return len(set(trigrams)) / len(trigrams) if trigrams else None
