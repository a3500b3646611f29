"""How the search for near duplicates grows with the number of solos that share one n-gram of intervals.

The stage `split` links solos that share many n-grams. Counting the shared n-grams of all pairs, which `linked`
replaces, is measured with up to 3,000 solos: its counts of 10,000 solos take 6 GiB.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, Variant, main, measure

from yardbird.data.splitting import NGRAM, linked

SHARE = 0.13
GRAMS_PER_SOLO, MOST_COUNTED = 250, 3000


def solos(count: int) -> dict[str, frozenset[bytes]]:
    """The n-grams of random solos that share one."""
    draw = random.Random(0)
    own = {f"solo_{number:05}": [draw.randbytes(NGRAM) for _ in range(GRAMS_PER_SOLO)] for number in range(count)}
    return {solo: frozenset([bytes(NGRAM), *grams]) for solo, grams in own.items()}


def linked_by_counting(grams: Mapping[str, frozenset[bytes]], share: float) -> list[tuple[str, str]]:
    holders: defaultdict[bytes, list[str]] = defaultdict(list)
    for solo in sorted(grams):
        for gram in grams[solo]:
            holders[gram].append(solo)
    common = Counter(pair for own in holders.values() for pair in combinations(own, 2))
    return sorted(
        pair for pair, count in common.items() if count > share * min(len(grams[pair[0]]), len(grams[pair[1]]))
    )


def benchmark(rounds: int) -> Iterator[list[Row]]:
    for count in (1000, 3000, 10_000):
        corpus = solos(count)
        variants: dict[str, Variant] = {"ours": partial(linked, corpus, SHARE)}
        if count <= MOST_COUNTED:
            variants["counting all pairs"] = partial(linked_by_counting, corpus, SHARE)
        yield measure("solos that share one 10-gram", variants, rounds, axis="files", size=count)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=5)
