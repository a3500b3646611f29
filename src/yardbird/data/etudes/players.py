"""Two invented players: their weights for figures and rhythms, and their phrasing and accents."""

from dataclasses import dataclass

from yardbird.data.manifest import SYNTHETIC

#: A beat's onsets in twelfths.
BEATS: dict[str, tuple[int, ...]] = {
    "e": (0, 6),
    "t": (0, 4, 8),
    "T": (0, 4, 8),
    "s": (0, 3, 6, 9),
    "x": (0, 2, 4, 6, 8, 10),
    "m": (0, 2, 4, 6),
    "g": (0, 6, 9),
    "q": (0,),
    "o": (6,),
    "h": (),  # the note of the previous beat continues
}

TURNS = "Tm"  # start with a note, its upper neighbour, and the note again

#: Figures that lead to a goal, relative to it: t = chord tones, c = semitones,
#: d = steps of the plain scale, s = steps of the bebop scale; + above, - below.
FIGURES: dict[str, str] = {
    "run down": "s+3 s+2 s+1",
    "run up": "s-3 s-2 s-1",
    "enclosure": "s+1 c-1",
    "long enclosure": "s+2 s+1 c-1",
    "enclosure from below": "c-1 s+1",
    "double chromatic": "s+1 c-2 c-1",
    "chromatic from above": "c+2 c+1",
    "chromatic from below": "c-2 c-1",
    "arpeggio up": "t-3 t-2 t-1",
    "arpeggio down": "t+3 t+2 t+1",
    "third above": "d+2",
    "third below": "d-2",
    "thirds down": "s+4 s+2 s+3 s+1",
    "pivot": "d-3 t+1 s+1",
    "leap and fall": "t-1 t+2 s+2 s+1",
    "step above": "s+1",
    "step below": "s-1",
    "leading note": "c-1",
    "broken chord": "t+1 t-1 t+2",
    "thirds up": "d-6 d-4 d-2",
    "thirds fall": "d+6 d+4 d+2",
    "scale down": "d+3 d+2 d+1",
    "scale up": "d-3 d-2 d-1",
    "octave drop": "c+12 s+1",
}


@dataclass(frozen=True)
class Player:
    """Weights are relative; lengths are in half bars."""

    name: str
    rhythms: dict[str, float]  # two beats each
    figures: dict[str, float]
    pickups: dict[str, float]  # onsets before the first goal: e.g. "eee" is three eighths
    phrase_lengths: dict[int, float]
    breaths: dict[int, float]
    tension: float  # share of goals that are ninths, elevenths or thirteenths instead of chord tones
    anticipation: float  # share of goals that are an eighth early
    recall: float  # share of phrases that vary an earlier one
    qpm: tuple[float, float]  # slowest and fastest


WREN = Player(
    name=f"Wren Fable {SYNTHETIC}",
    rhythms={
        "ee": 60, "eT": 4, "Te": 4, "et": 3, "me": 5, "em": 2, "qe": 5, "eq": 4, "ge": 3, "es": 3, "qo": 3, "eo": 5,
    },
    figures={
        "run down": 5, "run up": 1, "scale down": 5, "scale up": 1.5, "enclosure": 2, "long enclosure": 2,
        "enclosure from below": 1, "double chromatic": 1, "chromatic from above": 1, "chromatic from below": 0.7,
        "arpeggio up": 0.5, "arpeggio down": 0.2, "thirds up": 4, "thirds fall": 1.5, "third above": 0.8,
        "third below": 0.6, "thirds down": 2, "pivot": 1.5, "leap and fall": 2.5, "step above": 1, "step below": 0.5,
        "leading note": 0.5, "octave drop": 0.4,
    },
    pickups={"": 2, "e": 2, "ee": 1.5, "eee": 4, "ttt": 1},
    phrase_lengths={1: 4, 2: 4, 3: 4, 4: 3, 5: 3, 6: 2, 7: 2, 8: 1.5, 10: 1},
    breaths={1: 4, 2: 4, 3: 1},
    tension=0.3, anticipation=0.12, recall=0.3, qpm=(150, 300),
)  # fmt: skip

OTTO = Player(
    name=f"Otto Cascade {SYNTHETIC}",
    rhythms={
        "ee": 34, "ss": 5, "es": 7, "se": 7, "tt": 3, "te": 3, "et": 3, "xe": 2, "ex": 2, "qe": 5, "eq": 4, "qo": 4,
        "eo": 5, "qh": 1,
    },
    figures={
        "run down": 5, "run up": 2, "scale down": 5, "scale up": 1.5, "enclosure": 1, "long enclosure": 1,
        "enclosure from below": 0.6, "double chromatic": 0.8, "chromatic from above": 1, "chromatic from below": 0.7,
        "arpeggio up": 0.7, "arpeggio down": 0.5, "thirds up": 4, "thirds fall": 3, "third above": 0.7,
        "third below": 0.7, "thirds down": 2.5, "pivot": 1, "leap and fall": 2, "step above": 1, "step below": 1,
        "broken chord": 0.6, "octave drop": 0.4,
    },
    pickups={"": 4, "e": 2, "ee": 1, "ssss": 2, "ttt": 1},
    phrase_lengths={1: 5, 2: 4, 3: 4, 4: 3, 5: 2, 6: 2, 8: 1},
    breaths={1: 3, 2: 4, 3: 2},
    tension=0.3, anticipation=0.12, recall=0.35, qpm=(120, 220),
)  # fmt: skip

PLAYERS = (WREN, OTTO)
