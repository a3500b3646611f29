import jaxtyping
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from yardbird.nn import linear as module
from yardbird.nn.linear import Linear, accelerate, linear


@pytest.mark.parametrize("avx512", [True, False])
@pytest.mark.parametrize(("wide", "narrow"), [(48, 16), (16, 48)])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("shape", [(2, 40), (3, 5)])  # on oneDNN, and too few rows for it
def test_output_and_gradients_equal_those_in_double_precision(
    monkeypatch: pytest.MonkeyPatch, wide: int, narrow: int, biased: bool, shape: tuple[int, int], avx512: bool
) -> None:
    monkeypatch.setattr(module, "_AVX512", avx512)
    torch.manual_seed(0)
    parts = [torch.randn(*shape, wide), torch.randn(narrow, wide), torch.randn(narrow) if biased else None]
    upstream = torch.randn(*shape, narrow)

    def differentiated(dtype: torch.dtype, product: object) -> list[Tensor]:
        inputs = [None if part is None else part.to(dtype).requires_grad_() for part in parts]
        output = product(*inputs)  # type: ignore[operator]
        given = [part for part in inputs if part is not None]
        return [output, *torch.autograd.grad(output, given, upstream.to(dtype))]

    for ours, exact in zip(differentiated(torch.float32, linear), differentiated(torch.float64, F.linear), strict=True):
        torch.testing.assert_close(ours.double(), exact, atol=1e-4, rtol=1e-5)


def test_frozen_weights_receive_no_gradient_and_pass_it_on() -> None:
    layer = Linear(8, 4).requires_grad_(False)
    x = torch.randn(64, 8, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(64, 8))


def test_a_transposed_gradient_is_accepted() -> None:
    x, weight = torch.randn(64, 8, requires_grad=True), torch.randn(4, 8)
    upstream = torch.randn(4, 64)
    (gradient,) = torch.autograd.grad(linear(x, weight), x, upstream.t())
    torch.testing.assert_close(gradient, upstream.t() @ weight)


def test_mixed_precision_is_that_of_torch() -> None:
    layer = Linear(16, 8)
    x = torch.randn(64, 16)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
        assert output.dtype == torch.bfloat16
        assert torch.equal(output, F.linear(x, layer.weight, layer.bias))


def test_a_model_keeps_its_weights_and_the_classes_of_other_layers() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Bilinear(2, 2, 2), nn.ModuleList([nn.Linear(8, 4)]))
    before = model.state_dict()
    accelerate(model)
    assert [type(layer) for layer in model] == [Linear, nn.Bilinear, nn.ModuleList]
    after = model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_shapes_in_annotations_are_checked() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        linear(torch.zeros(2, 3), torch.zeros(3))
