"""Figures of the bebop idiom: enclosures, chromatic approaches, runs on bebop scales, arpeggios.

Rules count them over the sounding chord, following Baker and Levine, so that sets of solos can be compared. Nobody has
checked the matches by ear. Each docstring defines its figure. All are ratios, 0 … 1, with the project's own definition.
No chords, empty or drums only: None. One note: 0 or None.
"""

from itertools import pairwise

import numpy as np

from yardbird.metrics.harmony import Flags, chord_tones, pitch_class_table, rate, tetrad
from yardbird.music.chords import Chord
from yardbird.music.score import Ints, Score

RUN = 5  # notes that make a run on a scale
ARPEGGIO = 3  # notes that make an arpeggio
LARGEST_SKIP = 5  # semitones between two tones of an arpeggio: a fourth, as between fifth and octave of a triad

#: Semitones above the root, and among them the added note, which makes chord tones fall on the beat.
_DOMINANT = ((0, 2, 4, 5, 7, 9, 10, 11), (11,))
_MAJOR = ((0, 2, 4, 5, 7, 8, 9, 11), (8,))
_DORIAN = ((0, 2, 3, 4, 5, 7, 9, 10), (4,))
_MELODIC_MINOR = ((0, 2, 3, 5, 7, 8, 9, 11), (8,))
_NONE: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
#: Quality of a chord → its bebop scale; altered and diminished chords have none.
BEBOP_SCALES = {
    **dict.fromkeys(("7", "9", "13", "7b9", "7#11", "7sus"), _DOMINANT),
    **dict.fromkeys(("", "6", "69", "maj7"), _MAJOR),
    **dict.fromkeys(("m7", "m9"), _DORIAN),
    **dict.fromkeys(("m", "m6", "mmaj7"), _MELODIC_MINOR),
}


def enclosure_rate(score: Score) -> float | None:
    """Chord tones that the two notes before approach from both sides, within two semitones / chord tones.

    Source of the figure: Baker, How to Play Bebop (1985), "enclosure". No chord tones: None.
    """
    tones = _sounding_tones(score)
    enclosed = np.zeros(len(tones), dtype=np.bool_)
    earlier, before = score.pitches[:-2] - score.pitches[2:], score.pitches[1:-1] - score.pitches[2:]
    enclosed[2:] = (earlier * before < 0) & (np.abs(earlier) <= 2) & (np.abs(before) <= 2)
    return rate(enclosed, tones)


def chromatic_approach_rate(score: Score) -> float | None:
    """Chord tones reached by a semitone from a note that is not a tone of their chord / chord tones.

    Source of the figure: Levine, The Jazz Theory Book (1995), ch. 8, "chromatic approach". No chord tones: None.
    """
    tones = _sounding_tones(score)
    approached = np.zeros(len(tones), dtype=np.bool_)
    chord = score.chord_index_of(score.onsets)
    from_tone = pitch_class_table(score, tetrad)[chord[1:], score.pitches[:-1] % 12]
    approached[1:] = (np.abs(np.diff(score.pitches)) == 1) & ~from_tone
    return rate(approached, tones)


def bebop_scale_run_rate(score: Score) -> float | None:
    """Notes in runs on a bebop scale / notes under a chord.

    A run is five or more notes in one direction by steps of one or two semitones. All notes are in the bebop scale of
    the sounding chord, and the run passes by semitones through an added note.
    Source of the scales: Baker, How to Play Bebop (1985), vol. 1; Levine (1995), ch. 7.
    """
    chord, pitches = score.chord_index_of(score.onsets), score.pitches
    inside, added = (pitch_class_table(score, members)[chord, pitches % 12] for members in (_scale, _added))
    steps = np.diff(pitches)
    moves = np.where((np.abs(steps) <= 2) & inside[1:] & inside[:-1], np.sign(steps), 0)
    passing = np.zeros(len(pitches), dtype=np.bool_)
    passing[1:-1] = added[1:-1] & (np.abs(steps[1:]) == 1) & (steps[1:] == steps[:-1])
    return rate(_in_runs(moves, RUN, passing), chord_tones(score)[0])


def arpeggio_rate(score: Score) -> float | None:
    """Notes in arpeggios / notes under a chord.

    An arpeggio is three or more tones of one sounding chord in one direction, by intervals of at most a fourth.
    Source of the figure: Baker, How to Play Bebop (1985).
    """
    chord, pitches, tones = score.chord_index_of(score.onsets), score.pitches, _sounding_tones(score)
    steps = np.diff(pitches)
    moves = tones[1:] & tones[:-1] & (chord[1:] == chord[:-1]) & (np.abs(steps) <= LARGEST_SKIP)
    return rate(_in_runs(np.where(moves, np.sign(steps), 0), ARPEGGIO), chord_tones(score)[0])


def _in_runs(moves: Ints, notes: int, needed: Flags | None = None) -> Flags:
    """Which notes are in runs of at least `notes` notes in one direction.

    Args:
        moves: (notes − 1,) from note to note: 1 up, −1 down, 0 neither.
        needed: (notes,) a run counts only if one of its inner notes is set. None: every run counts.
    """
    inside = np.zeros(len(moves) + 1, dtype=np.bool_)
    for start, end in pairwise(np.flatnonzero(np.diff(moves, prepend=2, append=2)).tolist()):
        if moves[start] and end - start + 1 >= notes and (needed is None or needed[start + 1 : end].any()):
            inside[start : end + 1] = True
    return inside


def _sounding_tones(score: Score) -> Flags:
    under, (tones,) = chord_tones(score)
    sounding: Flags = tones & under
    return sounding


def _scale(chord: Chord) -> frozenset[int]:
    degrees, _ = BEBOP_SCALES.get(chord.quality, _NONE)
    return frozenset((chord.root + degree) % 12 for degree in degrees)


def _added(chord: Chord) -> frozenset[int]:
    _, added = BEBOP_SCALES.get(chord.quality, _NONE)
    return frozenset((chord.root + degree) % 12 for degree in added)
