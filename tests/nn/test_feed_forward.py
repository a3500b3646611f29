import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yardbird.nn.dropout import Dropout
from yardbird.nn.feed_forward import feed_forward


def layers() -> tuple[nn.Linear, nn.Linear]:
    torch.manual_seed(0)
    return nn.Linear(16, 48), nn.Linear(48, 16)


def gradients(output: Tensor, x: Tensor, wide: nn.Linear, narrow: nn.Linear) -> tuple[Tensor, ...]:
    weights = [*wide.parameters(), *narrow.parameters()]
    return torch.autograd.grad(output, [x, *weights], torch.linspace(-1, 1, output.numel()).view_as(output))


def test_output_and_gradients_are_those_of_the_separate_layers() -> None:
    wide, narrow = layers()
    x = torch.randn(2, 40, 16, requires_grad=True)
    ours = feed_forward(x, wide, narrow, Dropout(0.0))
    apart = narrow(F.relu(wide(x)))
    torch.testing.assert_close(ours, apart)
    torch.testing.assert_close(gradients(ours, x, wide, narrow), gradients(apart, x, wide, narrow))


def test_dropout_between_the_layers_is_that_of_the_module() -> None:
    """The same random bytes drop the same hidden elements, in the output and in the gradients."""
    wide, narrow = layers()
    x, dropout = torch.randn(2, 40, 16, requires_grad=True), Dropout(0.4)
    torch.manual_seed(1)
    ours = feed_forward(x, wide, narrow, dropout)
    torch.manual_seed(1)
    apart = narrow(dropout(F.relu(wide(x))))
    torch.testing.assert_close(ours, apart)
    torch.testing.assert_close(gradients(ours, x, wide, narrow), gradients(apart, x, wide, narrow))


def test_nothing_is_dropped_outside_training() -> None:
    wide, narrow = layers()
    x, dropout = torch.randn(2, 40, 16), Dropout(0.4).eval()
    assert torch.equal(feed_forward(x, wide, narrow, dropout), feed_forward(x, wide, narrow, Dropout(0.0)))
