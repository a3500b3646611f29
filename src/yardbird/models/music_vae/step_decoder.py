"""The decoder of the MusicVAE for one step at a time. All that does not depend on the chosen steps is computed once.

`RecurrentVAE.forward` computes the same for known steps. Shapes are those of `vae_network`; rows R are segments or
windows, and L steps are decoded in each.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from yardbird.nn.linear import linear
from yardbird.nn.lstm import State
from yardbird.time_budget import check_time

if TYPE_CHECKING:  # it imports this module
    from yardbird.models.music_vae.vae_network import RecurrentVAE

Pick = Callable[[Tensor], Tensor]


class StepDecoder:
    """Decodes rows step by step. The network must be in evaluation mode, and its weights must not change.

    Args:
        context: the latent's input to each step.
        conditions: the features of the condition at each step.
        state: the decoder's first state.
    """

    def __init__(
        self,
        network: "RecurrentVAE",
        context: Float[Tensor, "R L D"],
        conditions: Float[Tensor, "R L C"] | None,
        state: State,
    ) -> None:
        self._network, self._context = network, context
        self._states: list[State] = list(zip(*state, strict=True))  # of each layer
        self._places = network.place.weight.repeat(context.shape[1] // network.alphabet.steps, 1)
        self._heights = None if network.height is None else network.height(network.known)
        self._known = network.known[:, 1:]
        conditioned = network.condition is not None and conditions is not None
        self._condition = network.condition(conditions) if conditioned else None  # type: ignore[misc]  # checked above
        self._reference = None if conditions is None else conditions[..., : network.alphabet.period]
        layers, self._shapes, self._turned = network.output_layers(self._reference)
        self._weight = torch.cat([layer.weight for layer in layers])
        self._bias = torch.cat([layer.bias for layer in layers])
        self._sizes = [layer.out_features for layer in layers]
        self._symbol = self._held = torch.full((len(context),), network.alphabet.start, device=context.device)

    def run(self, pick: Pick) -> tuple[Int[Tensor, "R L"], Float[Tensor, "R L H"]]:
        """All steps, each chosen by `pick`, and the decoder's output at each."""
        steps, hidden = [], []
        for step in range(self._context.shape[1]):
            check_time()
            self._take(pick(self._logits(step)))
            steps.append(self._symbol)
            hidden.append(self._hidden)
        return torch.stack(steps, 1), torch.stack(hidden, 1)

    def _logits(self, step: int) -> Tensor:
        """Logits of a step, (R, V), after `_take` of all steps before it."""
        network = self._network
        rows = torch.cat([self._inputs(step), self._context[:, step]], dim=-1)
        self._states = network.decoder.step(rows, self._states)
        outputs = torch.split(linear(self._hidden, self._weight, self._bias), self._sizes, dim=-1)
        turned = None if self._turned is None else self._turned[:, step]
        return network.combined(outputs, self._held, self._shapes, turned)

    def _take(self, symbol: Tensor) -> None:
        """Receive the chosen step of each row."""
        self._symbol = symbol
        related = self._network.interval_head is not None
        self._held = torch.where(symbol < self._network.alphabet.ordered, symbol, self._held) if related else symbol

    @property
    def _hidden(self) -> Tensor:
        """The decoder's output at the last step, (R, H)."""
        hidden, _ = self._states[-1]
        return hidden

    def _inputs(self, step: int) -> Tensor:
        network = self._network
        inputs: Tensor = network.embedding(self._symbol)
        if self._heights is not None:
            inputs = inputs + F.embedding(self._held, self._heights)
        if self._condition is not None:
            inputs = inputs + self._condition[:, step]
        if network.degree is not None and self._reference is not None:
            degrees = self._reference[:, step].gather(-1, network.distances[self._held])
            inputs = inputs + network.degree(degrees * self._known[self._held])
        return inputs + self._places[step]
