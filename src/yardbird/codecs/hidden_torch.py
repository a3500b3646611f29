"""Imports of MidiTok without torch."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_torch() -> Iterator[None]:
    """Let `import torch` fail unless torch is already imported; MidiTok then skips its datasets, which need it."""
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]  # makes an import fail
    try:
        yield
    finally:
        if hidden:
            del sys.modules["torch"]
