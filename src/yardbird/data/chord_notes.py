"""Recognition of chords that a part plays as notes, such as a track of block chords, by template matching.

Fujishima, Realtime Chord Recognition of Musical Sound (ICMC 1999), matches pitch classes with templates. We add that
the lowest note is probably the root, and that tensions may be added and the fifth omitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from yardbird.data.chord_texts import without_repeats
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.midi import RawPart
from yardbird.music.score import ChordChange, Notes

#: Quality → the tension that distinguishes it from others with the same chord tones.
_TENSION = {"69": 2, "9": 2, "13": 9, "7b9": 1, "7#9": 3, "7#11": 6, "7b13": 8, "m9": 2}
#: Quality → the tensions that a player may add.
_MAY_ADD = {
    "": {2}, "m": {2}, "maj7": {2, 6, 9}, "13": {2}, "7alt": {1, 3}, "aug7": {2}, "7sus": {2, 9}, "m6": {2}, "m7": {5},
    "m9": {5, 9}, "mmaj7": {2, 9}, "m7b5": {2, 5}, "69": {6}, "7b9": {6, 8, 9}, "7#9": {6, 8}, "7#11": {2, 9},
    "7b13": {1, 2},
}  # fmt: skip
_MISSING, _MISSING_FIFTH, _FOREIGN, _LOWEST, _ADDED = -1.0, -0.25, -1.2, 0.8, 0.6
_MISSING_ROOT = -1.5
_ODD_TONES = 1  # notes are no chord if more tones than this are missing or foreign
_CHORDAL_SHARE = 0.5  # of the onsets of a part
_LEAST_CHORDS = 2
_MOST_HELD = 64  # notes that sound together; a broken file may hold thousands
_BASS_PROGRAMS = range(32, 40)  # of General MIDI


@dataclass(frozen=True)
class _Strike:
    """Notes that start together, and all pitches that sound then, ascending."""

    tick: int
    pitches: tuple[int, ...]

    @property
    def pitch_classes(self) -> frozenset[int]:
        return frozenset(pitch % 12 for pitch in self.pitches)


def chords_from_notes(parts: Sequence[RawPart], ticks_per_beat: int) -> tuple[ChordChange, ...]:
    """The chords of the part with the most of them; a part plays chords if most onsets have three pitch classes.

    Notes that fit no chord count as no chord. The result is empty if no part plays chords.
    """
    tolerance = max(1, ticks_per_beat // 8)
    best: list[_Strike] = []
    for part in parts:
        if part.is_drums:
            continue
        strikes = _strikes(part.notes, tolerance)
        chords = [strike for strike in strikes if len(strike.pitch_classes) >= 3]
        if len(chords) >= max(_LEAST_CHORDS, _CHORDAL_SHARE * len(strikes)) and len(chords) > len(best):
            best = chords
    bass = [part for part in parts if not part.is_drums and _is_bass(part)]
    lowest = {strike.tick: strike.pitches[0] for part in bass for strike in _strikes(part.notes, tolerance)}
    return without_repeats([ChordChange(strike.tick, _named(strike, lowest.get(strike.tick))) for strike in best])


def _is_bass(part: RawPart) -> bool:
    return part.program in _BASS_PROGRAMS or "bass" in part.name.lower()


def _strikes(notes: Notes, tolerance: int) -> list[_Strike]:
    strikes: list[_Strike] = []
    rows = notes[["onset_tick", "duration_tick", "pitch"]].tolist()
    held: list[tuple[int, int]] = []  # end and pitch of notes that may still sound
    first = 0
    while first < len(rows):
        start = rows[first][0]
        last = first
        while last < len(rows) and rows[last][0] <= start + tolerance:
            last += 1
        # a note of the previous chord that overlaps by less than the tolerance does not count
        held = [(end, pitch) for end, pitch in held if end > rows[last - 1][0] + tolerance]
        struck = [(onset + duration, pitch) for onset, duration, pitch in rows[first:last]]
        strikes.append(_Strike(start, tuple(sorted({pitch for _, pitch in held + struck}))))
        held = list(dict.fromkeys(held + struck))[-_MOST_HELD:]
        first = last
    return strikes


def _named(strike: _Strike, bass: int | None) -> Chord | None:
    """The most likely chord; `bass` is the note of a bass part that starts at the same tick."""
    if bass is None:
        return _most_likely(strike.pitch_classes, strike.pitches[0] % 12, True)
    return _most_likely(strike.pitch_classes | {bass % 12}, bass % 12, False)


@lru_cache(maxsize=4096)  # a part repeats its chords
def _most_likely(sounding: frozenset[int], lowest: int, inverted: bool) -> Chord | None:
    """The chord that fits best; if `inverted`, the lowest note may be its bass. None if no chord fits."""
    fits = {
        (root, quality): _fit({(tone - root) % 12 for tone in sounding}, quality) + _LOWEST * (root == lowest)
        for quality in QUALITIES
        for root in range(12)
    }
    root, quality = max(fits, key=lambda chord: fits[chord])
    chord = Chord(root, quality, lowest if inverted and lowest != root else None)
    tones = {(tone - root) % 12 for tone in sounding}
    own = {*QUALITIES[quality], _TENSION.get(quality, 0)}
    odd = len(tones - own - _MAY_ADD.get(quality, set())) + len(own - tones)
    return None if odd > _ODD_TONES else chord


def _fit(tones: set[int], quality: str) -> float:
    own = {*QUALITIES[quality], _TENSION.get(quality, 0)}
    added = tones & _MAY_ADD.get(quality, set()) - own
    missing = own - tones
    score = len(tones & own) + _ADDED * len(added) + _FOREIGN * len(tones - own - added)
    return score + sum(_MISSING_FIFTH if tone == 7 else _MISSING_ROOT if tone == 0 else _MISSING for tone in missing)
