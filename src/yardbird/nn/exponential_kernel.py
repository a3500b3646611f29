"""The exponential function in single precision for compiled functions to build on.

A call of the library's exp would keep the compiler from computing all lanes of a register at once.
"""

import numpy as np

from yardbird.nn.machine_code import compiled_part

_LOWEST = np.float32(-87.0)  # exp of less would be subnormal


@compiled_part
def exponential(x: np.float32) -> np.float32:
    """exp(x) to single precision, for x ≤ 88: 2ⁿ exp(r) with |r| ≤ ln 2 / 2, where a polynomial gives exp(r)."""
    x = max(x, _LOWEST)
    n: np.float32 = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    power = np.float32(1 / 720)
    power = power * r + np.float32(1 / 120)
    power = power * r + np.float32(1 / 24)
    power = power * r + np.float32(1 / 6)
    power = power * r + np.float32(1 / 2)
    power = (power * r + np.float32(1)) * r + np.float32(1)
    return power * from_bits(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))


@compiled_part
def finite(x: np.float32) -> bool:
    """From the bits, because the compiler assumes that all numbers are finite. A diverged training must be seen."""
    exponent = np.int32(np.float32(x).view(np.int32) & np.int32(0x7F800000))
    return bool(exponent != np.int32(0x7F800000))


@compiled_part
def from_bits(bits: np.int32) -> np.float32:
    """The number that these bits mean."""
    return np.int32(bits).view(np.float32)  # numba requires the type here again
