"""A quiet rhythm section for a solo: piano shells, a walking bass, drums, and a count-in.

It follows fixed rules without randomness: equal solos get equal accompaniment. Its swing ratio is that of the solo.
"""

from dataclasses import replace

from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.score import DRUM_KIT, Meter, Score, Tempo, make_notes
from yardbird.music.swing import swing_ratio

PIANO, ACOUSTIC_BASS = 0, 32  # General MIDI programs, counted from 0
_BASS_RANGE = (28, 50)  # E1, the open string, … D3
_SHELL_CENTRE = 57  # A3: shells lie around it, below the alto's lines
_MOST_SWING = 3.0  # a larger ratio would put the off-beat after the last sixteenth of the beat
_SIDE_STICK, _PEDAL_HI_HAT, _RIDE = 37, 44, 51  # General MIDI's percussion map


def accompaniment(score: Score) -> tuple[Score, ...]:
    """The rhythm section of a score as (piano, bass), on its ticks and tempo; empty for a score without chords."""
    if not any(change.chord for change in score.chords):
        return ()
    return (_piano(score), _bass(score))


def drums(score: Score) -> Score:
    """A ride cymbal on every beat and on the off-beats of two and four, the hi-hat's pedal on two and four."""
    beat_ticks, offbeat = score.ticks_per_beat, off_beat_ticks(score)
    rows = []
    for bar, stop in zip(score.bar_ticks.tolist(), [*score.bar_ticks[1:].tolist(), score.end_tick], strict=True):
        for number, tick in enumerate(range(bar, stop, beat_ticks)):
            if number % 2 == 0 or tick + offbeat >= stop:
                rows.append((tick, min(beat_ticks, stop - tick), _RIDE, 80))
            else:
                rows.append((tick, offbeat, _RIDE, 80))
                rows.append((tick + offbeat, min(beat_ticks, stop - tick) - offbeat, _RIDE, 60))
            if number % 2:
                rows.append((tick, min(offbeat, stop - tick), _PEDAL_HI_HAT, 70))
    return replace(score, notes=make_notes(rows), program=DRUM_KIT)


def count_in(score: Score) -> Score:
    """A bar of side stick beats at the first tempo of the solo; before a pickup, it ends where the pickup starts.

    A beat is the unit of the meter: in 6/8 an eighth.
    """
    ticks, first = score.ticks_per_beat, score.meters[0]
    pickup = len(score.meters) > 1 and score.meters[1].tick == first.bar_ticks(ticks)
    bar = score.meters[1] if pickup and first.bar_ticks(ticks) < score.meters[1].bar_ticks(ticks) else first
    length = bar.bar_ticks(ticks) if bar is first else 2 * bar.bar_ticks(ticks) - first.bar_ticks(ticks)
    beats = range(0, length, ticks * 4 // bar.denominator)
    notes = make_notes([(tick, max(1, beats.step // 2), _SIDE_STICK, 90) for tick in beats])
    meter = Meter(0, bar.numerator, bar.denominator)
    return Score(ticks, notes, length, (Tempo(0, score.tempos[0].qpm),), (meter,), program=DRUM_KIT)


def off_beat_ticks(score: Score) -> int:
    """The position of the second eighth in a beat: the middle, unless the solo swings."""
    ratio = min(max(swing_ratio(score) or 1.0, 1.0), _MOST_SWING)
    return round(score.ticks_per_beat * ratio / (1 + ratio))


def _piano(score: Score) -> Score:
    """Third and seventh (or sixth) with the fifth between, at each change, on each bar line and on the "and" of two."""
    starts = [change.tick for change in score.chords]
    hits = {tick for tick in starts if tick < score.end_tick}
    and_of_two = score.ticks_per_beat + off_beat_ticks(score)
    for bar in score.bar_ticks.tolist():
        hits |= {tick for tick in (bar, bar + and_of_two) if tick < score.end_tick}
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
    """One note per beat: the bass note of a new chord, then its tones, then a half step to the next chord."""
    rows = []
    previous = 40
    beat_ticks = score.ticks_per_beat
    walked = 0  # beats since the chord changed
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
