"""The bootstrap over groups: the variation of a statistic over resampled groups.

Whole groups (tunes, solos, sounds) are sampled with replacement, because the members of a group are not independent.
`Estimate.drawn` turns the samples into an interval (percentile method). Source: Efron 1979. The caller makes the random
generator. Generators with equal seeds sample the same groups, so that statistics over these groups are paired.
"""

from collections.abc import Callable, Sequence

import numpy as np

from yardbird.music.score import Floats, Ints

#: (groups, samples, random) → the groups of each sample, (samples, groups).
Draw = Callable[[int, int, np.random.Generator], Ints]


def times_drawn(groups: int, samples: int, random: np.random.Generator, taken: int | None = None) -> Ints:
    """How often each sample of `taken` groups (default: all) contains each group: (samples, groups)."""
    return random.multinomial(groups if taken is None else taken, np.full(groups, 1 / groups), size=samples)


def places_drawn(groups: int, samples: int, random: np.random.Generator) -> Ints:
    """The groups of each sample, in the order of sampling: (samples, groups)."""
    return random.integers(groups, size=(samples, groups))


def bootstrap(
    statistic: Callable[..., Floats],
    sizes: Sequence[int],
    samples: int,
    random: np.random.Generator,
    draw: Draw = times_drawn,
) -> Floats:
    """A statistic over `samples` samples of groups: (samples,).

    Args:
        statistic: maps the result of `draw`, (samples, groups) for each stratum, to the values, (samples,).
        sizes: the number of groups of each stratum. Strata are sampled independently, one after another.
        draw: `times_drawn`, or `places_drawn` for a statistic that needs the groups themselves. They use the generator
            in different ways.
    """
    return statistic(*(draw(size, samples, random) for size in sizes))
