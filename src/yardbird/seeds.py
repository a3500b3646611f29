"""Independent random streams from one seed: every user names its own, so that adding one moves no other."""

import hashlib

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on every name, stable over machines and versions."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator on its own stream, e.g. `generator(0, "compose", "blues", 3)`."""
    return np.random.default_rng(derive_seed(seed, *names))
