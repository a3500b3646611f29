"""Evaluation mode for a block of code or a method, also while the model is being trained."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)
P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch a model to evaluation mode for a block, then restore the mode of each module, even after an error."""
    modes = [(module, module.training) for module in model.modules()]
    model.train(False)
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def in_evaluation(method: Callable[Concatenate[M, P], T]) -> Callable[Concatenate[M, P], T]:
    """Decorate a method of a model so that it runs in `evaluating` mode and without gradients."""

    @functools.wraps(method)
    def run(model: M, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with evaluating(model), torch.no_grad():
            return method(model, *args, **kwargs)

    return run
