"""The form of a solo whose file does not name it: how long its chorus is, by where its changes come round again."""

import numpy as np

from yardbird.music.score import Score

#: Lengths in bars that are tried: the blues, half a song, the double blues, the song, the double song.
CHORUSES = (12, 16, 24, 32, 64)
_AGREEMENT = 0.65  # of the chords, beat by beat; players' and editors' changes differ from chorus to chorus
UNKNOWN = "form unknown"


def form_of(score: Score) -> str:
    """`12-bar chorus` … where the changes repeat after so many bars over at least half a chorus; else `UNKNOWN`.

    Of lengths that repeat as well the shortest counts: two choruses are no longer one. Chords are compared by root and
    pitch classes at every beat where one of the two sounds. A single chord comes round always, and is no form.
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
