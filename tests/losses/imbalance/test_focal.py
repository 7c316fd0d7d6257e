import math

import mpmath
import pytest
import torch
import torch.nn.functional as F

from minimand.losses import focal_loss

mpmath.mp.dps = 50


def batch(n_classes=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(8, n_classes, generator=rng, dtype=torch.float64), torch.arange(8) % n_classes


def test_by_hand():
    logits = torch.tensor([[math.log(3.0), 0.0]], dtype=torch.float64)
    assert focal_loss(logits, torch.tensor([0]), gamma=2.0).item() == pytest.approx(math.log(4 / 3) / 16)
    assert focal_loss(logits, torch.tensor([1]), gamma=1.0).item() == pytest.approx(math.log(4) * 3 / 4)


def test_the_example_of_the_docstring():
    logits = torch.tensor([[math.log(9.0), 0.0]], dtype=torch.float64)
    ratio = focal_loss(logits, torch.tensor([0])) / F.cross_entropy(logits, torch.tensor([0]))
    assert ratio.item() == pytest.approx(0.01)


def test_gamma_zero_is_cross_entropy():
    logits, target = batch()
    ours, ce = (
        torch.func.grad_and_value(f)(logits)
        for f in (lambda z: focal_loss(z, target, gamma=0.0), lambda z: F.cross_entropy(z, target))
    )
    torch.testing.assert_close(ours, ce)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0, 5.0])
def test_gradient_is_cross_entropy_s_times_a_factor_of_p(gamma):
    # by hand: d/d log p of -(1-p)^g log p is -(1-p)^g + g p (1-p)^(g-1) log p
    logits, target = batch()
    p = logits.softmax(-1).gather(1, target[:, None])
    factor = (1 - p) ** gamma - gamma * p * (1 - p) ** (gamma - 1) * p.log()
    ours = torch.func.grad(lambda z: focal_loss(z, target, gamma=gamma, reduction="sum"))(logits)
    ce = torch.func.grad(lambda z: F.cross_entropy(z, target, reduction="sum"))(logits)
    torch.testing.assert_close(ours, factor * ce)


@pytest.mark.parametrize("gap", [-600.0, -40.0, -1.0, 0.0, 3.0, 20.0, 33.0])
@pytest.mark.parametrize("gamma", [0.05, 0.5, 2.0])
def test_value_and_slope_in_50_digits(gap, gamma):
    def exact(z):
        log_p = -mpmath.log1p(mpmath.exp(-z))
        return -((-mpmath.expm1(log_p)) ** gamma) * log_p

    logits = torch.tensor([[gap, 0.0]], dtype=torch.float64, requires_grad=True)
    value = focal_loss(logits, torch.tensor([0]), gamma=gamma)
    (slope,) = torch.autograd.grad(value, logits)
    # the rounding of log p, one unit in the last place of 1, is all that may be lost when p is near 1
    assert value.item() == pytest.approx(float(exact(mpmath.mpf(gap))), rel=1e-11, abs=1e-15)
    assert slope[0, 0].item() == pytest.approx(float(mpmath.diff(exact, mpmath.mpf(gap))), rel=1e-11, abs=1e-15)


@pytest.mark.parametrize("gamma", [1e-3, 0.25, 0.5, 0.999, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_where_p_is_one_value_and_gradient_are_zero_not_nan(gamma, dtype):
    # (1 - p)^gamma is vertical there: written plainly, its gradient is 0 * inf
    for gap in (30.0, 200.0, 3e4):
        logits = torch.tensor([[gap, 0.0, -gap]], dtype=dtype, requires_grad=True)
        value = focal_loss(logits, torch.tensor([0]), gamma=gamma)
        value.backward()
        assert abs(value.item()) < 1e-10
        assert logits.grad.abs().max() < 1e-10


def test_where_p_is_zero_it_is_cross_entropy_with_its_gradient():
    logits = torch.tensor([[-1e30, 0.0]], requires_grad=True)
    value = focal_loss(logits, torch.tensor([0]))
    value.backward()
    assert value.item() == pytest.approx(1e30)
    assert logits.grad.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize("gamma", [-0.1, math.inf])
def test_gamma_outside_its_range_is_refused(gamma):
    with pytest.raises(ValueError, match=r"gamma must be in \[0.0, inf\)"):
        focal_loss(*batch(), gamma=gamma)
