"""torch's LSTM (Hochreiter & Schmidhuber 1997), in full precision on every CPU.

Under autocast torch asks oneDNN for an LSTM in bf16. oneDNN has one only for processors with AVX-512; elsewhere the
call fails. Mixed precision gains no time on a CPU, so there the LSTM leaves autocast, with or without AVX-512: the
computation is the same on all processors.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

State = tuple[Float[Tensor, "layers B H"], Float[Tensor, "layers B H"]]


class LSTM(nn.LSTM):
    """`nn.LSTM`, batch first or not, of the same weights; on a GPU autocast is left to torch."""

    def forward(self, input: Tensor, hx: State | None = None) -> tuple[Tensor, State]:  # the name that torch gives it
        output: tuple[Tensor, State]
        if input.device.type != "cpu":
            output = super().forward(input, hx)  # type: ignore[has-type]  # torch overloads it
            return output
        full = self.all_weights[0][0].dtype
        with torch.autocast("cpu", enabled=False):
            state = None if hx is None else (hx[0].to(full), hx[1].to(full))
            output = super().forward(input.to(full), state)  # type: ignore[has-type]
        return output
