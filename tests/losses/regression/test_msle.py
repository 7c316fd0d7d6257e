import math

import pytest
import torch
from sklearn.metrics import mean_squared_log_error

from minimand.losses import msle_loss


def test_by_hand():
    e = math.e
    rows = msle_loss(torch.tensor([0.0, e - 1]), torch.tensor([e - 1, e**3 - 1]), reduction="none")
    assert rows.tolist() == pytest.approx([1.0, 4.0], rel=1e-6)


def test_it_is_that_of_scikit_learn():
    rng = torch.Generator().manual_seed(0)
    pred, target = (10 ** (4 * torch.rand(30, generator=rng, dtype=torch.float64)) for _ in range(2))
    expected = mean_squared_log_error(target.numpy(), pred.numpy())
    assert float(msle_loss(pred, target)) == pytest.approx(expected)


def test_ratios_count_and_too_low_costs_more():
    large = torch.tensor([1e8], dtype=torch.float64)
    assert float(msle_loss(large * 2, large)) == pytest.approx(math.log(2) ** 2, rel=1e-6)
    assert float(msle_loss(large - 5e7, large)) > float(msle_loss(large + 5e7, large))


def test_a_negative_prediction_counts_as_zero():
    pred = torch.tensor([-3.0], requires_grad=True)
    value = msle_loss(pred, torch.tensor([2.0]))
    assert value.item() == pytest.approx(math.log(3) ** 2, rel=1e-6)
    assert float(torch.autograd.grad(value, pred)[0]) == 0.0


def test_a_negative_target_is_refused():
    with pytest.raises(ValueError, match="target must be at least 0 for this loss, got -1"):
        msle_loss(torch.ones(2), torch.tensor([1.0, -1.0]))
