"""The Brier score by hand, against scikit-learn, and its ends."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import brier_score_loss

from minimand.evaluation import brier_metric


def test_hand_value():
    p = torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    # 1/4 + 1/16 + 1/16, and 1 + 1
    assert brier_metric(p, torch.tensor([0, 2])).item() == (0.375 + 2.0) / 2
    weight = torch.tensor([3.0, 1.0])
    assert brier_metric(p, torch.tensor([0, 2]), sample_weight=weight).item() == (3 * 0.375 + 2.0) / 4


def test_binary_is_twice_the_error_of_one_column():
    rng = torch.Generator().manual_seed(0)
    p = torch.rand(50, generator=rng, dtype=torch.float64)
    target, weight = torch.arange(50) % 2, torch.rand(50, generator=rng, dtype=torch.float64)
    value = brier_metric(torch.stack((1 - p, p), 1), target, sample_weight=weight).item()
    expected = brier_score_loss(target.numpy(), p.numpy(), sample_weight=weight.numpy())
    assert value == pytest.approx(2 * expected, abs=1e-12)


def test_against_a_slow_loop():
    rng = torch.Generator().manual_seed(1)
    p = torch.randn(30, 4, generator=rng, dtype=torch.float64).softmax(1)
    target = torch.randint(4, (30,), generator=rng)
    total = 0.0
    for row, label in zip(p.tolist(), target.tolist(), strict=True):
        total += sum((probability - (k == label)) ** 2 for k, probability in enumerate(row))
    assert brier_metric(p, target).item() == pytest.approx(total / 30, abs=1e-12)


def test_ends_and_chance():
    target = torch.arange(8) % 4
    eye = torch.eye(4)
    assert brier_metric(eye[target], target).item() == 0.0
    assert brier_metric(eye[(target + 1) % 4], target).item() == 2.0
    assert brier_metric(torch.full((8, 4), 0.25), target).item() == 0.75
