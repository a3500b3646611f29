"""torch's LSTM (Hochreiter & Schmidhuber 1997), in full precision on every CPU.

Under autocast, torch calls oneDNN's LSTM in bf16, which exists only for processors with AVX-512; on others the call
fails. Mixed precision saves no time on a CPU. So on every CPU, with or without AVX-512, this LSTM disables autocast:
the computation is the same on all processors.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

State = tuple[Float[Tensor, "... B H"], Float[Tensor, "... B H"]]


class LSTM(nn.LSTM):
    """`nn.LSTM` with the same arguments and weights. On a GPU it follows autocast as usual."""

    def forward(self, input: Tensor, hx: State | None = None) -> tuple[Tensor, State]:  # torch's name
        output: tuple[Tensor, State]
        if input.device.type != "cpu":
            output = super().forward(input, hx)  # type: ignore[has-type]  # torch overloads it
            return output
        full = self.all_weights[0][0].dtype
        with torch.autocast("cpu", enabled=False):
            state = None if hx is None else (hx[0].to(full), hx[1].to(full))
            output = super().forward(input.to(full), state)  # type: ignore[has-type]
        return output

    def step(self, input: Float[Tensor, "B in"], states: Sequence[State]) -> list[State]:  # torch's name
        """The state of each layer, (B, H) each, after one step: faster than `forward`. Without dropout, and not under
        autocast."""
        found: list[State] = []
        for weights, state in zip(self.all_weights, states, strict=True):
            found.append(torch.lstm_cell(found[-1][0] if found else input, state, *weights))
        return found
