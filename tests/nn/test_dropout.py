import pytest
import torch

from yardbird.nn import dropout as module
from yardbird.nn.dropout import Dropout, drop

RULE = module._compiles


@pytest.fixture(autouse=True, params=[True, False], ids=["compiled", "operations of torch"])
def _each(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_compiles", lambda x: request.param and RULE(x))


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.999])
def test_the_requested_share_of_elements_is_dropped_and_the_mean_is_kept(probability: float) -> None:
    torch.manual_seed(0)
    dropped = Dropout(probability)(torch.ones(1601, 503))
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


def test_a_residual_is_added_to_what_is_kept_and_has_its_own_gradient() -> None:
    x, residual = torch.randn(40, 50, requires_grad=True), torch.randn(40, 50, requires_grad=True)
    torch.manual_seed(1)
    dropped = Dropout(0.25)(x)
    torch.manual_seed(1)
    added = Dropout(0.25).added(x, residual)
    torch.testing.assert_close(added, residual + dropped)
    upstream = torch.randn(40, 50)
    of_x, of_residual = torch.autograd.grad(added, (x, residual), upstream)
    torch.testing.assert_close(of_x, torch.where(dropped != 0, upstream / 0.75, 0))
    assert torch.equal(of_residual, upstream)


def test_the_order_of_the_memory_does_not_matter() -> None:
    x, residual = torch.randn(30, 20).t(), torch.randn(20, 30)
    torch.manual_seed(1)
    dropped = Dropout(0.25).added(x, residual)
    torch.manual_seed(1)
    torch.testing.assert_close(dropped, Dropout(0.25).added(x.contiguous(), residual))


def test_elements_are_dropped_in_place_and_others_do_not_change() -> None:
    x = torch.rand(400, 500) + 1
    dropped = x.clone()
    drop(dropped, 64)
    kept = dropped != 0
    assert torch.equal(dropped[kept], x[kept])
    assert abs(float(kept.float().mean()) - 0.75) < 0.01
    again = x.clone()
    drop(again, 64)
    assert not torch.equal(dropped, again)


def test_dropout_is_compiled_in_single_precision_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.zeros(2)
    assert RULE(x)
    assert not RULE(x.double())
    assert not RULE(x.to("meta"))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert not RULE(x)


def test_a_residual_of_another_shape_or_type_is_added_as_torch_does() -> None:
    x, row = torch.ones(4, 1000), torch.arange(1000.0)
    added = Dropout(0.5).added(x, row)
    assert torch.equal(((added - row) == 0) | ((added - row) == 2), torch.ones(4, 1000, dtype=torch.bool))
    assert Dropout(0.5).added(x, row.double()).dtype == torch.float64
