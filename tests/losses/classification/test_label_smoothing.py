import math

import pytest
import torch
import torch.nn.functional as F

from minimand.losses import cross_entropy_loss, label_smoothing_loss


def batch(n_classes=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(8, n_classes, generator=rng, dtype=torch.float64), torch.arange(8) % n_classes


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("n_classes", [2, 5, 16, 30])
def test_it_is_torch_s_label_smoothing(smoothing, n_classes):
    logits, target = batch(n_classes)
    ours, theirs = (
        torch.func.grad_and_value(f)(logits)
        for f in (
            lambda z: label_smoothing_loss(z, target, smoothing=smoothing),
            lambda z: F.cross_entropy(z, target, label_smoothing=smoothing),
        )
    )
    torch.testing.assert_close(ours, theirs)


def test_it_is_cross_entropy_against_the_smoothed_label():
    logits, target = batch()
    label = torch.full((8, 5), 0.2 / 5, dtype=torch.float64)
    label[range(8), target] += 0.8
    torch.testing.assert_close(label_smoothing_loss(logits, target, smoothing=0.2), F.cross_entropy(logits, label))


def test_the_gradient_vanishes_where_the_docstring_says():
    n_classes, s = 4, 0.1
    gap = math.log(1 + n_classes * (1 - s) / s)
    logits = torch.tensor([[gap, 0.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    label_smoothing_loss(logits, torch.tensor([0]), smoothing=s).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(1, 4, dtype=torch.float64))


def test_mass_over_the_other_classes_only_is_a_larger_smoothing():
    logits, target = batch()
    others = torch.full((8, 5), 0.1 / 4, dtype=torch.float64)
    others[range(8), target] = 0.9
    ours = label_smoothing_loss(logits, target, smoothing=0.1 * 5 / 4)
    torch.testing.assert_close(ours, F.cross_entropy(logits, others))


def test_a_masked_class_is_infinite_but_not_nan_and_harmless_without_smoothing():
    logits = torch.tensor([[1.0, 0.0, -math.inf]], dtype=torch.float64)
    target = torch.tensor([0])
    assert label_smoothing_loss(logits, target).item() == math.inf
    unsmoothed = label_smoothing_loss(logits, target, smoothing=0.0)
    torch.testing.assert_close(unsmoothed, cross_entropy_loss(logits, target))
    masked_target = label_smoothing_loss(torch.tensor([[-math.inf, 0.0]]), torch.tensor([0]), smoothing=0.0)
    assert masked_target.item() == math.inf


@pytest.mark.parametrize("smoothing", [-0.01, 1.01])
def test_smoothing_outside_its_range_is_refused(smoothing):
    with pytest.raises(ValueError, match=rf"smoothing must be in \[0.0, 1.0\], got {smoothing}"):
        label_smoothing_loss(*batch(), smoothing=smoothing)
