"""Evaluates the votes: for every source its share or mean opinion, compared with that of the real clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.questions import DECOY, KINDS, REAL, Kind, Mode
from yardbird.blindtest.statistics import (
    DRAWS,
    difference,
    opinion,
    power,
    redrawn_means,
    sensitivity,
    strengths,
    votes_needed,
    z_of,
)
from yardbird.blindtest.votes import EXPERTISE, TRIALS, Given, Listener
from yardbird.metrics.estimates import Estimate, share
from yardbird.music.score import Floats
from yardbird.seeds import generator

GOAL = 0.5  # share of generated solos judged as the artist
ENOUGH_TRIALS = TRIALS - 1  # right answers that show headphones (Woods et al. 2017)

Votes = Mapping[str, Given]
#: Phrases for a source that is rated lower and higher than the real clips.
_COMPARISONS: Mapping[Mode, tuple[str, str]] = {
    "yes_no": (
        "listeners distinguish it from the real clips",
        "it is judged as the artist more often than the real clips",
    ),
    "scale": ("it is rated lower than the real clips", "it is rated higher than the real clips"),
    "pairs": ("the real clips are preferred to it", "it is preferred to the real clips"),
}


@dataclass(frozen=True)
class SourceResult:
    """The votes on a source; values are None without votes or, for the real clips, without a comparison.

    Attributes:
        clips: the clips that were judged; in mode `pairs` the pairs, without those of two clips of the source.
        answers: how often each answer was given; in mode `pairs`, `a` if the clip of this source was chosen.
        value: the share of Yes, the mean opinion, or the share of comparisons won, with an interval that generalises to
            other clips and listeners.
        independent: the same value with the interval that assumes independent votes.
        behind: the value of the real clips minus that of the source; in mode `pairs`, the share that the real clips win
            against it minus one half.
        d_prime: of Yes and No, compared with the real clips.
        power: of Yes and No: the probability of detecting a difference of `smallest_difference` from the real clips.
        needed: the votes on each of the two for a power of 0.8.
        strength: of pairs: the strength of the source in the model of Bradley & Terry, minus that of the real clips.
    """

    source: str
    clips: int
    votes: int
    answers: Mapping[str, int]
    value: Estimate | None
    independent: Estimate | None
    behind: Estimate | None = None
    d_prime: Estimate | None = None
    power: float | None = None
    needed: int | None = None
    strength: Estimate | None = None
    verdict: str = "no votes"


@dataclass(frozen=True)
class Match:
    """The pairs of two sources: `value` and `independent` are the share that `source` won, as in `SourceResult`."""

    source: str
    other: str
    pairs: int
    won: int
    votes: int
    value: Estimate | None
    independent: Estimate | None


@dataclass(frozen=True)
class Group:
    """The listeners of one level of expertise, or all; `matches` are those of a test of pairs."""

    name: str
    listeners: int
    sources: tuple[SourceResult, ...]
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Results:
    """Results of the listeners who finished and passed every attention check; the others are only counted.

    Attributes:
        headphones: how many of the counted listeners passed, failed and skipped the headphone check.
    """

    mode: Mode
    artist: str
    smallest_difference: float
    total: Group
    by_expertise: tuple[Group, ...]
    failed_checks: int
    unfinished: int
    from_files: int
    headphones: Mapping[str, int]
    left_out: tuple[str, ...]


def sort_listeners(test: BlindTest, key: Key, everything: Mapping[str, tuple[Listener, Votes]]) -> dict[str, str]:
    """Listener → `counted`, `failed a check` or `unfinished`."""

    def status(votes: Votes) -> str:
        if any(name in votes and votes[name].answer != right for name, right in key.right.items()):
            return "failed a check"
        return "counted" if all(question[0] in votes for question in test.questions) else "unfinished"

    return {name: status(votes) for name, (_, votes) in everything.items()}


def results_of(test: BlindTest, key: Key, everything: Mapping[str, tuple[Listener, Votes]]) -> Results:
    """Read the votes of a test with its key."""
    smallest = float(key.params["smallest_difference"])
    sorts = sort_listeners(test, key, everything)
    counted = [entry for name, entry in everything.items() if sorts[name] == "counted"]

    def group(name: str, votes: Sequence[Votes]) -> Group:
        sources, matches = (_compared if test.mode == "pairs" else _rated)(test, key, votes, smallest)
        return Group(name, len(votes), sources, matches)

    everyone = group("all", [votes for _, votes in counted])
    groups = [group(level, [votes for person, votes in counted if person.expertise == level]) for level in EXPERTISE]
    checks = [person.headphones for person, _ in counted]
    headphones = {
        "passed": sum(right is not None and right >= ENOUGH_TRIALS for right in checks),
        "failed": sum(right is not None and right < ENOUGH_TRIALS for right in checks),
        "skipped": sum(right is None for right in checks),
    }
    failed, unfinished = (list(sorts.values()).count(status) for status in ("failed a check", "unfinished"))
    from_files = sum(person.via == "file" for person, _ in counted)
    return Results(
        test.mode,
        test.artist,
        smallest,
        everyone,
        tuple(groups),
        failed,
        unfinished,
        from_files,
        headphones,
        key.left_out,
    )


def _rated(
    test: BlindTest, key: Key, listeners: Sequence[Votes], smallest: float
) -> tuple[tuple[SourceResult, ...], tuple[Match, ...]]:
    """The results of questions about one clip."""
    kind = KINDS[test.mode]
    clips = {source: [clip for clip, origin in key.clips.items() if origin.source == source] for source in key.sources}
    values = {
        source: np.array([[kind.value(votes[clip].answer) for clip in own] for votes in listeners], dtype=float)
        for source, own in clips.items()
    }
    if not listeners:
        return tuple(SourceResult(source, len(own), 0, {}, None, None) for source, own in clips.items()), ()
    several = {source: votes for source, votes in values.items() if min(votes.shape) > 1}
    redrawn = redrawn_means(several, key.seed) if several else {}
    independent = {source: _independent(kind, votes) for source, votes in values.items()}
    rows = []
    for source, votes in values.items():
        value = independent[source].widened(redrawn[source]) if source in redrawn else None
        counts = {answer: int(np.sum(votes == kind.value(answer))) for answer in kind.answers}
        row = SourceResult(source, len(clips[source]), votes.size, counts, value, independent[source])
        if source != REAL:
            row = _against_real(row, test.mode, independent[REAL], redrawn, smallest)
        rows.append(replace(row, verdict=_verdict(test.mode, row, smallest)))
    return tuple(rows), ()


def _independent(kind: Kind, votes: Floats) -> Estimate:
    return share(int(votes.sum()), votes.size) if kind.bounds == (0, 1) else opinion(votes, kind.bounds)


def _against_real(
    row: SourceResult, mode: Mode, real: Estimate, redrawn: Mapping[str, Floats], smallest: float
) -> SourceResult:
    """The row with its comparison with the real clips."""
    own = row.independent
    assert own, "there are votes"
    assert own.n
    assert real.n
    generalises = row.value is not None and REAL in redrawn
    if generalises:
        row = replace(row, behind=difference(real, own).widened(redrawn[REAL] - redrawn[row.source]))
    if mode != "yes_no":
        return row
    row = replace(
        row, power=power(real.value, smallest, real.n, own.n), needed=votes_needed(real.value, smallest)
    )  # fmt: skip
    if not generalises:
        return row
    apart = z_of(redrawn[REAL], real.n) - z_of(redrawn[row.source], own.n)
    hits, alarms = round(real.value * real.n), round(own.value * own.n)
    return replace(row, d_prime=sensitivity(hits, real.n, alarms, own.n).widened(apart))


def _compared(
    test: BlindTest, key: Key, listeners: Sequence[Votes], smallest: float
) -> tuple[tuple[SourceResult, ...], tuple[Match, ...]]:
    """The results of pairs. No clip is in two pairs, so pairs are resampled as clips are.

    Indices `i` and `j` are sources in the order of the key; source 0 is the real one.
    """
    count = len(key.sources)
    pairs_of: dict[frozenset[str], list[tuple[str, ...]]] = {}
    for pair in test.questions:
        pairs_of.setdefault(frozenset(key.clips[clip].source for clip in pair), []).append(pair)
    won: dict[tuple[int, int], Floats] = {}  # whether source i won against j, shape (listeners, pairs)
    for i, j in combinations(range(count), 2):
        pairs = pairs_of.get(frozenset((key.sources[i], key.sources[j])), [])
        prefers_i = {pair[0]: "a" if key.clips[pair[0]].source == key.sources[i] else "b" for pair in pairs}
        answers = [[votes[name].answer == answer for name, answer in prefers_i.items()] for votes in listeners]
        won[i, j] = np.array(answers, dtype=float).reshape(len(listeners), len(pairs))
    several = {f"{key.sources[i]}/{key.sources[j]}": votes for (i, j), votes in won.items() if min(votes.shape) > 1}
    redrawn = redrawn_means(several, key.seed) if several else {}
    wins, shares = np.zeros((count, count)), np.full((DRAWS, count, count), np.nan)
    matches = []
    for (i, j), votes in won.items():
        one, other = key.sources[i], key.sources[j]
        wins[i, j], wins[j, i] = votes.sum(), votes.size - votes.sum()
        draws = redrawn.get(f"{one}/{other}")
        if draws is not None:
            shares[:, i, j], shares[:, j, i] = draws, 1 - draws
        independent, value = _share(wins[i, j], votes.size, draws)
        matches.append(Match(one, other, votes.shape[1], int(wins[i, j]), votes.size, value, independent))
    played = wins + wins.T
    relative = _strengths(wins, shares, key.seed)
    rows = []
    for i, source in enumerate(key.sources):
        used = played[i] > 0
        total, own = int(played[i].sum()), int(wins[i].sum())
        known = total > 0 and not np.isnan(shares[:, i, used]).any()
        independent, value = _share(own, total, shares[:, i, used] @ played[i, used] / total if known else None)
        in_pairs = sum(match.pairs for match in matches if source in (match.source, match.other))
        row = SourceResult(source, in_pairs, total, {"a": own, "b": total - own}, value, independent)
        if source != REAL and relative:
            row = replace(row, strength=relative[i])
        against_real = matches[i - 1].value if source != REAL else None  # the first matches are those of source 0
        if against_real:
            low, high = against_real.span
            half = Estimate(against_real.value - 0.5, low - 0.5, high - 0.5, against_real.n)
            row = replace(row, behind=half)
        rows.append(replace(row, verdict=_verdict(test.mode, row, smallest)))
    return tuple(rows), tuple(matches)


def _share(won: float, votes: int, draws: Floats | None) -> tuple[Estimate | None, Estimate | None]:
    """A share of wins with its interval for independent votes, and with the one that generalises; None if unknown."""
    independent = share(int(won), votes) if votes else None
    return independent, independent.widened(draws) if independent and draws is not None else None


def _strengths(wins: Floats, shares: Floats, seed: int) -> Sequence[Estimate] | None:
    """The strength of every source relative to source 0; None if one of the matches does not generalise.

    Args:
        wins: of source i against j, shape (sources, sources).
        shares: the share of these wins in each bootstrap sample, shape (draws, sources, sources).

    The interval includes that of independent votes, for which the share of every match is drawn from its posterior
    under the prior of Jeffreys.
    """
    played = wins + wins.T
    compared = played > 0
    if np.isnan(shares[:, compared]).any() or not compared[0, 1:].all():
        return None
    half = 0.5 * compared
    drawn = generator(seed, "blind_test", "strengths").beta(wins + 0.5, wins.T + 0.5, size=shares.shape)
    upper = np.triu(np.clip(drawn, 1e-9, 1 - 1e-9), 1)  # rounding could give 1, and so a match without a win
    posterior = upper + np.triu(1 - upper, 1).swapaxes(1, 2)
    value = strengths(wins + half)
    independent = strengths(posterior * (played + 2 * half))
    redrawn = strengths(np.where(compared, shares, 0) * played + half)
    return [Estimate.drawn(float(value[i]), independent[:, i]).widened(redrawn[:, i]) for i in range(len(wins))]


def _verdict(mode: Mode, row: SourceResult, smallest: float) -> str:
    """The verdict in words, with its uncertainty."""
    if not row.votes:
        return "no votes"
    if row.source == REAL:
        return "the reference: the solos of the artist with this synthesizer"
    if not row.value or not row.behind:
        return "undecided: one clip or one listener does not generalise to others"
    comparison = _comparison(mode, row.behind, smallest)
    if mode != "yes_no" or row.source == DECOY:
        return comparison
    least, most = row.value.span
    if least >= GOAL:
        return f"the goal of one half is reached; {comparison}"
    if most < GOAL:
        return f"below the goal of one half; {comparison}"
    return f"undecided: the interval contains one half; {comparison}"


def _comparison(mode: Mode, behind: Estimate, smallest: float) -> str:
    low, high = behind.span
    least, most = KINDS[mode].bounds

    def shown(share: float) -> str:
        return f"{share * (most - least):.1f} points" if mode == "scale" else f"{share:.0%}"

    if low > 0:
        return _COMPARISONS[mode][0]
    if high < 0:
        return _COMPARISONS[mode][1]
    if max(-low, high) < smallest * (most - least):
        return f"not distinguished from the real clips, within {shown(smallest)}"
    apart = max(-low, high) / (most - least)
    return f"not distinguished from the real clips, but the difference may be {shown(apart)}"
