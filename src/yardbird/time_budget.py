"""Ends work of a server that takes too long: a server opens a budget, and slow loops call `check_time`."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic

from yardbird.errors import InputError


@dataclass(frozen=True)
class _Budget:
    seconds: float
    until: float
    remedy: str


_current: ContextVar[_Budget | None] = ContextVar("time_budget", default=None)


@contextmanager
def time_budget(seconds: float | None, remedy: str) -> Iterator[None]:
    """Limit the time of the work inside, in this thread.

    Args:
        seconds: None: no limit.
        remedy: what to do if the time is over, for the error.
    """
    limit = math.inf if seconds is None else seconds
    token = _current.set(_Budget(limit, monotonic() + limit, remedy))
    try:
        yield
    finally:
        _current.reset(token)


def check_time() -> None:
    """Loops of drawing, decoding and reading call this between tokens, frames, steps or files.

    Raises:
        InputError: the time of the budget is over.
    """
    budget = _current.get()
    if budget is not None and monotonic() > budget.until:
        expected = f"at most {budget.seconds:g} s of work"
        raise InputError("request", expected=expected, found="more", remedy=budget.remedy)
