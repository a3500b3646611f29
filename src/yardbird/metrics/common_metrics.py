"""Metrics that other work on symbolic music reports, in MusPy's definitions, of many solos in one call.

Compare them with published values. The project's own metrics (`metrics.solo_metrics`) decide, because they know chords
and bar lines. MusPy's `polyphony` and `polyphony_rate` are left out: a single line has 1 and 0.

Notes of all solos are concatenated, and a count in each solo is a count in bins that are numbered through all solos.
Source: Dong et al. 2020, MusPy; Mogren 2016 (scale consistency), Dong et al. 2018 (empty beats and measures), Wu & Yang
2020 (pitch classes, groove).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird.metrics.entropy import entropy_bits
from yardbird.metrics.estimates import Results, SoloMean
from yardbird.metrics.key_fit import SCALES
from yardbird.metrics.solo_metrics import METRICS, Values
from yardbird.music.score import Floats, Ints, Score

#: Metric → (solos,), NaN where a solo has no value.
Columns = dict[str, Floats]

_TOGETHER = 1000  # solos: their histograms of pitches have 1 MiB

#: (12, 24) the pitch classes of each major and minor scale.
_IN_SCALE = np.array(
    [
        [(pitch_class - tonic) % 12 in SCALES[mode] for mode in SCALES for tonic in range(12)]
        for pitch_class in range(12)
    ]
)


def common_values(scores: Sequence[Score]) -> list[Values]:
    """The metrics of each solo by name, without those that `solo_metrics.describe` has too; None if it has no value."""
    if not scores:
        return []
    columns = {name: values.tolist() for name, values in common_metrics(scores).items() if name not in METRICS}
    rows = zip(*columns.values(), strict=True)
    return [
        {name: None if math.isnan(value) else value for name, value in zip(columns, row, strict=True)} for row in rows
    ]


def common_of(sets: Mapping[str, Sequence[Score]]) -> Results:
    """The means over the solos of each set, without a distance: those of `solo_metrics.describe` decide."""
    results: Results = {}
    for row, scores in sets.items():
        columns = common_metrics(scores) if scores else {}
        results[row] = {
            name: SoloMean.of(values[~np.isnan(values)]) for name, values in columns.items() if name not in METRICS
        }
    return results


def common_metrics(scores: Sequence[Score]) -> Columns:
    """All metrics of this module for one or more solos. A solo without notes has none of them, and a solo with several
    meters, such as a pickup bar, no metrics of measures.
    """
    blocks = [scores[start : start + _TOGETHER] for start in range(0, len(scores), _TOGETHER)]
    measured = [metrics_of_pitches(block) | metrics_of_beats(block) for block in blocks]
    return {name: np.concatenate([columns[name] for columns in measured]) for name in measured[0]}


def metrics_of_pitches(scores: Sequence[Score]) -> Columns:
    """Metrics of the histograms of pitches of the solos.

    - `pitch_range`: highest − lowest pitch, semitones.
    - `pitches_used`, `pitch_classes_used`: numbers of different ones.
    - `pitch_entropy`, `pitch_class_entropy`: bits, over the whole solo.
    - `scale_consistency`: the largest share of notes in one major or natural minor scale, 0.58 … 1.
    """
    pitches = _of_notes(scores, "pitch")
    counts = np.bincount(_solo_of_notes(scores) * 128 + pitches, minlength=128 * len(scores)).reshape(-1, 128)
    used = counts > 0
    classes = np.zeros((len(scores), 132), dtype=np.int64)  # eleven octaves
    classes[:, :128] = counts
    classes = classes.reshape(len(scores), 11, 12).sum(axis=1)
    columns: dict[str, NDArray[Any]] = {
        "pitch_range": 127 - used[:, ::-1].argmax(axis=1) - used.argmax(axis=1),
        "pitches_used": used.sum(axis=1),
        "pitch_classes_used": (classes > 0).sum(axis=1),
        "pitch_entropy": entropy_bits(counts),
        "pitch_class_entropy": entropy_bits(classes),
        "scale_consistency": (classes @ _IN_SCALE).max(axis=1) / np.maximum(counts.sum(axis=1), 1),
    }
    return {name: np.where(used.any(axis=1), values, np.nan) for name, values in columns.items()}


def metrics_of_beats(scores: Sequence[Score]) -> Columns:
    """Metrics of the beats and measures of the solos, counted from tick 0 to the one in which the last note ends.

    As in MusPy, a note sounds in the one in which it ends, even if it ends where that one starts.

    - `empty_beat_rate`, `empty_measure_rate`: share of beats and measures in which no note sounds.
    - `groove_consistency`: 1 − share of ticks with an onset in one of two successive measures but not in the other.
      Requires two measures.
    """
    solo, onsets = _solo_of_notes(scores), _of_notes(scores, "onset_tick")
    offsets = onsets + _of_notes(scores, "duration_tick")
    beat = np.array([score.ticks_per_beat for score in scores], dtype=np.int64)
    measure = np.array([score.meters[0].bar_ticks(score.ticks_per_beat) for score in scores], dtype=np.int64)
    regular = np.array([len(score.meters) == 1 for score in scores], dtype=np.bool_)
    first = np.cumsum([0, *(len(score.notes) for score in scores)])
    sounds = first[1:] > first[:-1]
    ends = np.zeros(len(scores), dtype=np.int64)
    ends[sounds] = np.maximum.reduceat(offsets, first[:-1][sounds]) if sounds.any() else 0
    sounds &= ends > 0
    columns = {
        "empty_beat_rate": np.where(sounds, _empty_rate(solo, onsets, offsets, beat, ends), np.nan),
        "empty_measure_rate": np.where(sounds & regular, _empty_rate(solo, onsets, offsets, measure, ends), np.nan),
    }
    groove = _groove(solo, onsets, measure, ends)
    return columns | {"groove_consistency": np.where(sounds & regular, groove, np.nan)}


def _solo_of_notes(scores: Sequence[Score]) -> Ints:
    """The index of the solo of each note of all solos: (notes,)."""
    return np.repeat(np.arange(len(scores)), [len(score.notes) for score in scores])


def _of_notes(scores: Sequence[Score], name: str) -> Ints:
    """A column of the notes of all solos: (notes,)."""
    return np.concatenate([score.notes[name] for score in scores])


def _empty_rate(solo: Ints, onsets: Ints, offsets: Ints, length: Ints, ends: Ints) -> Floats:
    """The share of spans of `length` ticks, (solos,), in which no note sounds: (solos,)."""
    spans = ends // length + 1
    first = np.cumsum(spans) - spans
    total = int(spans.sum())
    starting = np.bincount(first[solo] + onsets // length[solo], minlength=total + 1)
    ending = np.bincount(first[solo] + offsets // length[solo] + 1, minlength=total + 1)
    sounding = np.cumsum(starting - ending)[:total] > 0
    rates: Floats = 1 - np.add.reduceat(sounding, first, dtype=np.int64) / spans
    return rates


def _groove(solo: Ints, onsets: Ints, measure: Ints, ends: Ints) -> Floats:
    """The groove consistency for measures of `measure` ticks, (solos,): (solos,); NaN for a single measure."""
    measures = ends // measure + 1
    ticks = (measures + 1) * measure  # a solo's ticks, and a measure that keeps it apart from the next
    places, kept = np.unique((np.cumsum(ticks) - ticks)[solo] + onsets, return_index=True)
    solo, place = solo[kept], onsets[kept] // measure[solo[kept]]
    again = places[np.searchsorted(places, places + measure[solo]).clip(max=len(places) - 1)] if len(places) else places
    # each onset differs from one in two neighbouring measures, except where both have it
    neighbours = (place > 0).astype(np.int64) + (place < measures[solo] - 1) - 2 * (again == places + measure[solo])
    differing = np.bincount(solo, neighbours, minlength=len(measures))
    with np.errstate(invalid="ignore"):
        result: Floats = 1 - differing / np.where(measures > 1, measure * (measures - 1), np.nan)
    return result
