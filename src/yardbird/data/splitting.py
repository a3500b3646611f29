"""The split of the tunes into training, validation (model selection) and test (evaluation).

Tune groups are never divided, so that no take, copy or contrafact of a held-out tune is trained on. The split of a
group depends only on a hash of its name: a new tune does not move others, unless it is a copy that links two groups,
which then go to the split of the alphabetically first. The drawback is that the splits are not balanced: in a small
corpus, a split may lack an artist. Then another `salt` gives another split, and the stage suggests one. The salt is
chosen by the artists in each split, never by a result.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from yardbird.config import PARAMS, SPLITS, PositiveFloat, Settings, Split
from yardbird.data.manifest import SoloRow
from yardbird.data.tunes.related import changes_of
from yardbird.errors import ConfigError, InputError, counted
from yardbird.music.midi import read_score
from yardbird.music.score import Ints

#: Transcriptions of one solo share at least 13 % of their interval 10-grams, different tunes less than 9 % (measured).
NGRAM = 10


@dataclass(frozen=True)
class SplitConfig(Settings, section="split"):
    """Section `split` of params.yaml."""

    validation: PositiveFloat  # share of the tune groups
    test: PositiveFloat
    salt: int  # another number gives another split
    linked_share: float  # solos that share more of their interval 10-grams are one group, whatever their names

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation + self.test >= 1:
            expected, found = "two shares that leave one to train on", f"{self.validation} and {self.test}"
            raise ConfigError(PARAMS, "split.validation, split.test", expected=expected, found=found)


class Dealable(Protocol):
    """An item to split: a solo or a recording."""

    @property
    def solo(self) -> str: ...  # its id
    @property
    def artist(self) -> str: ...
    @property
    def tune_group(self) -> str: ...
    @property
    def interval_hash(self) -> str: ...  # equal for items that must share a split, whatever their names


@dataclass(frozen=True)
class Dealt:
    """The split of each solo by its id, and a warning for each split that lacks artists, with a better salt."""

    splits: Mapping[str, Split]
    warnings: tuple[str, ...]


def split_solos(rows: Sequence[SoloRow], ingested: Path, config: SplitConfig, background: Container[str] = ()) -> Dealt:
    """Split the ingested solos.

    Only the solos of the target are split. Background solos go to the split of their group, or to training if the
    group has no target solo. So a background take of a held-out tune is held out, too. Groups are named after target
    tunes only, so background moves a target tune only if it links two groups.

    Args:
        background: names of background sources.

    Raises:
        InputError: a split has no tune of the target.
    """
    grams = {row.solo: interval_grams(read_score(ingested / row.path).pitches) for row in rows}
    return split_by_grams(rows, grams, ingested, config, background)


def split_by_grams(
    rows: Sequence[SoloRow],
    grams: Mapping[str, frozenset[bytes]],
    source: Path,
    config: SplitConfig,
    background: Container[str] = (),
) -> Dealt:
    """`split_solos` with the interval n-grams of each solo; an error names `source`, where tunes can be added."""
    groups = tune_groups(rows, linked(grams, config.linked_share))
    target = [row for row in rows if row.source not in background]
    names: dict[str, str] = {}
    for row in target:
        names[groups[row.solo]] = min(row.tune_group, names.get(groups[row.solo], row.tune_group))
    dealt = deal_out(target, {row.solo: names[groups[row.solo]] for row in target}, source, config)
    split_of = {groups[solo]: split for solo, split in dealt.splits.items()}
    return replace(dealt, splits={row.solo: split_of.get(groups[row.solo], "train") for row in rows})


def deal_out(rows: Sequence[Dealable], groups: Mapping[str, str], source: Path, config: SplitConfig) -> Dealt:
    """Split solos by their groups, and warn of missing artists.

    Raises:
        InputError: a split has no tune; the error names `source`, where tunes can be added.
    """
    splits = deal(groups, config)
    absent = absent_artists(rows, splits)
    if not absent:
        return Dealt(splits, ())
    better = better_salt(rows, groups, config)
    if missing := set(SPLITS) - set(splits.values()):
        filled = set(SPLITS) == set(deal(groups, replace(config, salt=better)).values())
        raise InputError(
            source,
            expected="at least one tune in each split",
            found=f"none for {', '.join(sorted(missing))} among {counted(len(set(groups.values())), 'tune group')}",
            remedy=f"add tunes, or set split.salt to {better}" if filled else "add tunes",
        )
    remedy = f"; split.salt {better} gives a better split" if better != config.salt else ""
    return Dealt(splits, tuple(f"{name} has nothing by {_names(artists)}{remedy}" for name, artists in absent.items()))


def _names(artists: Iterable[str]) -> str:
    return ", ".join(artist or "unnamed artists" for artist in artists)


def absent_artists(rows: Iterable[Dealable], splits: Mapping[str, str]) -> dict[str, list[str]]:
    """Split → the artists that it lacks, for splits that lack any."""
    rows = list(rows)
    artists = {row.artist for row in rows}
    present = {name: {row.artist for row in rows if splits[row.solo] == name} for name in SPLITS}
    return {name: sorted(artists - present[name]) for name in SPLITS if artists - present[name]}


def better_salt(rows: Sequence[Dealable], groups: Mapping[str, str], config: SplitConfig) -> int:
    """The lowest salt with the fewest empty splits and, among these, the fewest missing artists."""

    def absences(salt: int) -> tuple[int, int]:
        splits = deal(groups, replace(config, salt=salt))
        return len(set(SPLITS) - set(splits.values())), sum(map(len, absent_artists(rows, splits).values()))

    return min(range(1000), key=absences)


def tune_groups(rows: Sequence[Dealable], links: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The group of each solo, named after the alphabetically first of its tune groups.

    Solos are in one group if they share the tune group, its changes (contrafacts, in `related.csv`) or the interval
    hash, or are in `links`, directly or through other solos.
    """
    parent: dict[Hashable, Hashable] = {}

    def root(node: Hashable) -> Hashable:
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]
        return node

    for row in rows:
        nodes = (("tune", row.tune_group), ("changes", changes_of(row.tune_group)), ("intervals", row.interval_hash))
        for node in nodes:
            parent[root(node)] = root(row.solo)
    for one, other in links:
        parent[root(one)] = root(other)
    names: dict[Hashable, str] = {}
    for row in rows:
        names[root(row.solo)] = min(row.tune_group, names.get(root(row.solo), row.tune_group))
    return {row.solo: names[root(row.solo)] for row in rows}


def deal(groups: Mapping[str, str], config: SplitConfig) -> dict[str, Split]:
    """The split of each solo, by the hash of its group and the salt."""

    def split_of(group: str) -> Split:
        digest = hashlib.sha256(f"{config.salt}/{group}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < config.test:
            return "test"
        return "validation" if place < config.test + config.validation else "train"

    return {solo: split_of(group) for solo, group in groups.items()}


def interval_grams(pitches: Ints, length: int = NGRAM) -> frozenset[bytes]:
    """All runs of `length` melodic intervals, which are equal in all keys; empty for a shorter line."""
    intervals = np.diff(pitches).astype(np.int8)
    return frozenset(intervals[i : i + length].tobytes() for i in range(len(intervals) - length + 1))


def linked(grams: Mapping[str, frozenset[bytes]], share: float) -> list[tuple[str, str]]:
    """Pairs of solos that share more than `share` of the n-grams of the one with fewer.

    Linear in the number of solos that share less: a solo is compared only with those that hold one of its rarest
    n-grams, as many as leave fewer of the others than a pair must share (prefix filter; Chaudhuri et al. 2006).
    """
    holder_count = Counter(gram for own in grams.values() for gram in own)
    holders: defaultdict[bytes, list[str]] = defaultdict(list)
    for solo, own in grams.items():
        for gram in own:
            if holder_count[gram] > 1:
                holders[gram].append(solo)
    pairs: set[tuple[str, str]] = set()
    for solo, own in grams.items():
        least = share * len(own)
        needed = max(int(least) + 1, 1)
        shared = sorted((gram for gram in own if gram in holders), key=holder_count.__getitem__)
        candidates = {other for gram in shared[: max(len(shared) - needed + 1, 0)] for other in holders[gram]}
        for other in candidates - {solo}:
            if len(grams[other]) >= len(own) and len(own & grams[other]) > least:
                pairs.add((min(solo, other), max(solo, other)))
    return sorted(pairs)
