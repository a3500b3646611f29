"""Sampling of the next token of every row in one compiled call."""

import numpy as np
from numpy.typing import NDArray

from yardbird.nn.machine_code import compiled


@compiled
def sample(
    logits: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    draws: NDArray[np.float64],
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    tokens: NDArray[np.int64],
) -> None:
    """Sample one token for each row as `yardbird.nn.sampling.choose` does, but sort the allowed tokens only.

    Args:
        logits, allowed: (B, V).
        draws: (B,) uniform in [0, 1).
        tokens: (B,), written.
    """
    for row in range(len(tokens)):
        ids = np.flatnonzero(allowed[row])
        if temperature == 0 or top_k == 1 or len(ids) == 1:
            best = ids[0]
            for token in ids:
                if logits[row, token] > logits[row, best]:
                    best = token
            tokens[row] = best
            continue
        scores = np.empty(len(ids), np.float64)
        for place in range(len(ids)):
            scores[place] = -logits[row, ids[place]]
        order = np.argsort(scores, kind="mergesort")  # stable: the lower id wins a tie
        kept = min(top_k, len(ids))
        cumulative = np.empty(kept, np.float64)
        total = 0.0
        for place in range(kept):
            total += np.exp((scores[order[0]] - scores[order[place]]) / temperature)
        sampled, before = 0, 0.0
        for place in range(kept):  # probabilities descend, so the first token that a filter removes ends the list
            share = np.exp((scores[order[0]] - scores[order[place]]) / temperature) / total
            if before >= top_p or share < min_p / total or share == 0:
                break
            before += share
            cumulative[place] = before
            sampled += 1
        place = np.searchsorted(cumulative[:sampled], draws[row] * before, side="right")
        tokens[row] = ids[order[min(place, sampled - 1)]]
