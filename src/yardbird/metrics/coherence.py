"""Coherence of a set of solos, compared with real solos: three verdicts, each with its values.

    phrases   the median phrase length is between the 10th and the 90th percentile of real phrases
    changes   the changes are found (`harmony.changes_found`) at least nine tenths as often as in real solos
    traits    the mean rate of each bebop figure (`bebop`) is between these percentiles of real solos

All are the project's own. They are necessary, not sufficient: a set that passes need not be good, but a set that fails
has a specific fault. Real solos are cut to the length of the generated ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yardbird.metrics.bebop import arpeggio_rate, bebop_scale_run_rate, chromatic_approach_rate, enclosure_rate
from yardbird.metrics.estimates import ENDS, Estimate, Results, Shown, exact, share
from yardbird.metrics.harmony import changes_found
from yardbird.metrics.phrase import phrase_lengths
from yardbird.metrics.set_rows import FLOOR, REAL
from yardbird.music.score import Floats, Ints, Score

LOW, HIGH = 0.1, 0.9
FOUND_SHARE = 0.9
RATES: Mapping[str, Callable[[Score], float | None]] = {
    "enclosures": enclosure_rate,
    "chromatic approaches": chromatic_approach_rate,
    "runs on bebop scales": bebop_scale_run_rate,
    "arpeggios": arpeggio_rate,
}
#: The verdicts and the values that they depend on.
SHOWN = (
    Shown(("coherent_phrases", "phrase_notes", "real_phrase_p10", "real_phrase_p90"), optional=True),
    Shown(("coherent_changes", "changes_share", "changes_asked", "changes_solos"), ENDS, optional=True),
    Shown(("coherent_traits", "traits_inside"), optional=True),
    Shown(("coherent_solos",), optional=True),
)


@dataclass(frozen=True)
class Within:
    """A value and its required range."""

    value: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low <= self.value <= self.high


@dataclass(frozen=True)
class Coherence:
    """The verdicts of a set. A part that cannot be judged (no notes, no chords, or no real solos with them) is None."""

    phrases: Within | None  # notes
    changes: Within | None  # share of the solos with chords whose changes are found
    traits: Mapping[str, Within] | None  # share of the notes, by trait
    solos: int
    with_chords: int  # of them

    def estimates(self) -> dict[str, Estimate]:
        """The metrics of `SHOWN`: each verdict as 1 or 0, followed by its values. Parts that are None have none.

        The share of solos whose changes are found has a 95 % interval (Wilson 1927), because few solos decide little.
        """
        found: dict[str, float] = {}
        if phrases := self.phrases:
            found |= {"coherent_phrases": float(phrases.inside), "phrase_notes": phrases.value}
            found |= {"real_phrase_p10": phrases.low, "real_phrase_p90": phrases.high}
        if changes := self.changes:
            found |= {"coherent_changes": float(changes.inside), "changes_share": changes.value}
            found |= {"changes_asked": changes.low, "changes_solos": float(self.with_chords)}
        if self.traits:
            inside = [trait.inside for trait in self.traits.values()]
            found |= {"coherent_traits": float(all(inside)), "traits_inside": float(sum(inside))}
        estimates = exact(found | ({"coherent_solos": float(self.solos)} if found else {}), self.solos)
        if changes:
            estimates["changes_share"] = share(round(changes.value * self.with_chords), self.with_chords)
        return estimates


def coherence(solos: Sequence[Score], real: Sequence[Score]) -> Coherence:
    """Compare a set with real solos."""
    phrases, real_phrases = _phrases(solos), _phrases(real)
    found, real_found = _values(changes_found, solos), _values(changes_found, real)
    rates = {name: (_values(trait, solos), _values(trait, real)) for name, trait in RATES.items()}
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


def coherence_of(sets: Mapping[str, Sequence[Score]]) -> Results:
    """The metrics of every set, compared with the real solos; the real sets themselves have none."""
    return {name: coherence(solos, sets[REAL]).estimates() for name, solos in sets.items() if name not in (REAL, FLOOR)}


def _within(value: float, real: Floats | Ints) -> Within:
    low, high = np.quantile(real, [LOW, HIGH]).tolist()
    return Within(value, low, high)


def _phrases(solos: Sequence[Score]) -> Ints:
    return np.concatenate([np.zeros(0, dtype=np.int64), *(phrase_lengths(score) for score in solos)])


def _values(metric: Callable[[Score], float | None], solos: Sequence[Score]) -> Floats:
    return np.array([value for score in solos if (value := metric(score)) is not None])
