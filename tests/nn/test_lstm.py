import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from yardbird.nn.lstm import LSTM

STEP = """
import torch
from yardbird.nn.lstm import LSTM

layer, x = LSTM(4, 8, batch_first=True, bidirectional=True), torch.randn(2, 3, 4)
with torch.autocast("cpu", torch.bfloat16):
    output, state = layer(torch.nn.functional.linear(x, torch.eye(4)))
    output, _ = layer(x, state)
output.sum().backward()
print(output.dtype, float(layer.weight_hh_l0.grad.abs().sum()) > 0)
"""


@pytest.mark.slow
def test_mixed_precision_works_on_a_processor_without_avx512() -> None:
    """oneDNN has a bf16 LSTM only for processors with AVX-512. On others, training once failed."""
    older = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}
    run = subprocess.run([sys.executable, "-c", STEP], env=older, capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("torch.float32 True\n", 0), run.stderr


def test_on_a_cpu_mixed_precision_computes_what_full_precision_does() -> None:
    torch.manual_seed(0)
    layer, x = LSTM(4, 8, 2), torch.randn(3, 2, 4)
    plain = nn.LSTM(4, 8, 2)
    plain.load_state_dict(layer.state_dict())
    expected, (hidden, cell) = plain(x)
    halves = (torch.ones(2, 2, 8).bfloat16(), torch.zeros(2, 2, 8).bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        output, state = layer(x)
        continued, _ = layer(x.bfloat16(), halves)
    for ours, theirs in zip((output, *state), (expected, hidden, cell), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(continued, plain(x.bfloat16().float(), (halves[0].float(), halves[1].float()))[0])


def test_steps_give_the_states_and_the_output_of_the_whole_sequence() -> None:
    torch.manual_seed(0)
    layer, x = LSTM(4, 8, 2, batch_first=True), torch.randn(3, 5, 4)
    first = torch.randn(2, 3, 8), torch.randn(2, 3, 8)
    output, (hidden, cell) = layer(x, first)
    states = list(zip(*first, strict=True))
    for step in range(5):
        states = layer.step(x[:, step], states)
        torch.testing.assert_close(states[-1][0], output[:, step])
    torch.testing.assert_close(torch.stack([state[0] for state in states]), hidden)
    torch.testing.assert_close(torch.stack([state[1] for state in states]), cell)
