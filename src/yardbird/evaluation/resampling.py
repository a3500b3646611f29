"""The settings of the bootstrap intervals of an evaluation, as one value."""

from dataclasses import dataclass

import numpy as np

from yardbird.seeds import generator


@dataclass(frozen=True)
class Resampling:
    """The number of samples of every bootstrap, and the seed of the random streams."""

    samples: int
    seed: int

    def random(self, stream: str = "bootstrap") -> np.random.Generator:
        """A stream from its start: every interval uses the same resamples, and a new metric does not change others."""
        return generator(self.seed, stream)
