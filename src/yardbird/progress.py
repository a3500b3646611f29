"""Progress bars on stderr, only on a terminal. tqdm's variable `TQDM_DISABLE`, which `yardbird -q` sets, hides them."""

import os
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(
    items: Iterable[Any] | None = None, doing: str = "", unit: str = "it", *, logged: bool = False, **options: Any
) -> "tqdm[Any]":
    """A bar over `items`, or with `total=` one that the caller updates; it disappears at the end.

    Args:
        doing: the text before the bar, such as "drawing 4 solos".
        logged: also write it to a pipe or a file, where the bar of a long training is a log; its last state stays.
        options: those of tqdm.
    """
    # For tqdm, None means "unless stderr is a terminal". An explicit value overrides the variable, so it is read here.
    disable = True if os.environ.get("TQDM_DISABLE") else False if logged else None
    return tqdm(items, desc=doing, unit=unit, leave=logged, disable=disable, **options)
