import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import mean_absolute_error

from minimand.losses import mae_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(12, generator=rng, dtype=torch.float64), torch.randn(12, generator=rng, dtype=torch.float64)


def test_by_hand():
    rows = mae_loss(torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.0, 2.0, 2.0]), reduction="none")
    assert rows.tolist() == [1.0, 0.0, 3.0]


def test_it_is_that_of_other_libraries():
    pred, target = batch()
    weight = torch.rand(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = mean_absolute_error(target.numpy(), pred.numpy(), sample_weight=weight.numpy())
    assert float(mae_loss(pred, target, sample_weight=weight)) == pytest.approx(expected)
    torch.testing.assert_close(mae_loss(pred, target), F.l1_loss(pred, target))


def test_how_far_off_a_wrong_target_is_does_not_pull():
    target = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
    for wrong in (4.0, 1e6):
        target[-1] = wrong
        pred = torch.full((5,), 1.5, requires_grad=True)
        (slope,) = torch.autograd.grad(mae_loss(pred, target, reduction="sum"), pred)
        assert slope.tolist() == [1.0, 1.0, -1.0, -1.0, -1.0]


def test_at_the_target_the_slope_is_zero():
    pred = torch.ones(3, requires_grad=True)
    (slope,) = torch.autograd.grad(mae_loss(pred, torch.ones(3)), pred)
    assert slope.tolist() == [0.0, 0.0, 0.0]
