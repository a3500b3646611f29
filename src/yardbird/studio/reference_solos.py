"""The corpus that solos of the studio are compared with: training solos for quotations, held-out solos for values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from yardbird.evaluation.originality import held_out_pieces, training_index
from yardbird.metrics.bebop import arpeggio_rate, bebop_scale_run_rate, chromatic_approach_rate, enclosure_rate
from yardbird.metrics.coherence import HIGH, LOW, Coherence, coherence
from yardbird.metrics.harmony import chord_tone_rate, on_beat_chord_tone_rate
from yardbird.metrics.phrase import notes_per_bar, phrase_length_quantile
from yardbird.metrics.shared_runs import Originality, OriginalityIndex
from yardbird.music.excerpts import excerpts
from yardbird.music.score import Score
from yardbird.music.swing import swing_ratio
from yardbird.seeds import generator
from yardbird.tables.copies_table import read_copies

_DRAWS = 500  # excerpts of training solos that give the limits of quoting
_JUDGED = ("longest_run", "coverage_8")
_SHARE, _NUMBER = "{:.0%}", "{:.3g}"
#: Measures of a solo for the page: name → (metric, format).
MEASURES: Mapping[str, tuple[Callable[[Score], float | None], str]] = {
    "chord tones": (chord_tone_rate, _SHARE),
    "chord tones on the beat": (on_beat_chord_tone_rate, _SHARE),
    "notes in a phrase": (lambda score: phrase_length_quantile(score, 0.5), _NUMBER),
    "notes a bar": (notes_per_bar, _NUMBER),
    "swing ratio": (swing_ratio, _NUMBER),
    "enclosures": (enclosure_rate, _SHARE),
    "chromatic approaches": (chromatic_approach_rate, _SHARE),
    "runs on bebop scales": (bebop_scale_run_rate, _SHARE),
    "arpeggios": (arpeggio_rate, _SHARE),
}


@dataclass(frozen=True)
class Row:
    """A measure of a solo as text, and the range of real solos: from their 10th to their 90th percentile."""

    name: str
    value: str
    real: str
    inside: bool | None  # None: one of the two is undefined


@dataclass(frozen=True)
class Sign:
    """One verdict on a solo, with its reason."""

    name: str
    met: bool
    reason: str


@dataclass(frozen=True)
class Quotation:
    """What a solo shares with training solos, in words, and the verdict on it (None: too few notes or solos)."""

    words: str
    original: Sign | None


class ReferenceSolos:
    """Training and held-out solos of the pipeline in `data`. They are read when they are first needed."""

    def __init__(self, data: Path) -> None:
        self._data = data

    @property
    def exist(self) -> bool:
        return (self._data / "encoded/events/codec.json").is_file()

    @cached_property
    def index(self) -> OriginalityIndex:
        return training_index(self._data)

    @cached_property
    def held_out(self) -> list[Score]:
        return [piece.score for piece in held_out_pieces(self._data)]

    @cached_property
    def players(self) -> str:
        """The artists of the held-out solos, as in the manifest."""
        rows = read_copies(self._data / "augmented")
        return ", ".join(sorted({row.artist for row in rows if row.is_original and row.split == "test"}))

    def quotation(self, score: Score, start_tick: int = 0) -> Quotation:
        """What a solo quotes from the training solos, from `start_tick` on.

        It is original if neither its longest run nor its share of common runs of 8 intervals is above what 97.5 % of
        excerpts of training solos, of the same number of notes, share with training solos of other tunes.
        """
        found = self.index.compare(score, start_tick)
        notes = int((score.onsets >= start_tick).sum())
        drawn = self.index.draw_known([notes], _DRAWS, generator(0, "studio", notes)) if notes > 1 else {}
        limits = {name: float(np.quantile(drawn[name], 0.975)) for name in _JUDGED if name in drawn}
        return Quotation(_quoted(found), _original(found, limits))

    def rows(self, score: Score) -> list[Row]:
        """Every measure of a solo next to the range of excerpts of held-out solos that are as long."""
        real = self._excerpts(score)
        return [_row(name, score, real) for name in MEASURES]

    def signs(self, score: Score) -> list[Sign]:
        """The verdicts on phrases, changes and bebop figures of one solo, as in the comparison of the models."""
        return signs_of(coherence([score], self._excerpts(score)))

    def _excerpts(self, score: Score) -> list[Score]:
        beats = score.end_tick / score.ticks_per_beat
        return [piece for solo in self.held_out for piece in excerpts(solo, beats)]


def signs_of(found: Coherence) -> list[Sign]:
    """The verdicts of a single solo in words."""
    signs = []
    if phrases := found.phrases:
        reason = f"{phrases.value:g} notes a phrase; real solos: {phrases.low:g} to {phrases.high:g}"
        signs.append(Sign("phrases", phrases.inside, reason))
    if changes := found.changes:
        fits = "more of its notes are chord tones than over the same chords in any other key"
        misses = "as many or more of its notes would be chord tones over the same chords in another key"
        signs.append(Sign("changes", bool(changes.value), fits if changes.value else misses))
    if found.traits:
        outside = [name for name, within in found.traits.items() if not within.inside]
        count = f"{len(found.traits) - len(outside)} of {len(found.traits)} in the range of real solos"
        reason = f"{count}; outside: {', '.join(outside)}" if outside else count
        signs.append(Sign("bebop figures", not outside, reason))
    return signs


def _quoted(found: Originality) -> str:
    if found.origin is None:
        return "It quotes no training solo."
    return f"Longest quotation: {found.longest_run + 1} notes; {found.origin}."


def _original(found: Originality, limits: Mapping[str, float]) -> Sign | None:
    if set(limits) != set(_JUDGED):
        return None
    met = found.longest_run <= limits["longest_run"] and (found.coverage[8] or 0) <= limits["coverage_8"]
    reason = (
        f"runs of 9 notes shared with training solos: {found.coverage[8] or 0:.1%} (limit {limits['coverage_8']:.1%}); "
        f"longest run {found.longest_run} intervals (limit {limits['longest_run']:.0f})"
    )
    return Sign("original", met, reason)


def _row(name: str, score: Score, real: Sequence[Score]) -> Row:
    metric, text = MEASURES[name]
    value = metric(score)
    known = [found for piece in real if (found := metric(piece)) is not None]
    own = "–" if value is None else text.format(value)
    if not known:
        return Row(name, own, "–", None)
    low, high = np.quantile(known, [LOW, HIGH]).tolist()
    return Row(name, own, f"{text.format(low)} – {text.format(high)}", None if value is None else low <= value <= high)
