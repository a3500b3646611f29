"""torch's LSTM (Hochreiter & Schmidhuber 1997), in full precision on every CPU.

Under autocast, torch calls oneDNN's LSTM in bf16, which exists only for processors with AVX-512; on others the call
fails. Mixed precision saves no time on a CPU. So on every CPU, with or without AVX-512, this LSTM disables autocast:
the computation is the same on all processors.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

State = tuple[Float[Tensor, "layers B H"], Float[Tensor, "layers B H"]]


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
