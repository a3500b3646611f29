"""Which key a line is in, by Krumhansl and Schmuckler's correlation with the probe-tone profiles.

Krumhansl, Cognitive Foundations of Musical Pitch (1990), ch. 4; Temperley, What's Key for Key? (Music Perception,
1999), discusses its errors: it leans to the dominant of major keys. We weight by duration, as the original does.
"""

from typing import get_args

import numpy as np

from yardbird.music.pitch import Key, Mode
from yardbird.music.score import Notes

#: Mean goodness-of-fit ratings of the twelve pitch classes above the tonic (Krumhansl and Kessler 1982).
PROFILES: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def estimate_key(notes: Notes) -> Key | None:
    """The key whose profile correlates best with the duration of each pitch class; None for fewer than two classes."""
    weights = np.bincount(notes["pitch"] % 12, notes["duration_tick"], minlength=12)
    if np.count_nonzero(weights) < 2 or np.ptp(weights) == 0:
        return None
    fits = {
        Key(tonic, mode): np.corrcoef(np.roll(PROFILES[mode], tonic), weights)[0, 1]
        for mode in get_args(Mode)
        for tonic in range(12)
    }
    return max(fits, key=lambda key: float(fits[key]))
