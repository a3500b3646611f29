"""Methods that use a model as it is, whether or not it is being trained."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)
P = ParamSpec("P")
T = TypeVar("T")


def at_rest(method: Callable[Concatenate[M, P], T]) -> Callable[Concatenate[M, P], T]:
    """A method of a model, run without gradients and with dropout off; the model's mode is left as it was."""

    @functools.wraps(method)
    def run(model: M, /, *args: P.args, **kwargs: P.kwargs) -> T:
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                return method(model, *args, **kwargs)
        finally:
            model.train(was_training)

    return run
