"""The yes-or-no metrics of an evaluation as text, with the values that they depend on."""

from collections.abc import Mapping
from dataclasses import dataclass

from yardbird.metrics.coherence import RATES
from yardbird.metrics.set_rows import SELF

#: Metric → (value, its meaning and requirement). `self_` marks metrics of the self-quotation row.
_TEXTS = {
    "original": (
        "{coverage_8:.1%}",
        "of runs of 8 intervals occur in training solos (limit {self_coverage_8_high:.1%}); "
        "longest run of a solo: {longest_run:.1f} intervals in the mean (limit {self_longest_run_high:.1f}), "
        "{longest_run_most:.0f} at most (limit {self_longest_run_most_high:.0f})",
    ),
    "coherent_phrases": (
        "{phrase_notes:g}",
        "notes a phrase (required: {real_phrase_p10:g} to {real_phrase_p90:g}), median of {coherent_solos:.0f} solos",
    ),
    "coherent_changes": (
        "{changes_share:.0%}",
        "of {changes_solos:.0f} solos follow their changes (required: {changes_asked:.0%}); "
        "95% interval {changes_share_low:.0%} to {changes_share_high:.0%}",
    ),
    "coherent_traits": (
        "{traits_inside:.0f} of " + str(len(RATES)),
        "bebop traits lie in the range of real solos, mean of {coherent_solos:.0f} solos",
    ),
}
VERDICTS = tuple(_TEXTS)


@dataclass(frozen=True)
class FamilyVerdict:
    """A verdict of `VERDICTS`: whether it is met, its value, and a clause with its meaning and requirement."""

    figure: str
    met: bool
    value: str
    clause: str

    @property
    def words(self) -> str:
        """Value and clause. The text is correct whether the verdict is met or not."""
        return f"{self.value} {self.clause}"


def family_verdicts(content: Mapping[str, Mapping[str, float]], name: str) -> list[FamilyVerdict]:
    """The verdicts that were measured for a family, in the order of `VERDICTS`.

    Args:
        content: reports/evaluate/<family>.json, row by row.
        name: the row of the family.
    """
    own = content.get(name, {})
    numbers = {**own, **{f"self_{figure}": value for figure, value in content.get(SELF, {}).items()}}
    return [
        FamilyVerdict(figure, bool(own[figure]), *(text.format(**numbers) for text in _TEXTS[figure]))
        for figure in VERDICTS
        if figure in own
    ]
