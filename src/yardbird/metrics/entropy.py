"""Shannon entropy of histograms."""

import numpy as np

from yardbird.music.score import Floats, Ints


def entropy_bits(counts: Ints) -> Floats:
    """Base-2 entropy of histograms of counts, −Σ p·log₂ p over the last axis: (..., bins) → (...).

    Bits, 0 … log₂(bins). A histogram without counts has entropy 0.
    """
    total = counts.sum(axis=-1, keepdims=True)
    share = counts / np.maximum(total, 1)
    # 0·log 0 is 0: replace log 0 by log 1
    entropies: Floats = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=-1)
    return np.maximum(entropies, 0.0)
