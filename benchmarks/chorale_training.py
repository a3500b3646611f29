"""Steps of AdamW with a cosine schedule, and the moving average of the weights."""

import copy
import math
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


class Training(Generic[Model]):
    """Trains `model`; `averaged` is the moving average of its weights, which the benchmark on chorales scores."""

    def __init__(
        self, model: Model, *, learning_rate: float, weight_decay: float, averaging: float, steps: int, warm_up: int
    ) -> None:
        self.model, self.averaged = model, copy.deepcopy(model)
        self._rate, self._averaging, self._steps, self._warm_up = learning_rate, averaging, steps, warm_up
        groups = [
            {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": weight_decay},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        self._step = 0

    def step(self, loss: Tensor) -> None:
        progress = self._step / self._steps
        for group in self._optimizer.param_groups:
            group["lr"] = (
                self._rate * min(1.0, (self._step + 1) / self._warm_up) * (1 + math.cos(math.pi * progress)) / 2
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self._step += 1
        decay = min(self._averaging, (1 + self._step) / (10 + self._step))
        with torch.no_grad():
            for mean, weights in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(weights, 1 - decay)


def initialise(blocks: nn.Module) -> None:
    """As `yardbird.nn.transformer.Transformer` initialises its blocks."""
    for name, parameter in blocks.named_parameters():
        if parameter.ndim == 2:
            nn.init.xavier_uniform_(parameter)
        elif parameter.ndim > 2:  # distances
            nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
        elif "norm" not in name:
            nn.init.zeros_(parameter)
