import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from yardbird.nn import linear as module
from yardbird.nn.head_nats import head_nats, head_scores

IGNORED = 50


def parts(rows: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """States (2, rows, 16), weights (50, 16), targets, of which some are ignored, and upstream gradients."""
    torch.manual_seed(0)
    targets = torch.randint(0, IGNORED, (2, rows))
    targets[:, ::3] = IGNORED
    return torch.randn(2, rows, 16), torch.randn(IGNORED, 16), targets, torch.randn(2, rows)


def in_double(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    logs = F.log_softmax(x.double() @ weight.double().t(), -1)
    nats = -logs.gather(-1, targets.clamp(max=IGNORED - 1)[..., None])[..., 0]
    return torch.where(targets == IGNORED, 0, nats)


@pytest.mark.parametrize("avx512", [True, False])
@pytest.mark.parametrize("rows", [40, 5])  # on oneDNN, and too few rows for it
def test_nats_and_gradients_equal_those_in_double_precision(
    monkeypatch: pytest.MonkeyPatch, rows: int, avx512: bool
) -> None:
    monkeypatch.setattr(module, "_AVX512", avx512)
    x, weight, targets, upstream = parts(rows)
    ours_of, exact_of = (
        [part.to(dtype).requires_grad_() for part in (x, weight)] for dtype in (torch.float32, torch.float64)
    )
    ours, exact = head_nats(*ours_of, targets, IGNORED), in_double(*exact_of, targets)
    torch.testing.assert_close(ours.double(), exact, atol=1e-5, rtol=1e-5)
    gradients = torch.autograd.grad(ours, ours_of, upstream)
    expected = torch.autograd.grad(exact, exact_of, upstream.double())
    for gradient, one in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient.double(), one, atol=1e-4, rtol=1e-5)


def test_an_improbable_target_has_finite_nats() -> None:
    """Its probability is 0 in single precision, but its logarithm is not."""
    x = torch.zeros(1, 40, 2)
    x[..., 0] = 1000
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    nats = head_nats(x, weight, torch.ones(1, 40, dtype=torch.long), ignored=2)
    torch.testing.assert_close(nats, torch.full((1, 40), 1000.0))


def test_a_frozen_head_receives_no_gradient_and_passes_it_on() -> None:
    x, weight, targets, _ = parts(40)
    x.requires_grad_()
    head_nats(x, weight, targets, IGNORED).sum().backward()
    assert weight.grad is None
    assert x.grad is not None
    assert bool((x.grad[:, ::3] == 0).all()), "an ignored target has no gradient"


def test_scores_are_the_same_nats_and_whether_the_target_was_the_most_probable() -> None:
    x, weight, targets, _ = parts(40)
    best = (x @ weight.t()).argmax(-1)
    targets[0, 1::3] = best[0, 1::3]
    nats, correct = head_scores(x, weight, targets, IGNORED)
    torch.testing.assert_close(nats, head_nats(x, weight, targets, IGNORED))
    assert torch.equal(correct, best == targets)
    assert bool(correct[0, 1::3].all())


def test_half_precision_is_that_of_torch() -> None:
    x, weight, targets, _ = parts(40)
    with torch.autocast("cpu", torch.bfloat16):
        nats = head_nats(x, weight, targets, IGNORED)
        logits = F.linear(x, weight).float().flatten(0, 1)
    assert torch.equal(
        nats.flatten(), F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="none")
    )
