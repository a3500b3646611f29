"""Independent random streams from one seed: every user names its own, so that adding one moves no other."""

import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np

#: Names → a generator on the stream of these names.
Streams = Callable[..., np.random.Generator]


def derive_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on every name, stable over machines and versions."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator on its own stream, e.g. `generator(0, "compose", "blues", 3)`."""
    return np.random.default_rng(derive_seed(seed, *names))


def streams(seed: int) -> Streams:
    """`generator` with its seed: for library code that names its streams and is given no seed."""
    return partial(generator, seed)
