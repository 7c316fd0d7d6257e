"""Log loss by hand, against scikit-learn, and where a probability is zero."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import log_loss

from minimand.evaluation import log_loss_metric


def test_hand_value():
    p = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
    target = torch.tensor([0, 0])
    assert log_loss_metric(p, target).item() == pytest.approx((math.log(2) + math.log(4)) / 2, abs=1e-15)
    weight = torch.tensor([3.0, 1.0])
    assert log_loss_metric(p, target, sample_weight=weight).item() == pytest.approx(1.25 * math.log(2), abs=1e-15)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_against_scikit_learn(n_classes):
    rng = torch.Generator().manual_seed(n_classes)
    p = (3 * torch.randn(100, n_classes, generator=rng, dtype=torch.float64)).softmax(1)
    p[:3] = torch.eye(n_classes, dtype=torch.float64)[0]  # certain, rightly and wrongly
    target, weight = torch.arange(100) % n_classes, torch.rand(100, generator=rng, dtype=torch.float64)
    value = log_loss_metric(p, target, sample_weight=weight).item()
    expected = log_loss(target.numpy(), p.numpy(), sample_weight=weight.numpy(), labels=list(range(n_classes)))
    assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_certain_mistake_costs_the_same_in_every_dtype(dtype):
    value = log_loss_metric(torch.tensor([[1.0, 0.0]], dtype=dtype), torch.tensor([1]))
    assert value.item() == pytest.approx(52 * math.log(2), abs=1e-12)


def test_chance_is_the_entropy():
    p = torch.full((12, 3), 1 / 3)
    assert log_loss_metric(p, torch.arange(12) % 3).item() == pytest.approx(math.log(3), abs=1e-7)


def test_half_precision_rows_that_sum_to_more_than_one_gain_nothing():
    assert log_loss_metric(torch.tensor([[1.001, 0.0]]), torch.tensor([0])).item() == 0.0
