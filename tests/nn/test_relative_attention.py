import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from yardbird.nn import attention_kernel, compiled_attention, linear
from yardbird.nn import relative_attention as module
from yardbird.nn.relative_attention import relative_attention


def gathered(query: Tensor, key: Tensor, value: Tensor, embedding: Tensor) -> Tensor:
    """The definition: an embedding looked up for every pair of positions, L² · width numbers per head."""
    length, known = query.shape[2], embedding.shape[1]
    positions = torch.arange(length)
    distance = (positions[:, None] - positions[None, :]).clamp(0, known - 1)
    relative = torch.einsum("hbid,hijd->hbij", query, embedding[:, known - 1 - distance])
    scores = (query @ key.transpose(2, 3) + relative) / math.sqrt(query.shape[3])
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(-1) @ value


def inputs(
    length: int, known: int, *, heads: int = 3, batch: int = 2, width: int = 16, dtype: torch.dtype
) -> list[Tensor]:
    draw = torch.Generator().manual_seed(length)
    shapes = [(heads, batch, length, width)] * 3 + [(heads, known, width)]
    return [torch.randn(shape, generator=draw, dtype=dtype, requires_grad=True) for shape in shapes]


def choose(monkeypatch: pytest.MonkeyPatch, *, compiled: bool) -> None:
    """Compute attention in compiled code, or with torch's operations."""
    monkeypatch.setattr(module, "applies", lambda query: compiled and query.dtype == torch.float32)


@pytest.fixture(params=[True, False], ids=["compiled", "operations of torch"])
def _each(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, compiled=request.param)


@pytest.mark.usefixtures("_each")
@pytest.mark.parametrize(
    ("length", "known", "width"),
    [
        (1, 4, 16), (2, 2, 32), (47, 47, 48), (48, 50, 32), (49, 49, 64), (63, 64, 16), (64, 64, 32), (65, 65, 64),
        (97, 97, 48), (200, 256, 16), (200, 30, 32), (513, 513, 16), (600, 400, 32),
    ],
    ids=lambda value: str(value),
)  # fmt: skip
def test_blockwise_equals_gathered_in_output_and_gradients(length: int, known: int, width: int) -> None:
    parts = inputs(length, known, width=width, dtype=torch.float32)
    upstream = torch.randn(3, 2, length, width, generator=torch.Generator().manual_seed(0))
    ours, theirs = relative_attention(*parts), gathered(*parts)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    for mine, reference in zip(
        torch.autograd.grad(ours, parts, upstream), torch.autograd.grad(theirs, parts, upstream), strict=True
    ):
        torch.testing.assert_close(mine, reference, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("way", ["oneDNN", "MKL", "compiled"])
def test_large_heads_have_equal_results_on_either_library(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """With AVX-512, one at a time on oneDNN; without, several at once on MKL; or in compiled code."""
    monkeypatch.setattr(linear, "_AVX512", way == "oneDNN")
    choose(monkeypatch, compiled=way == "compiled")
    parts = inputs(530, 300, heads=2, batch=2, width=64, dtype=torch.float32)
    upstream = torch.randn(2, 2, 530, 64, generator=torch.Generator().manual_seed(0))
    exact = [part.detach().double().requires_grad_() for part in parts]
    ours, theirs = relative_attention(*parts), relative_attention(*exact)
    torch.testing.assert_close(ours.double(), theirs, atol=1e-5, rtol=0)
    for mine, reference in zip(
        torch.autograd.grad(ours, parts, upstream), torch.autograd.grad(theirs, exact, upstream.double()), strict=True
    ):
        torch.testing.assert_close(mine.double(), reference, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tiling", [(1, 1), (3, 2), (4, 3), (7, 7), (100, 9)])
def test_the_tiling_changes_nothing(monkeypatch: pytest.MonkeyPatch, tiling: tuple[int, int]) -> None:
    parts = inputs(11, 11, batch=3, dtype=torch.float64)
    monkeypatch.setattr(module, "_tiling", lambda _: tiling)
    ours, theirs = relative_attention(*parts), gathered(*parts)
    torch.testing.assert_close(ours, theirs)
    gradients = (torch.autograd.grad(output.square().sum(), parts) for output in (ours, theirs))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("dropout", [pytest.param(0.0, marks=pytest.mark.slow), 0.3])
def test_gradients_are_those_of_finite_differences(monkeypatch: pytest.MonkeyPatch, dropout: float) -> None:
    monkeypatch.setattr(module, "_tiling", lambda _: (3, 2))

    def attention(*parts: Tensor) -> Tensor:
        torch.manual_seed(1)  # the same weights are dropped in every call
        return relative_attention(*parts, dropout)

    assert torch.autograd.gradcheck(attention, inputs(7, 5, batch=1, width=2, dtype=torch.float64))


@pytest.mark.usefixtures("_each")
def test_the_future_receives_a_gradient_of_exactly_zero() -> None:
    query, key, value, embedding = inputs(150, 150, dtype=torch.float32)
    for position in (0, 63, 64, 100, 149):
        output = relative_attention(query, key, value, embedding, 0.2)
        of_query, of_key, of_value = torch.autograd.grad(output[:, :, position].sum(), (query, key, value))
        for gradient in (of_key, of_value):
            assert torch.all(gradient[:, :, position + 1 :] == 0)
            # the first position attends only to itself: its weight is 1, and its key's gradient is a rounding error
            assert (position == 0 and gradient is of_key) or torch.any(gradient[:, :, 0] != 0)
        others = torch.arange(150) != position
        assert torch.all(of_query[:, :, others] == 0)


@pytest.mark.usefixtures("_each")
def test_the_same_inputs_give_the_same_bytes() -> None:
    parts = inputs(300, 300, dtype=torch.float32)
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        output = relative_attention(*parts, 0.1)
        runs.append([output, *torch.autograd.grad(output.sum(), parts)])
    assert all(torch.equal(first, second) for first, second in zip(*runs, strict=True))


@pytest.mark.usefixtures("_each")
def test_dropped_weights_are_zero_and_the_others_are_scaled_up() -> None:
    """With the identity as values, the output is the weights themselves."""
    length = 96
    query, key, _, embedding = inputs(length, length, heads=2, batch=4, width=length, dtype=torch.float32)
    value = torch.eye(length).expand(2, 4, length, length)
    whole = relative_attention(query, key, value, embedding)
    torch.manual_seed(0)
    thinned = relative_attention(query, key, value, embedding, 0.25)
    past = torch.ones(length, length).tril().bool().expand_as(whole)
    kept = thinned != 0
    torch.testing.assert_close(thinned[kept], whole[kept] / 0.75)
    assert abs(float(kept[past].float().mean()) - 0.75) < 0.01


def test_compiled_gradients_with_dropout_are_those_of_the_mask_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the identity as values, the output shows the mask. Two sequences of each head have different ones."""
    choose(monkeypatch, compiled=True)
    length = 144
    parts = inputs(length, 70, width=16, dtype=torch.float32)
    query, key, value, embedding = parts
    upstream = torch.randn(3, 2, length, 16, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(5)
    wide = [torch.nn.functional.pad(part, (0, length - 16)) for part in (query, key)]
    wider = torch.nn.functional.pad(embedding, (0, length - 16))
    kept = relative_attention(*wide, torch.eye(length).expand(3, 2, length, length), wider, 0.25) != 0
    torch.manual_seed(5)
    ours = relative_attention(*parts, 0.25)
    whole = gathered(query, key, torch.eye(length).expand(3, 2, length, length), embedding)
    theirs = (whole * kept / 0.75) @ value
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    for mine, reference in zip(
        torch.autograd.grad(ours, parts, upstream), torch.autograd.grad(theirs, parts, upstream), strict=True
    ):
        torch.testing.assert_close(mine, reference, atol=2e-5, rtol=1e-4)
    assert not torch.equal(kept[0, 0], kept[0, 1])
    torch.manual_seed(6)
    assert not torch.equal(ours, relative_attention(*parts, 0.25))


def test_attention_is_compiled_in_single_precision_on_one_thread_of_a_known_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = torch.zeros(1, 1, 2, 16)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert compiled_attention.applies(query)
    for other in (query.double(), query.to("meta"), query[..., :8]):
        assert not compiled_attention.applies(other)
    for place, name, value in ((torch.backends.cpu, "get_cpu_capability", "DEFAULT"), (torch, "get_num_threads", 2)):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, lambda value=value: value)
            assert not compiled_attention.applies(query), name


@pytest.mark.parametrize(("length", "width"), [(1, 16), (5, 32), (48, 48), (70, 64), (131, 32)])
@pytest.mark.parametrize("dropped", [0, 50])
def test_compiled_functions_write_inside_their_arrays(length: int, width: int, dropped: int) -> None:
    heads, pairs, marker = 2, 4, 12345.0
    marked: list[np.ndarray] = []

    def output(*shape: int, value: float = marker) -> np.ndarray:
        size = math.prod(shape)
        marked.append(np.full(size + 2000, marker, np.float32))
        marked[-1][1000:-1000] = value
        return marked[-1][1000:-1000].reshape(shape)

    draw = np.random.default_rng(length)
    query, key, value, upstream = draw.normal(size=(4, pairs, length, width)).astype(np.float32)
    table = draw.normal(size=(heads, length + 1, width)).astype(np.float32)
    mixed, sums = output(pairs, length, width), output(pairs, length)
    weights = output(attention_kernel.stored_size(length, pairs, differentiable=True))
    attention_kernel.forward(query, key, value, table, dropped, 7, mixed, sums, weights, True)
    gradients = [output(pairs, length, width, value=0.0) for _ in range(3)]
    of_table = output(heads, length + 1, width, value=0.0)
    attention_kernel.backward(query, key, value, table, dropped, mixed, sums, weights, upstream, *gradients, of_table)
    for array in marked:
        assert np.all(array[:1000] == marker)
        assert np.all(array[-1000:] == marker)
    for written in (mixed, sums, *gradients, of_table):
        assert np.all(written != marker)


@pytest.mark.slow
def test_tiles_of_narrower_registers_give_the_same(tmp_path: Path) -> None:
    """On a processor with AVX-512, another process limits numba to AVX2."""
    if "AVX512" not in torch.backends.cpu.get_cpu_capability():
        pytest.skip("the other tests use these registers here")
    narrow = {"NUMBA_CPU_NAME": "znver2", "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx", "NUMBA_CACHE_DIR": str(tmp_path)}
    chosen = "equals_gathered or inside_their_arrays or large_heads"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", chosen]
    done = subprocess.run(command, env=os.environ | narrow, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_memory_of_weights_is_used_again_after_its_last_use() -> None:
    """It is so large that the system would give new memory, which is zero."""
    size = 2**24
    one = compiled_attention._memory(size)
    one[0] = 7
    assert compiled_attention._memory(size)[0] == 0, "the first is in use"
    del one
    assert compiled_attention._memory(size)[0] == 7
    compiled_attention._memory(8)
    assert [len(spare) for spare in compiled_attention._spare] == [8], "memory of another size is given back"


def test_compiled_calls_do_not_share_the_weights_that_their_gradients_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of the weights is used again, but only after the last use of its call."""
    choose(monkeypatch, compiled=True)
    first, second = inputs(100, 100, dtype=torch.float32), inputs(100, 50, dtype=torch.float32)
    second = [(3 * part).detach().requires_grad_() for part in second]
    alone = torch.autograd.grad(relative_attention(*first).sum(), first)
    outputs = relative_attention(*first), relative_attention(*second)
    for _ in range(2):
        found = torch.autograd.grad(outputs[0].sum(), first, retain_graph=True)
        assert all(torch.equal(mine, reference) for mine, reference in zip(found, alone, strict=True))
        torch.autograd.grad(outputs[1].sum(), second, retain_graph=True)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_compiled_attention_does_not_hide_numbers_that_are_not_finite(
    monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    choose(monkeypatch, compiled=True)
    query, key, value, embedding = (part.detach() for part in inputs(70, 70, dtype=torch.float32))
    key[1, 1, 50, 0] = wrong
    output = relative_attention(query, key, value, embedding)[1, 1]
    assert torch.all(output[50:].isnan())
    assert torch.all(output[:50].isfinite())


def test_half_precision_stays_close_to_single_precision() -> None:
    parts = inputs(200, 200, dtype=torch.float32)
    exact = relative_attention(*parts)
    half = relative_attention(*[part.bfloat16() for part in parts[:3]], parts[3])
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), exact, atol=0.1, rtol=0.05)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = relative_attention(*[part.bfloat16() for part in parts[:3]], parts[3])
    assert torch.equal(mixed, half)
    rough, fine = (torch.autograd.grad(output.float().sum(), parts) for output in (half, exact))
    for mine, reference in zip(rough, fine, strict=True):
        assert (mine - reference).norm() < 0.05 * reference.norm()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("length", [100, 700, 2048])
@pytest.mark.parametrize("scores", [2**19, 2**26], ids=["many blocks", "one block"])
def test_a_gpu_computes_the_same(monkeypatch: pytest.MonkeyPatch, length: int, scores: int) -> None:
    monkeypatch.setattr(module, "_GPU_SCORES", scores)
    parts = inputs(length, length, dtype=torch.float32)
    on_gpu = [part.detach().cuda().requires_grad_() for part in parts]
    ours, theirs = relative_attention(*on_gpu), relative_attention(*parts)
    torch.testing.assert_close(ours.cpu(), theirs, atol=1e-4, rtol=1e-4)
    for mine, reference in zip(
        torch.autograd.grad(ours.sum(), on_gpu), torch.autograd.grad(theirs.sum(), parts), strict=True
    ):
        torch.testing.assert_close(mine.cpu(), reference, atol=1e-3, rtol=1e-3)
