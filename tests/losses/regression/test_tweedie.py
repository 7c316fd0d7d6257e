import pytest
import torch
from sklearn.metrics import mean_tweedie_deviance

from minimand.losses import TweedieLoss, gamma_loss, poisson_loss, tweedie_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    pred = torch.randn(30, generator=rng, dtype=torch.float64)
    target = torch.rand(30, generator=rng, dtype=torch.float64) * 4
    target[::3] = 0.0
    return pred, target


def slope(function, pred, target, **hyper):
    return torch.func.grad(lambda p: function(p, target, reduction="sum", **hyper))(pred)


def test_by_hand():
    # at s = 0 and p = 3/2 it is 2 + 2 y
    rows = tweedie_loss(torch.zeros(2), torch.tensor([0.0, 3.0]), reduction="none")
    assert rows.tolist() == [2.0, 8.0]


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
def test_twice_its_excess_is_the_deviance_of_scikit_learn(power):
    pred, target = batch()
    # a target of 0 is best predicted by 0, the logarithm of which is -inf, at no cost
    best = tweedie_loss(target.clamp_min(1e-30).log(), target, power=power, reduction="none")
    best = torch.where(target == 0, 0.0, best)
    excess = (tweedie_loss(pred, target, power=power, reduction="none") - best).mean()
    expected = mean_tweedie_deviance(target.numpy(), pred.exp().numpy(), power=power)
    assert 2 * float(excess) == pytest.approx(expected)


def test_its_slopes_at_both_ends_are_those_of_poisson_and_gamma():
    pred, target = batch()
    near = {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(
        slope(tweedie_loss, pred, target, power=1 + 1e-6), slope(poisson_loss, pred, target), **near
    )
    target = target + 0.5
    torch.testing.assert_close(
        slope(tweedie_loss, pred, target, power=2 - 1e-6), slope(gamma_loss, pred, target), **near
    )


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_the_power_lies_between(power):
    with pytest.raises(ValueError, match=r"power must be in \(1.0, 2.0\), got"):
        TweedieLoss(power=power)
