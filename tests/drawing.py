"""Settings and draw functions for the tests of generation."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from event_scores import CODEC
from tiny_vae import tiny_vae

from yardbird.codecs.events import Tokens
from yardbird.generation import latent_solos, token_solos
from yardbird.generation.orders import GenerateConfig
from yardbird.generation.source import Draw
from yardbird.nn.sampling import Constraint, Sampling

CHARTS = Path(__file__).resolve().parents[1] / "data" / "charts"
SETTINGS: dict[str, Any] = {
    "bars": 8, "whole_choruses": False, "free": 1, "solos_per_chart": 1, "measured": 1, "charts": str(CHARTS),
    "prime_bars": 2, "temperature": 1.0, "top_k": None, "top_p": None, "min_p": None, "qpm": None, "artist": None,
    "free_chorus": None, "key": None, "best_of": 1, "lowest_pitch": 49, "highest_pitch": 81, "comping": False,
    "drums": False, "count_in": False, "int8": False,
}  # fmt: skip


def settings(**changes: Any) -> GenerateConfig:
    return GenerateConfig(**(SETTINGS | changes))


def draw_at_random(
    primes: Sequence[Tokens], constraints: Sequence[Constraint], _: Sampling, seed: int, max_tokens: int
) -> list[Tokens]:
    """Draw uniformly from the allowed tokens: it reaches states that no trained model would, and tests the grammar."""
    rows = []
    for index, (prime, constraint) in enumerate(zip(primes, constraints, strict=True)):
        rng = np.random.default_rng([seed, index])
        row = prime.tolist()
        for token in row:
            constraint.advance(token)
        while not constraint.finished and len(row) < max_tokens:
            token = int(rng.choice(np.flatnonzero(constraint.allowed())))
            constraint.advance(token)
            row.append(token)
        rows.append(np.array(row, dtype=np.uint16))
    return rows


#: Random tokens that the grammar allows, and an untrained latent space.
DRAW_FUNCTIONS: dict[str, Draw] = {
    "tokens": partial(token_solos.draw, draw_at_random, CODEC),
    "prior": partial(latent_solos.draw, tiny_vae()),
}
