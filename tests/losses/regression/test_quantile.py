import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from minimand.losses import QuantileLoss, mae_loss, quantile_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(40, generator=rng, dtype=torch.float64), torch.randn(40, generator=rng, dtype=torch.float64)


def test_by_hand():
    rows = quantile_loss(torch.zeros(2), torch.tensor([2.0, -2.0]), level=0.75, reduction="none")
    # too low costs 3/4 of the error, too high 1/4
    assert rows.tolist() == [1.5, 0.5]


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_it_is_that_of_scikit_learn(level):
    pred, target = batch()
    expected = mean_pinball_loss(target.numpy(), pred.numpy(), alpha=level)
    assert float(quantile_loss(pred, target, level=level)) == pytest.approx(expected)


def test_two_levels_that_mirror_each_other_make_the_absolute_error():
    pred, target = batch()
    total = quantile_loss(pred, target, level=0.2) + quantile_loss(pred, target, level=0.8)
    torch.testing.assert_close(total, mae_loss(pred, target))


@pytest.mark.parametrize("level", [0.1, 0.9])
def test_its_minimiser_is_the_quantile(level):
    _, target = batch()
    candidates = target.sort().values
    risks = torch.stack([quantile_loss(c.expand(40), target, level=level) for c in candidates])
    low, high = (np.quantile(target.numpy(), level, method=method) for method in ("lower", "higher"))
    assert low <= float(candidates[risks.argmin()]) <= high


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5])
def test_the_level_is_a_share(level):
    with pytest.raises(ValueError, match=r"level must be in \(0.0, 1.0\), got"):
        QuantileLoss(level=level)
