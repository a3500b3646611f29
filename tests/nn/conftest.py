"""Small transformers of every variant."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from yardbird.nn.relations import Relation
from yardbird.nn.transformer import Transformer, TransformerConfig

RELATIVE = TransformerConfig(
    d_model=32,
    num_heads=4,
    num_layers=2,
    d_ff=64,
    dropout=0.1,
    attention="relative",
    max_distance=None,
    context_length=24,
    tie_embeddings=True,
)
HELD = ([3, 4, 5], [5, 6, 7, 8])  # token 5 is in both groups
_DISTANCES = [[8] * 8, *([(target - reference) % 8 for target in range(8)] for reference in range(8))]
RELATIONS = (
    Relation(range(10, 18), range(10, 18), _DISTANCES, inputs=True, outputs=True),  # targets to the target before
    Relation(range(10, 18), (3, 4, 5), [[3] * 8, *([(t * r) % 3 for t in range(8)] for r in range(3))], True, True),
    Relation((20, 21, 22, 23), (), [[0, 1, 0, 1]], inputs=True, outputs=True),  # without references
)
VARIANTS = {
    "relative": RELATIVE,
    "rotary": replace(RELATIVE, attention="rotary"),
    "absolute": replace(RELATIVE, attention="absolute"),
    "clipped": replace(RELATIVE, max_distance=5),
    "untied": replace(RELATIVE, tie_embeddings=False),
}


@pytest.fixture
def relative() -> TransformerConfig:
    """The configuration that tests vary."""
    return RELATIVE


@pytest.fixture(params=list(VARIANTS))
def config(request: pytest.FixtureRequest) -> TransformerConfig:
    """Each variant in turn."""
    return VARIANTS[request.param]


@pytest.fixture
def lively() -> Callable[[TransformerConfig], Transformer]:
    """Builds a model over 50 tokens, some held or related, with weights large enough to distinguish positions."""

    def build(config: TransformerConfig) -> Transformer:
        torch.manual_seed(0)
        model = Transformer(50, config, HELD, RELATIONS).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.3)
        return model

    return build
