"""A quiet rhythm section under a solo, so that one hears the changes: piano shells and a walking bass.

Plain rules, no randomness: the same changes always give the same accompaniment.
"""

from dataclasses import replace

from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.score import Score, make_notes

PIANO, ACOUSTIC_BASS = 0, 32  # General MIDI programs, counted from 0
_BASS_RANGE = (28, 50)  # E1, the open string, … D3
_SHELL_CENTRE = 57  # A3: shells lie around it, below the alto's lines
_OFFBEAT = 5 / 3  # the swung "and" of two, in beats


def accompaniment(score: Score) -> tuple[Score, ...]:
    """The rhythm section of a score as (piano, bass), on its ticks and tempo; empty where no chord sounds."""
    if not any(change.chord for change in score.chords):
        return ()
    return (_piano(score), _bass(score))


def _piano(score: Score) -> Score:
    """Third and seventh (or sixth) with the fifth between, at each change and on the swung "and" of two of each bar."""
    starts = [change.tick for change in score.chords]
    hits = {tick for tick in starts if tick < score.end_tick}
    for bar in score.bar_ticks.tolist():
        offbeat = bar + round(_OFFBEAT * score.ticks_per_beat)
        hits |= {tick for tick in (bar, offbeat) if tick < score.end_tick}
    ticks = sorted(hits)
    rows = []
    for tick, stop in zip(ticks, [*ticks[1:], score.end_tick], strict=True):
        chord = _chord_at(score, tick)
        if chord is None:
            continue
        duration = max(1, min(stop - tick, score.ticks_per_beat) * 9 // 10)
        rows += [(tick, duration, pitch, 64) for pitch in _shell(chord)]
    return replace(score, notes=make_notes(rows), program=PIANO)


def _shell(chord: Chord) -> list[int]:
    tones = QUALITIES[chord.quality][1:]
    return sorted(_nearest((chord.root + tone) % 12, _SHELL_CENTRE, (48, 66)) for tone in tones)


def _bass(score: Score) -> Score:
    """One note a beat: the foot of a new chord, its tones while it lasts, a half step into the next change."""
    rows = []
    previous = 40
    beat_ticks = score.ticks_per_beat
    walked = 0  # beats since the chord was struck
    for tick in range(0, score.end_tick, beat_ticks):
        chord = _chord_at(score, tick)
        if chord is None:
            continue
        following = _chord_at(score, tick + beat_ticks)
        struck = tick == 0 or _chord_at(score, tick - beat_ticks) != chord
        walked = 0 if struck else walked + 1
        if struck:
            previous = _nearest(_foot(chord), previous, _BASS_RANGE)
        elif following is not None and following != chord:
            goal = _nearest(_foot(following), previous, _BASS_RANGE)
            previous = goal + (1 if previous > goal else -1)
        else:
            tones = QUALITIES[chord.quality]
            previous = _nearest((chord.root + tones[walked % len(tones)]) % 12, previous, _BASS_RANGE)
        rows.append((tick, max(1, beat_ticks * 9 // 10), previous, 90))
    return replace(score, notes=make_notes(rows), program=ACOUSTIC_BASS)


def _foot(chord: Chord) -> int:
    return chord.root if chord.bass is None else chord.bass


def _chord_at(score: Score, tick: int) -> Chord | None:
    sounding = [change.chord for change in score.chords if change.tick <= tick]
    return sounding[-1] if sounding else None


def _nearest(pitch_class: int, pitch: int, pitch_range: tuple[int, int]) -> int:
    """The pitch of that class nearest to `pitch` inside the range (which spans at least an octave)."""
    low, high = pitch_range
    return min((p for p in range(low, high + 1) if p % 12 == pitch_class), key=lambda p: (abs(p - pitch), p))
