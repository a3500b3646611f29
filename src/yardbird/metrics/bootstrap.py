"""The bootstrap over groups: how much does a statistic vary from one sample of groups to another?

Groups (tunes, solos, sounds) are drawn with replacement, as many as there are, because what belongs to one group is not
independent. `Estimate.drawn` makes the interval of the draws (percentile method). Source: Efron 1979. The caller makes
the random generator: the same generator draws the same groups, so that two statistics over the same groups are paired.
"""

from collections.abc import Callable, Sequence

import numpy as np

from yardbird.music.score import Floats, Ints

#: (groups, samples, random) → the groups of each sample, (samples, groups).
Draw = Callable[[int, int, np.random.Generator], Ints]


def times_drawn(groups: int, samples: int, random: np.random.Generator, taken: int | None = None) -> Ints:
    """How often each group is in each sample of `taken` groups, by default as many as there are: (samples, groups)."""
    return random.multinomial(groups if taken is None else taken, np.full(groups, 1 / groups), size=samples)


def places_drawn(groups: int, samples: int, random: np.random.Generator) -> Ints:
    """Which groups are in each sample, in the order in which they are drawn: (samples, groups)."""
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
        statistic: what `draw` returns, (samples, groups), of each stratum → the values, (samples,).
        sizes: how many groups each stratum has; strata are drawn one after another, each for itself.
        draw: `times_drawn`, or `places_drawn` for a statistic that needs the groups themselves. The two consume the
            generator differently.
    """
    return statistic(*(draw(size, samples, random) for size in sizes))
