import pytest
import torch
from sklearn.metrics import mean_absolute_percentage_error

from minimand.losses import MAPELoss, mape_loss


def test_by_hand():
    rows = mape_loss(torch.tensor([1.5, -3.0]), torch.tensor([1.0, -4.0]), reduction="none")
    assert rows.tolist() == [0.5, 0.25]


def test_it_is_that_of_scikit_learn():
    rng = torch.Generator().manual_seed(0)
    pred, target = (torch.randn(30, generator=rng, dtype=torch.float64) for _ in range(2))
    expected = mean_absolute_percentage_error(target.numpy(), pred.numpy())
    assert float(mape_loss(pred, target)) == pytest.approx(expected)


def test_a_target_of_zero_is_divided_by_the_floor():
    assert float(mape_loss(torch.tensor([2.0]), torch.tensor([0.0]), floor=0.5)) == 4.0


def test_units_do_not_matter():
    rng = torch.Generator().manual_seed(0)
    pred, target = (torch.rand(30, generator=rng, dtype=torch.float64) + 1 for _ in range(2))
    torch.testing.assert_close(mape_loss(1e3 * pred, 1e3 * target), mape_loss(pred, target))


def test_the_best_constant_lies_below_the_median():
    target = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=torch.float64)
    constants = torch.linspace(0.5, 5.5, 1001, dtype=torch.float64)
    risks = torch.stack([mape_loss(c.expand(5), target) for c in constants])
    # 1/y of 1, 2, 3, 4, 5: the first two hold 1.5 of 2.283, so that half lies within the second
    assert float(constants[risks.argmin()]) == pytest.approx(2.0)


def test_the_floor_must_be_positive():
    with pytest.raises(ValueError, match=r"floor must be in \(0.0, inf\), got 0.0"):
        MAPELoss(floor=0.0)
