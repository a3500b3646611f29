import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from yardbird.nn import sampling_kernel
from yardbird.nn.compiled_decoder import CompiledDecoder, applies
from yardbird.nn.sampling import Sampling, choose
from yardbird.nn.transformer import Transformer, TransformerConfig

Build = Callable[[TransformerConfig], Transformer]


@torch.inference_mode()
def steps_and_model(model: Transformer, rows: int, int8: bool) -> tuple[np.ndarray, np.ndarray]:
    """The logits after a start of 3 tokens and each later step, and those of the model without a cache."""
    tokens = torch.randint(50, (rows, 20), generator=torch.Generator().manual_seed(rows)).numpy()
    decoder = CompiledDecoder(model, rows, 24, int8=int8)
    found = [decoder.start(tokens[:, :3])] + [decoder.step(tokens[:, place].copy()) for place in range(3, 20)]
    return np.stack(found, 1), model(torch.from_numpy(tokens))[:, 2:].numpy()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_compiled_steps_give_the_logits_of_the_model(lively: Build, config: TransformerConfig, rows: int) -> None:
    found, expected = steps_and_model(lively(config), rows, int8=False)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("int8", "limit"), [(False, 1e-5), (True, 0.05)])
@pytest.mark.parametrize("rows", [2, 5])
def test_products_of_many_inputs_are_added_in_parts(
    lively: Build, relative: TransformerConfig, rows: int, int8: bool, limit: float
) -> None:
    wide = replace(relative, d_model=42, num_heads=3, d_ff=1101)  # not whole numbers of tiles and of parts
    found, expected = steps_and_model(lively(wide), rows, int8)
    assert np.abs(found - expected).mean() / expected.std() < limit


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2])
def test_weights_of_8_bits_change_the_logits_by_a_small_share(
    lively: Build, config: TransformerConfig, rows: int
) -> None:
    found, expected = steps_and_model(lively(config), rows, int8=True)
    error = np.abs(found - expected).mean() / expected.std()
    assert 0 < error < 0.05


def test_rows_that_are_kept_continue_as_before(lively: Build, relative: TransformerConfig) -> None:
    model = lively(relative)
    tokens = torch.randint(50, (4, 9), generator=torch.Generator().manual_seed(0)).numpy()
    with torch.inference_mode():
        decoder = CompiledDecoder(model, 4, 24, int8=False)
        decoder.start(tokens[:, :8])
        decoder.keep([1, 3])
        expected = model(torch.from_numpy(tokens[[1, 3]]))[:, -1].numpy()
    np.testing.assert_allclose(decoder.step(tokens[[1, 3], 8]), expected, rtol=1e-4, atol=1e-4)


def test_other_precisions_run_in_the_model_itself(lively: Build, relative: TransformerConfig) -> None:
    assert applies(lively(relative))
    assert not applies(lively(relative).double())


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("top_k", [None, 1, 7])
@pytest.mark.parametrize("top_p", [None, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("min_p", [None, 0.2, 1.0])
def test_compiled_sampling_chooses_the_tokens_of_choose(
    temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(200, 50)).astype(np.float32).round(1)  # rounded, so that some are equal
    allowed = random.random((200, 50)) < random.random((200, 1))
    allowed[:, 3] = True
    sampling = Sampling(temperature, top_k, top_p, min_p)
    expected = choose(
        torch.from_numpy(logits), sampling, torch.Generator().manual_seed(0), torch.from_numpy(allowed)
    ).numpy()
    draws = torch.rand(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    found = np.empty(200, np.int64)
    sampling_kernel.sample(logits, allowed, draws, temperature, top_k or 50, top_p or 2.0, min_p or 0.0, found)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_without_a_folder_for_machine_code_the_functions_are_compiled_in_memory(tmp_path: Path) -> None:
    """Numba raises an error on import if no folder of its cache can be written."""
    code = """
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []
import numpy as np
from yardbird.nn import sampling_kernel
tokens = np.empty(1, np.int64)
draws, allowed = np.zeros(1), np.ones((1, 4), np.bool_)
sampling_kernel.sample(np.array([[0, 1, 3, 2]], np.float32), allowed, draws, 0.0, 4, 2.0, 0.0, tokens)
print(tokens[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "2\n"
