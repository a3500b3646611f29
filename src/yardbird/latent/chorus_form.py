"""Estimates the chorus length of a solo without a named form, from the period at which its changes repeat."""

import numpy as np

from yardbird.music.score import Score

#: Candidate lengths in bars: a blues, half a song, two blues, a song, two songs.
CHORUSES = (12, 16, 24, 32, 64)
_AGREEMENT = 0.65  # share of beats with equal chords; less than 1, as played and edited changes vary between choruses
UNKNOWN = "form unknown"


def form_of(score: Score) -> str:
    """`12-bar chorus` … if the changes repeat after that many bars over at least half a chorus; else `UNKNOWN`.

    Of lengths with equal agreement the shortest is taken, since two choruses also repeat. Chords are compared by root
    and pitch classes at every beat where one of the two sounds. A single chord repeats at any length and is no form.
    """
    bars = score.bar_ticks
    spans = np.append(np.diff(bars), score.meters[-1].bar_ticks(score.ticks_per_beat))
    usual = int(np.median(spans))
    ticks = np.arange(0, score.end_tick, score.ticks_per_beat)
    chords = [score.chords[index].chord if index >= 0 else None for index in score.chord_index_of(ticks)]
    codes = np.array([-1 if chord is None else chord.root << 12 | sum(1 << tone for tone in chord.pitch_classes)
                      for chord in chords])  # fmt: skip
    agreements = {}
    for length in CHORUSES if len({*codes[codes >= 0].tolist()}) > 1 else ():
        shift = length * usual // score.ticks_per_beat
        if len(codes) >= 1.5 * shift:
            earlier, later = codes[:-shift], codes[shift:]
            sounding = (earlier >= 0) | (later >= 0)
            agreements[length] = float((earlier == later)[sounding].mean()) if sounding.any() else 0.0
    best = max(agreements, key=lambda length: (round(agreements[length], 1), -length), default=0)
    return f"{best}-bar chorus" if best and agreements[best] >= _AGREEMENT else UNKNOWN
