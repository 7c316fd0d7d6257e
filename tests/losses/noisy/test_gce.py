import math

import mpmath
import pytest
import torch
import torch.nn.functional as F

from minimand.losses import gce_loss

mpmath.mp.dps = 50


def batch(n_classes=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(8, n_classes, generator=rng, dtype=torch.float64), torch.arange(8) % n_classes


def test_by_hand():
    # p = 1/4 and 9/16 have square roots
    logits = torch.tensor([[0.0, math.log(3.0)], [math.log(9.0), math.log(7.0)]], dtype=torch.float64)
    rows = gce_loss(logits, torch.tensor([0, 0]), q=0.5, reduction="none")
    assert rows.tolist() == pytest.approx([1.0, 0.5])


def test_small_q_tends_to_cross_entropy():
    logits, target = batch()
    torch.testing.assert_close(gce_loss(logits, target, q=1e-7), F.cross_entropy(logits, target), rtol=1e-5, atol=0)


def test_q_one_is_half_the_distance_between_p_and_the_label():
    logits, target = batch()
    distance = (logits.softmax(-1) - F.one_hot(target, 5)).abs().sum(-1)
    torch.testing.assert_close(gce_loss(logits, target, q=1.0, reduction="none"), distance / 2)


def test_gradient_is_cross_entropy_gradient_times_p_to_the_q():
    # a second road to the same number, not a copy of the formula.
    logits, target = batch(seed=1)
    p_y = logits.softmax(-1).gather(-1, target[:, None])
    ours, ce = (
        torch.func.grad(lambda z, f=f: f(z, target, reduction="sum"))(logits) for f in (gce_loss, F.cross_entropy)
    )
    torch.testing.assert_close(ours, p_y**0.7 * ce)


@pytest.mark.parametrize("q", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("gap", [-500.0, -1.0, 3.0, 30.0])
def test_value_in_50_digits(q, gap):
    p = 1 / (1 + mpmath.exp(-mpmath.mpf(gap)))
    exact = (1 - p ** mpmath.mpf(q)) / mpmath.mpf(q)
    value = gce_loss(torch.tensor([[gap, 0.0]], dtype=torch.float64), torch.tensor([0]), q=q).item()
    assert value == pytest.approx(float(exact), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("q", [0.1, 0.7, 1.0])
def test_it_never_exceeds_one_over_q_and_reaches_it(q):
    logits = torch.tensor([[-1e4, 0.0], [-5.0, 0.0]], dtype=torch.float64)
    rows = gce_loss(logits, torch.tensor([0, 0]), q=q, reduction="none")
    assert rows[0].item() == pytest.approx(1 / q)
    assert (rows <= 1 / q).all()


def test_a_hopeless_row_has_no_pull_and_no_nan():
    logits = torch.tensor([[-1e4, 0.0]], requires_grad=True)
    gce_loss(logits, torch.tensor([0])).backward()
    assert logits.grad.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("q", [0.0, 1.5])
def test_q_outside_its_range_is_refused(q):
    with pytest.raises(ValueError, match=rf"q must be in \(0.0, 1.0\], got {q}"):
        gce_loss(*batch(), q=q)
