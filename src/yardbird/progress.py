"""Progress bars on stderr, only on a terminal. tqdm's variable `TQDM_DISABLE`, which `yardbird -q` sets, hides them."""

import os
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(items: Iterable[Any] | None = None, doing: str = "", unit: str = "it", **options: Any) -> "tqdm[Any]":
    """A bar over `items`, or with `total=` one that the caller updates; it disappears at the end.

    Args:
        doing: the text before the bar, such as "drawing 4 solos".
        options: those of tqdm.
    """
    # For tqdm, None means "unless stderr is a terminal". An explicit value overrides the variable, so it is read here.
    disable = True if os.environ.get("TQDM_DISABLE") else None
    return tqdm(items, desc=doing, unit=unit, leave=False, disable=disable, **options)
