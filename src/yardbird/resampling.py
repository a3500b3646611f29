"""How the intervals of an evaluation are drawn: one value instead of a number of samples and a seed."""

from dataclasses import dataclass

import numpy as np

from yardbird.seeds import generator


@dataclass(frozen=True)
class Resampling:
    """The samples of every bootstrap, and the seed of their random streams."""

    samples: int
    seed: int

    def random(self, stream: str = "bootstrap") -> np.random.Generator:
        """The stream from its start: each interval draws the same groups, and a new metric changes no other's."""
        return generator(self.seed, stream)
