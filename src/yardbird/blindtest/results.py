"""Evaluates the votes: for every source the share judged as the artist, compared with that of the real clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.plan import DECOY, REAL
from yardbird.blindtest.statistics import (
    difference,
    power,
    redrawn_shares,
    sensitivity,
    votes_needed,
    z_of,
)
from yardbird.blindtest.votes import EXPERTISE, Listener
from yardbird.metrics.estimates import Estimate, share

GOAL = 0.5  # share of generated solos judged as the artist

Votes = Mapping[str, bool]


@dataclass(frozen=True)
class SourceResult:
    """The votes on a source; values are None without votes or, for the real clips, without a comparison.

    `judged` is the share of Yes, `behind` the share of the real clips minus it. Their intervals, and that of `d_prime`,
    generalise to other clips and listeners. `wilson` (of the same share), `power` and `needed` assume independent
    votes. `power` is the probability of detecting a difference of `smallest_difference` from the real clips, `needed`
    the votes on each of the two for a power of 0.8.
    """

    source: str
    clips: int
    yes: int
    votes: int
    wilson: Estimate | None
    judged: Estimate | None
    behind: Estimate | None
    d_prime: Estimate | None
    power: float | None
    needed: int | None
    verdict: str


@dataclass(frozen=True)
class Group:
    """The listeners of one level of expertise, or all."""

    name: str
    listeners: int
    sources: tuple[SourceResult, ...]


@dataclass(frozen=True)
class Results:
    """Results of the listeners who finished and passed every attention check; the others are only counted."""

    artist: str
    smallest_difference: float
    total: Group
    by_expertise: tuple[Group, ...]
    failed_checks: int
    unfinished: int
    from_files: int
    left_out: tuple[str, ...]


def results_of(test: BlindTest, key: Key, everything: Mapping[str, tuple[Listener, Votes]]) -> Results:
    """Read the votes of a test with its key."""
    smallest = float(key.params["smallest_difference"])
    right = {clip: origin.answer for clip, origin in key.clips.items() if origin.answer is not None}
    failed = {name for name, (_, votes) in everything.items() if any(votes.get(c, a) != a for c, a in right.items())}
    unfinished = {name for name, (_, votes) in everything.items() if set(key.clips) - set(votes)} - failed
    counted = {name: entry for name, entry in everything.items() if name not in failed | unfinished}
    groups = []
    for expertise, label in EXPERTISE.items():
        votes = [votes for person, votes in counted.values() if person.expertise == expertise]
        groups.append(Group(label, len(votes), tuple(_sources(key, votes, smallest))))
    votes = [votes for _, votes in counted.values()]
    everyone = Group("all", len(counted), tuple(_sources(key, votes, smallest)))
    files = sum(person.via == "file" for person, _ in counted.values())
    return Results(test.artist, smallest, everyone, tuple(groups), len(failed), len(unfinished), files, key.left_out)


def _sources(key: Key, listeners: Sequence[Votes], smallest: float) -> Iterator[SourceResult]:
    clips = {source: [clip for clip, origin in key.clips.items() if origin.source == source] for source in key.sources}
    answers = {
        source: np.array([[votes[clip] for clip in own] for votes in listeners], dtype=bool)
        for source, own in clips.items()
    }
    several = {source: votes for source, votes in answers.items() if min(votes.shape) > 1}
    redrawn = redrawn_shares(several, key.seed) if several else {}
    real_yes, real_votes = int(answers[REAL].sum()), answers[REAL].size
    for source, votes in answers.items():
        yes, heard = int(votes.sum()), votes.size
        wilson = share(yes, heard) if heard else None
        judged = wilson.widened(redrawn[source]) if wilson and source in redrawn else None
        behind = d_prime = found = needed = None
        verdict = "undecided: one clip or one listener does not generalise to others" if heard else "no votes"
        if heard and source == REAL:
            verdict = "the reference: the share for solos of the artist with this synthesizer"
        elif heard:
            found = power(real_yes / real_votes, smallest, real_votes, heard)
            needed = votes_needed(real_yes / real_votes, smallest)
            if judged and REAL in redrawn:
                real, own = redrawn[REAL], redrawn[source]
                apart = z_of(real, real_votes) - z_of(own, heard)
                behind = difference(real_yes, real_votes, yes, heard).widened(real - own)
                d_prime = sensitivity(real_yes, real_votes, yes, heard).widened(apart)
                verdict = _verdict(source, judged, behind, smallest)
        yield SourceResult(
            source, len(clips[source]), yes, heard, wilson, judged, behind, d_prime, found, needed, verdict
        )


def _verdict(source: str, judged: Estimate, behind: Estimate, smallest: float) -> str:
    """The verdict in words, with its uncertainty."""
    (low, high), (least, most) = behind.span, judged.span
    if low > 0:
        comparison = "listeners distinguish it from the real clips"
    elif high < 0:
        comparison = "it is judged as the artist more often than the real clips"
    elif -smallest < low and high < smallest:
        comparison = f"not distinguished from the real clips, within {smallest:.0%}"
    else:
        comparison = f"not distinguished from the real clips, but the difference may be {max(-low, high):.0%}"
    if source == DECOY:
        return comparison
    if least >= GOAL:
        return f"the goal of one half is reached; {comparison}"
    if most < GOAL:
        return f"below the goal of one half; {comparison}"
    return f"undecided: the interval contains one half; {comparison}"


def as_text(results: Results) -> str:
    """The results as a table for a terminal."""
    total = results.total
    lines = [
        f'Judged "{results.artist}" by {total.listeners} listeners ({results.from_files} from files); not counted: '
        f"{results.failed_checks} who failed an attention check, {results.unfinished} who have not finished",
        "",
        f"{'source':20} {'clips':>5} {'yes / votes':>12} {'share (95 %)':>20} {'Wilson':>11} {'behind real':>22} "
        f"{'d′':>22} {'power':>6}",
    ]
    for row in total.sources:
        cells = [_interval(row.judged, percent=True), _interval(row.behind, percent=True), _interval(row.d_prime)]
        strength = "" if row.power is None else f"{row.power:.0%}"
        count = f"{row.yes} / {row.votes}"
        wilson = "" if row.wilson is None else f"{row.wilson.low:.0%} … {row.wilson.high:.0%}"
        lines.append(
            f"{row.source:20} {row.clips:5} {count:>12} {cells[0]:>20} {wilson:>11} {cells[1]:>22} {cells[2]:>22} "
            f"{strength:>6}"
        )
    lines += ["", *(f"{row.source}: {row.verdict}" for row in total.sources), ""]
    for group in results.by_expertise:
        shares = ", ".join(f"{row.source} {row.wilson.value:.0%}" for row in group.sources if row.wilson)
        lines.append(f"{group.name}: {group.listeners} listeners{'; ' if shares else ''}{shares}")
    lines += [f"not included: {line}" for line in results.left_out]
    return "\n".join(lines)


def _interval(estimate: Estimate | None, *, percent: bool = False) -> str:
    if estimate is None:
        return ""
    if percent:
        return f"{estimate.value:.0%} ({estimate.low:.0%} … {estimate.high:.0%})"
    return f"{estimate.value:.2f} ({estimate.low:.2f} … {estimate.high:.2f})"
