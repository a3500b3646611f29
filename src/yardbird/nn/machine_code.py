"""Compiles functions over arrays to machine code with numba.

Numba keeps the code in the folder `__pycache__` next to the source file, or if that cannot be written in the user's
cache folder (NUMBA_CACHE_DIR names another). It compiles again when one of `_SOURCES` changes: the functions call
each other from file to file, which numba does not see.
"""

import hashlib
import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

#: The files of all functions that call each other, and of the named tuples that they receive.
_SOURCES = ("*_kernel.py", "decoder_weights.py", "machine_code.py")

#: Sums may be reordered, which vector instructions require; numbers are finite.
_FAST_MATH = {"reassoc", "contract", "arcp", "nsz", "nnan"}


def compiled(function: F) -> F:
    """Compile a function at its first call. If no folder can be written, each process compiles it again."""
    kernel = _compiler()(inspect.unwrap(function))  # without the check of shapes that tests add
    with suppress(RuntimeError):  # numba finds no folder for its cache
        kernel.enable_caching()
        saved = kernel._cache
        saved._cache_file._source_stamp = _state_of_sources()
        saved.save_overload = _if_possible(saved.save_overload)
    typed: F = kernel
    return typed


def compiled_part(function: F) -> F:
    """Compile a function that only compiled functions call. Without an entry from Python, it takes a quarter less.

    Always inlined: with parts that were not, the process that compiled gave other last digits than those that read the
    cache.
    """
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
    part: F = _compiler(**options)(inspect.unwrap(function))
    return part


def _prefetch(_: Any, address: Any) -> Any:  # noqa: ARG001  # numba calls it with the type of the argument
    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        read, second_level, data = (ir.Constant(number, value) for value in (0, 2, 1))
        builder.call(function, [builder.inttoptr(arguments[0], pointer), read, second_level, data])
        return context.get_dummy_value()

    return types.void(types.uintp), generate


#: Requests the cache line at an address, without waiting for it. Only compiled functions can call it.
prefetch: Any = intrinsic(_prefetch)


def _compiler(**options: Any) -> Any:
    return numba.njit(nogil=True, error_model="numpy", fastmath=_FAST_MATH, **options)


@cache
def _state_of_sources() -> str:
    files = sorted(file for pattern in _SOURCES for file in Path(__file__).parent.glob(pattern))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _if_possible(save: Callable[..., None]) -> Callable[..., None]:
    """Save, or do without if the disk is full: only the next process loses time."""

    def saved(*overload: Any) -> None:
        with suppress(OSError):
            save(*overload)

    return saved
