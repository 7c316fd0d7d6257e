import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import mean_squared_error

from minimand.losses import MSELoss, mse_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(12, generator=rng, dtype=torch.float64), torch.randn(12, generator=rng, dtype=torch.float64)


def test_by_hand():
    rows = mse_loss(torch.tensor([1.0, 2.0, -1.0]), torch.tensor([0.0, 2.0, 2.0]), reduction="none")
    assert rows.tolist() == [1.0, 0.0, 9.0]


def test_it_is_that_of_other_libraries():
    pred, target = batch()
    weight = torch.rand(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = mean_squared_error(target.numpy(), pred.numpy(), sample_weight=weight.numpy())
    assert float(mse_loss(pred, target, sample_weight=weight)) == pytest.approx(expected)
    torch.testing.assert_close(mse_loss(pred, target), F.mse_loss(pred, target))


def test_expected_loss_is_variance_plus_squared_bias():
    _, target = batch()
    for shift in (0.0, 0.3, -2.0):
        value = float(mse_loss((target.mean() + shift).expand(12), target))
        assert value == pytest.approx(float(np.var(target.numpy())) + shift**2)


def test_targets_of_a_column_are_not_spread_against_predictions():
    pred, target = batch()
    torch.testing.assert_close(mse_loss(pred[:, None], target), F.mse_loss(pred, target))
    with pytest.raises(ValueError, match=r"pred must have shape \(12, 1\) to fit target, got \(12,\)"):
        mse_loss(pred, target[:, None])


def test_whole_rows_of_several_numbers():
    pred, target = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 6.0]])
    assert mse_loss(pred, target, reduction="none").tolist() == pytest.approx([14 / 3, 12.0])
    assert repr(MSELoss(reduction="sum")) == "MSELoss(reduction='sum')"
