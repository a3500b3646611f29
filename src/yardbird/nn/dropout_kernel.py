"""Dropout in one compiled pass, from random numbers that are computed and not stored."""

import numpy as np
from numpy.typing import NDArray

from yardbird.nn.machine_code import compiled, compiled_part

Floats = NDArray[np.float32]


@compiled
def thin(x: Floats, seed: int, dropped: int, scale: float, residual: Floats, adds: bool, out: Floats) -> None:
    """Write scale · x where an element is kept, else 0; with `adds`, residual + that.

    The same seed keeps the same elements, so a backward pass needs no mask.

    Args:
        x, residual, out: (n,); `out` shares no memory with the others. Without `adds`, `residual` is not read.
        dropped: how many of 256 equally probable draws drop an element.
    """
    start, factor = row_start(seed, 0), np.float32(scale)
    step = step_from(start)
    for place in range(len(x)):
        kept = x[place] * factor if _keeps(start, step, place, dropped) else np.float32(0)
        out[place] = residual[place] + kept if adds else kept


@compiled
def thin_in_place(x: Floats, seed: int, dropped: int) -> None:
    """Write 0 to the elements that `thin` drops. With two names for the same memory, `thin` would not be vectorised."""
    start = row_start(seed, 0)
    step = step_from(start)
    for place in range(len(x)):
        x[place] = x[place] if _keeps(start, step, place, dropped) else np.float32(0)


@compiled_part
def _keeps(start: np.uint32, step: np.uint32, place: int, dropped: int) -> bool:
    draw = mixed(np.uint32(start + np.uint32(np.uint32(place) * step)))
    return bool(draw >= np.uint32(dropped << 24))


@compiled_part
def row_start(seed: int, row: int) -> np.uint32:
    """Where the counter of a row of random numbers starts."""
    return mixed(np.uint32(mixed(np.uint32(seed)) + mixed(np.uint32(np.uint32(seed >> 32) + np.uint32(row)))))


@compiled_part
def step_from(start: np.uint32) -> np.uint32:
    """The step of the counter, odd: with the same step for all, most rows would contain a part of another."""
    return np.uint32(mixed(np.uint32(start ^ np.uint32(0x9E3779B9))) | np.uint32(1))


@compiled_part
def mixed(x: np.uint32) -> np.uint32:
    """32 random bits from a counter: the finaliser of MurmurHash3. `attention_kernel` uses it too."""
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    x = np.uint32((x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(x ^ (x >> np.uint32(16)))
