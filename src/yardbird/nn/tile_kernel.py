"""A tile of a matrix product whose sums stay in the registers of the processor, for compiled functions to build on.

LLVM vectorises loops, but it does not divide a product into such tiles. A library would; but where matrices are as
narrow as the heads of a transformer, its calls and copies take a third of the time.
"""

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from yardbird.nn.machine_code import compiled_part

_CHOSEN: str | None = config.CPU_FEATURES  # type: ignore[attr-defined]  # numba sets it on import
_FEATURES = llvmlite.binding.get_host_cpu_features().flatten() if _CHOSEN is None else _CHOSEN
_AVX512 = "+avx512f" in _FEATURES.split(",")
LANES = 16 if _AVX512 else 8  # numbers in a register
ROWS = 6  # of a tile
VECTORS = 4 if _AVX512 else 2  # in the widest tile: its sums fill most of the 32 or 16 registers
WIDTH = VECTORS * LANES


def _tile(rows: int, vectors: int) -> Any:
    """`tiles` for this number of rows and `vectors` · `LANES` columns."""

    def typed(_: Any, a: Any, ar: Any, ai: Any, b: Any, bi: Any, c: Any, cr: Any, inner: Any, adds: Any) -> Any:  # noqa: ARG001  # numba counts them
        return types.void(*[types.intp] * 9), generate

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        a, a_row, a_inner, b, b_inner, c, c_row, inner, adds = arguments
        single, integer = ir.FloatType(), a.type
        vector = ir.VectorType(single, LANES)
        of_vectors = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, of_vectors, f"llvm.fma.v{LANES}f32")  # type: ignore[no-untyped-call]  # numba leaves it unannotated
        places = [(row, part) for row in range(rows) for part in range(vectors)]

        def pointer(start: Any, kind: Any, *steps: tuple[Any, int]) -> Any:
            for distance, times in steps:
                start = builder.add(start, builder.mul(distance, integer(times)))
            return builder.inttoptr(start, kind.as_pointer())

        def bytes_of(part: int) -> tuple[Any, int]:
            return integer(4 * LANES), part

        before = builder.block
        read, test, loop, done = (builder.append_basic_block(name) for name in ("read", "test", "loop", "done"))
        builder.cbranch(builder.icmp_signed("!=", adds, integer(0)), read, test)
        builder.position_at_end(read)
        earlier = [builder.load(pointer(c, vector, (c_row, row), bytes_of(part)), align=4) for row, part in places]
        builder.branch(test)

        builder.position_at_end(test)
        sums, nexts = [], []
        index, at_a, at_b = (builder.phi(integer) for _ in range(3))
        for one in earlier:
            phi = builder.phi(vector)
            phi.add_incoming(vector(None), before)
            phi.add_incoming(one, read)
            sums.append(phi)
        for phi, first in ((index, integer(0)), (at_a, a), (at_b, b)):
            phi.add_incoming(first, before)
            phi.add_incoming(first, read)
        builder.cbranch(builder.icmp_signed("<", index, inner), loop, done)

        builder.position_at_end(loop)
        of_b = [builder.load(pointer(at_b, vector, bytes_of(part)), align=4) for part in range(vectors)]
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
        for row in range(rows):
            number = builder.load(pointer(at_a, single, (a_row, row)), align=4)
            alone = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
            spread = builder.shuffle_vector(alone, alone, lanes)
            nexts += [builder.call(fma, [spread, of_b[part], sums[row * vectors + part]]) for part in range(vectors)]
        for phi, following in zip(sums, nexts, strict=True):
            phi.add_incoming(following, loop)
        index.add_incoming(builder.add(index, integer(1)), loop)
        at_a.add_incoming(builder.add(at_a, a_inner), loop)
        at_b.add_incoming(builder.add(at_b, b_inner), loop)
        builder.branch(test)

        builder.position_at_end(done)
        for (row, part), total in zip(places, sums, strict=True):
            builder.store(total, pointer(c, vector, (c_row, row), bytes_of(part)), align=4)
        return context.get_dummy_value()

    return intrinsic(typed)


_six_wide, _one_wide = _tile(ROWS, VECTORS), _tile(1, VECTORS)
_six_double, _one_double = _tile(ROWS, 2), _tile(1, 2)
_six_single, _one_single = _tile(ROWS, 1), _tile(1, 1)


@compiled_part
def tiles(
    rows: int,
    width: int,
    a: int,
    a_row: int,
    a_inner: int,
    b: int,
    b_inner: int,
    c: int,
    c_row: int,
    inner: int,
    adds: int,
) -> None:
    """c = a b, or with `adds` c += a b, for `ROWS` rows or one. The compiler assumes nothing about the memory.

    Args:
        width: columns of b and c, a multiple of `LANES`.
        a, b, c: addresses of matrices (rows, inner), (inner, width) and (rows, width) in single precision.
        a_row, a_inner, b_inner, c_row: bytes from one row, or inner index, to the next.
    """
    vectors = VECTORS if width % WIDTH == 0 else 2 if width % (2 * LANES) == 0 else 1
    for at in range(0, 4 * width, 4 * LANES * vectors):
        if vectors == VECTORS:
            if rows == ROWS:
                _six_wide(a, a_row, a_inner, b + at, b_inner, c + at, c_row, inner, adds)
            else:
                _one_wide(a, a_row, a_inner, b + at, b_inner, c + at, c_row, inner, adds)
        elif vectors == 2:
            if rows == ROWS:
                _six_double(a, a_row, a_inner, b + at, b_inner, c + at, c_row, inner, adds)
            else:
                _one_double(a, a_row, a_inner, b + at, b_inner, c + at, c_row, inner, adds)
        elif rows == ROWS:
            _six_single(a, a_row, a_inner, b + at, b_inner, c + at, c_row, inner, adds)
        else:
            _one_single(a, a_row, a_inner, b + at, b_inner, c + at, c_row, inner, adds)
