import pytest
import torch
import torch.nn.functional as F
from scipy.special import huber

from minimand.losses import HuberLoss, huber_loss, mae_loss, mse_loss


def batch(seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(40, generator=rng, dtype=torch.float64), torch.randn(40, generator=rng, dtype=torch.float64)


def test_by_hand():
    pred, target = torch.tensor([0.0, 0.0, 0.0]), torch.tensor([1.0, -2.0, 5.0])
    # 1/2, then 2 (|e| - 1)
    assert huber_loss(pred, target, delta=2.0, reduction="none").tolist() == [0.5, 2.0, 8.0]


@pytest.mark.parametrize("delta", [0.2, 1.0, 3.0])
def test_it_is_that_of_scipy(delta):
    pred, target = batch()
    expected = torch.from_numpy(huber(delta, (target - pred).numpy()))
    torch.testing.assert_close(huber_loss(pred, target, delta=delta, reduction="none"), expected)


def test_smooth_l1_is_it_divided_by_delta():
    pred, target = batch()
    torch.testing.assert_close(huber_loss(pred, target, delta=0.3) / 0.3, F.smooth_l1_loss(pred, target, beta=0.3))


def test_its_two_limits():
    pred, target = batch()
    torch.testing.assert_close(huber_loss(pred, target, delta=1e3), mse_loss(pred, target) / 2)
    torch.testing.assert_close(huber_loss(pred, target, delta=1e-7) / 1e-7, mae_loss(pred, target), rtol=1e-6, atol=0)


def test_the_slope_is_the_error_held_within_delta():
    pred, target = batch()
    slope = torch.func.grad(lambda p: huber_loss(p, target, delta=0.7, reduction="sum"))(pred)
    torch.testing.assert_close(slope, (pred - target).clamp(-0.7, 0.7))


@pytest.mark.parametrize("delta", [0.0, -1.0, float("inf"), float("nan")])
def test_delta_must_be_positive(delta):
    with pytest.raises(ValueError, match=r"delta must be in \(0.0, inf\), got"):
        HuberLoss(delta=delta)
