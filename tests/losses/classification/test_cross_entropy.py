import math

import pytest
import torch
import torch.nn.functional as F

from minimand.losses import cross_entropy_loss


def batch(n_classes=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(8, n_classes, generator=rng, dtype=torch.float64), torch.arange(8) % n_classes


def test_by_hand():
    # odds 3 : 1, so p = 3/4 and 1/4
    logits = torch.tensor([[math.log(3.0), 0.0]], dtype=torch.float64)
    assert cross_entropy_loss(logits, torch.tensor([0])).item() == pytest.approx(math.log(4 / 3))
    assert cross_entropy_loss(logits, torch.tensor([1])).item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("n_classes", [2, 5, 15, 16, 40])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_it_is_torch_s_cross_entropy(n_classes, reduction):
    logits, target = batch(n_classes)
    target[3] = -100
    ours, theirs = (
        torch.func.grad_and_value(lambda z, f=f: f(z, target, ignore_index=-100, reduction=reduction).sum())(logits)
        for f in (cross_entropy_loss, F.cross_entropy)
    )
    torch.testing.assert_close(ours, theirs)


def test_over_nothing_it_is_zero_where_torch_gives_nan():
    logits, target = torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)
    assert F.cross_entropy(logits, target).isnan()
    assert cross_entropy_loss(logits, target).item() == 0


def test_half_precision_is_not_rounded_to_half():
    logits, target = batch()
    half = logits.half()
    exact = F.cross_entropy(half.double(), target)
    assert cross_entropy_loss(half, target).item() == pytest.approx(exact.item(), rel=1e-6)
    assert cross_entropy_loss(half, target).dtype == torch.float32


def test_in_expectation_the_true_probabilities_are_best():
    # the gradient of the mean over labels drawn as p vanishes at log p, and nowhere else up to a shift
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    logits = p.log().expand(3, 3).clone().requires_grad_()
    cross_entropy_loss(logits, torch.arange(3), sample_weight=p).backward()
    torch.testing.assert_close(logits.grad.sum(0), torch.zeros(3, dtype=torch.float64))
