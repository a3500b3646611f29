import pytest
import torch

from yardbird.nn.dropout import Dropout


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.999])
def test_the_requested_share_of_elements_is_dropped_and_the_mean_is_kept(probability: float) -> None:
    torch.manual_seed(0)
    dropped = Dropout(probability)(torch.ones(401, 503))
    share = float((dropped == 0).float().mean())
    assert abs(share - probability) < 1 / 512 + 0.003
    assert len(dropped.unique()) == 2
    assert abs(float(dropped.mean()) - 1) < 0.05


def test_each_of_the_eight_bytes_of_a_draw_is_as_random_as_the_others() -> None:
    """torch's default range of 64-bit integers excludes the sign bit: every eighth byte would be below 128."""
    torch.manual_seed(0)
    shares = (Dropout(0.5)(torch.ones(8 * 4000)) == 0).float().view(4000, 8).mean(0)
    assert torch.all((shares - 0.5).abs() < 0.04)


def test_the_gradient_passes_where_the_element_stays() -> None:
    x = torch.ones(1000, requires_grad=True)
    dropped = Dropout(0.3)(x)
    dropped.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, dropped.detach())


def test_nothing_is_dropped_outside_training() -> None:
    x = torch.randn(100)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
