import pytest
import torch
from torch import nn

from yardbird.nn.evaluating import evaluating, in_evaluation


class Doubling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dropout, self.weight = nn.Dropout(0.5), nn.Parameter(torch.tensor(2.0))

    @in_evaluation
    def double(self, values: torch.Tensor) -> torch.Tensor:
        if not bool(values.isfinite().all()):
            raise ValueError("no number")
        doubled: torch.Tensor = self.dropout(self.weight * values)
        return doubled


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_every_module_is_restored_also_after_an_error(training: bool) -> None:
    model = nn.Sequential(Doubling(), nn.Dropout(0.5)).train(training)
    model[1].train(not training)
    modes = [module.training for module in model.modules()]
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(KeyboardInterrupt), evaluating(model):
        raise KeyboardInterrupt
    assert [module.training for module in model.modules()] == modes


def test_a_method_in_evaluation_has_no_dropout_and_no_gradient_and_restores_the_mode_after_an_error() -> None:
    model, values = Doubling().train(), torch.ones(1000)
    doubled = model.double(values)
    assert torch.equal(doubled, 2 * values)
    assert not doubled.requires_grad
    with pytest.raises(ValueError, match="no number"):
        model.double(torch.tensor([torch.nan]))
    assert model.training
    assert model.dropout.training
