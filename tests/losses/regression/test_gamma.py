import math

import pytest
import torch
from scipy.stats import gamma
from sklearn.metrics import mean_gamma_deviance

from minimand.losses import gamma_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    pred = torch.randn(30, generator=rng, dtype=torch.float64)
    return pred, torch.rand(30, generator=rng, dtype=torch.float64) * 4 + 0.1


def test_by_hand():
    rows = gamma_loss(torch.tensor([0.0, math.log(2.0)]), torch.tensor([3.0, 4.0]), reduction="none")
    assert rows.tolist() == pytest.approx([3.0, 2 + math.log(2.0)])


def test_twice_its_excess_is_the_deviance_of_scikit_learn():
    pred, target = batch()
    excess = gamma_loss(pred, target) - gamma_loss(target.log(), target)
    assert 2 * float(excess) == pytest.approx(mean_gamma_deviance(target.numpy(), pred.exp().numpy()))
    torch.testing.assert_close(gamma_loss(target.log(), target, reduction="none"), 1 + target.log())


@pytest.mark.parametrize("shape", [0.5, 3.0])
def test_differences_are_those_of_the_log_likelihood_of_any_shape(shape):
    pred, target = batch()
    other = pred.flip(0)
    found = gamma_loss(pred, target, reduction="none") - gamma_loss(other, target, reduction="none")
    one, two = (
        torch.from_numpy(gamma.logpdf(target.numpy(), shape, scale=p.exp().numpy() / shape)) for p in (pred, other)
    )
    torch.testing.assert_close(shape * found, two - one)


def test_a_ratio_that_fits_where_the_exponential_does_not():
    value = gamma_loss(torch.tensor([-89.0]), torch.tensor([1e-30]))
    assert float(value) == pytest.approx(1e-30 * math.exp(89) - 89, rel=1e-5)


def test_a_target_of_zero_is_refused():
    with pytest.raises(ValueError, match="target must be above 0 for this loss, got 0"):
        gamma_loss(torch.ones(2), torch.tensor([1.0, 0.0]))
