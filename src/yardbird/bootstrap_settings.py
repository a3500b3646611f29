"""The settings of all bootstrap intervals of an evaluation, as one value."""

from dataclasses import dataclass

import numpy as np

from yardbird.seeds import generator


@dataclass(frozen=True)
class Resampling:
    """The number of samples of every bootstrap, and the seed of their random streams."""

    samples: int
    seed: int

    def random(self, stream: str = "bootstrap") -> np.random.Generator:
        """A new generator at the start of the stream: all intervals resample the same groups, independent of others."""
        return generator(self.seed, stream)
