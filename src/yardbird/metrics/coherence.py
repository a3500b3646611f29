"""Does a set of solos hang together as real ones do? Three plain verdicts, each with its numbers.

    phrases   the median length of its phrases lies between the 10th and the 90th percentile of real phrases
    changes   its changes are found (`harmony.changes_found`) at least nine tenths as often as in real solos
    traits    its mean rate of each bebop figure (`bebop`) lies between those percentiles of real solos

All are the project's own. They are necessary, not sufficient: a set that passes need not be good, one that fails has a
fault that can be named. Real solos are cut to the length of generated ones, so that like meets like.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from yardbird.metrics.bebop import arpeggio_rate, bebop_scale_run_rate, chromatic_approach_rate, enclosure_rate
from yardbird.metrics.harmony import changes_found
from yardbird.metrics.phrase import phrase_lengths
from yardbird.metrics.rows import FLOOR, REAL, Row
from yardbird.music.score import Floats, Ints, Score

LOW, HIGH = 0.1, 0.9
FOUND_SHARE = 0.9
TRAITS: Mapping[str, Callable[[Score], float | None]] = {
    "enclosures": enclosure_rate,
    "chromatic approaches": chromatic_approach_rate,
    "runs on bebop scales": bebop_scale_run_rate,
    "arpeggios": arpeggio_rate,
}


@dataclass(frozen=True)
class Within:
    """A value and the range it is asked to lie in."""

    value: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low <= self.value <= self.high


@dataclass(frozen=True)
class Coherence:
    """The verdicts of a set; a part that cannot be judged (no notes, no chords, no real solos with any) is None."""

    phrases: Within | None  # notes
    changes: Within | None  # share of the solos that have chords
    traits: Mapping[str, Within] | None  # share of the notes, by trait
    solos: int
    with_chords: int  # of them

    def figures(self) -> dict[str, float]:
        """`coherent_phrases`, `coherent_changes`, `coherent_traits`: 1 or 0, each followed by its numbers.

        The share of the solos whose changes are found has a 95 % interval (Wilson 1927): few solos decide little.
        """
        found: dict[str, float] = {}
        if phrases := self.phrases:
            found |= {"coherent_phrases": float(phrases.inside), "phrase_notes": phrases.value}
            found |= {"real_phrase_p10": phrases.low, "real_phrase_p90": phrases.high}
        if changes := self.changes:
            found |= {"coherent_changes": float(changes.inside), "changes_share": changes.value}
            count = round(changes.value * self.with_chords)
            interval = binomtest(count, self.with_chords).proportion_ci(method="wilson")
            found |= {"changes_share_low": interval.low, "changes_share_high": interval.high}
            found |= {"changes_asked": changes.low, "changes_solos": float(self.with_chords)}
        if self.traits:
            inside = [trait.inside for trait in self.traits.values()]
            found |= {"coherent_traits": float(all(inside)), "traits_inside": float(sum(inside))}
        return found | ({"coherent_solos": float(self.solos)} if found else {})


def coherence(solos: Sequence[Score], real: Sequence[Score]) -> Coherence:
    """Judge a set beside real solos."""
    phrases, real_phrases = _phrases(solos), _phrases(real)
    found, real_found = _values(changes_found, solos), _values(changes_found, real)
    rates = {name: (_values(trait, solos), _values(trait, real)) for name, trait in TRAITS.items()}
    return Coherence(
        phrases=_within(float(np.median(phrases)), real_phrases) if len(phrases) and len(real_phrases) else None,
        changes=Within(float(found.mean()), FOUND_SHARE * float(real_found.mean()), 1.0)
        if len(found) and len(real_found)
        else None,
        traits={name: _within(float(own.mean()), theirs) for name, (own, theirs) in rates.items()}
        if all(len(own) and len(theirs) for own, theirs in rates.values())
        else None,
        solos=len(solos),
        with_chords=len(found),
    )


def coherence_rows(sets: Mapping[str, Sequence[Score]]) -> list[Row]:
    """The figures of every set but the real ones, which they are judged by."""
    return [
        Row(name, figure, value, None, len(solos), None)
        for name, solos in sets.items()
        if name not in (REAL, FLOOR)
        for figure, value in coherence(solos, sets[REAL]).figures().items()
    ]


def _within(value: float, real: Floats | Ints) -> Within:
    low, high = np.quantile(real, [LOW, HIGH]).tolist()
    return Within(value, low, high)


def _phrases(solos: Sequence[Score]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *(phrase_lengths(score) for score in solos)])


def _values(metric: Callable[[Score], float | None], solos: Sequence[Score]) -> Floats:
    return np.array([value for score in solos if (value := metric(score)) is not None])
