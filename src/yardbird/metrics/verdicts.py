"""The yes-or-no figures of an evaluation in plain words, with the numbers that they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass

from yardbird.metrics.coherence import TRAITS
from yardbird.metrics.rows import SELF

#: Figure → a clause that is true whether the verdict is yes or no; `self_` are the figures of the yardstick.
_WORDS = {
    "original": "{coverage_8:.1%} of its figures of 8 intervals and runs of {longest_run:.1f} occur in training solos, "
    "equally long stretches of which share up to {self_coverage_8_high:.1%} and runs of {self_longest_run_high:.1f} "
    "with each other; the longest has {longest_run_most:.0f} intervals, theirs up to {self_longest_run_most_high:.0f}",
    "coherent_phrases": "its phrases have {phrase_notes:g} notes in the median over {coherent_solos:.0f} solos, where "
    "{real_phrase_p10:g} to {real_phrase_p90:g} are asked, as most real ones have",
    "coherent_changes": "its changes are found in {changes_share:.0%} of {changes_solos:.0f} solos "
    "({changes_share_low:.0%} to {changes_share_high:.0%} with 95% confidence), {changes_asked:.0%} being asked",
    "coherent_traits": "{traits_inside:.0f} of "
    + str(len(TRAITS))
    + " bebop traits lie inside the range of real solos, in the mean over {coherent_solos:.0f} solos",
}
VERDICTS = tuple(_WORDS)


@dataclass(frozen=True)
class Told:
    """A verdict of `VERDICTS`: is it met, and the clause with its numbers."""

    figure: str
    met: bool
    words: str


def told(content: Mapping[str, Mapping[str, float]], name: str) -> list[Told]:
    """The verdicts that have been measured on a family, in the order of `VERDICTS`.

    Args:
        content: of reports/evaluate/<family>.json, row by row.
        name: the row of the family.
    """
    own = content.get(name, {})
    numbers = {**own, **{f"self_{figure}": value for figure, value in content.get(SELF, {}).items()}}
    return [Told(figure, bool(own[figure]), _WORDS[figure].format(**numbers)) for figure in VERDICTS if figure in own]
