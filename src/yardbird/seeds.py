"""Independent random streams from one seed. Each caller names its stream, so adding one changes no other."""

import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np

#: A function from the names of a stream to its generator.
Streams = Callable[..., np.random.Generator]


def derive_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on every name, the same on every machine and version."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator on the named stream, e.g. `generator(0, "compose", "blues", 3)`."""
    return np.random.default_rng(derive_seed(seed, *names))


def streams(seed: int) -> Streams:
    """`generator` with a fixed seed, for library code that names its streams but does not receive the seed."""
    return partial(generator, seed)
