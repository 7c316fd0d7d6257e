"""Accuracy by hand, against scikit-learn and a slow loop."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import accuracy_score

from minimand.evaluation import accuracy_metric


def test_hand_value():
    scores = torch.tensor([[3.0, 1.0], [0.0, 2.0], [1.0, 0.0], [0.0, 1.0]])
    target = torch.tensor([0, 1, 1, 0])
    assert accuracy_metric(scores, target).item() == 0.5
    weight = torch.tensor([3.0, 1.0, 0.5, 0.5])
    assert accuracy_metric(scores, target, sample_weight=weight).item() == 0.8


def test_the_first_of_several_largest_scores_counts():
    ties = torch.tensor([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [5.0, 5.0, 5.0]])
    assert accuracy_metric(ties, torch.tensor([0, 1, 0])).item() == 1.0
    assert accuracy_metric(ties, torch.tensor([1, 2, 2])).item() == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn_and_a_loop(seed):
    rng = torch.Generator().manual_seed(seed)
    scores, target = torch.randn(200, 4, generator=rng), torch.randint(4, (200,), generator=rng)
    weight = torch.rand(200, generator=rng)
    value = accuracy_metric(scores, target, sample_weight=weight).item()
    expected = accuracy_score(target.numpy(), scores.argmax(1).numpy(), sample_weight=weight.double().numpy())
    assert value == pytest.approx(expected, abs=1e-12)
    right = total = 0.0
    for row, label, w in zip(scores.tolist(), target.tolist(), weight.double().tolist(), strict=True):
        right += w * (row.index(max(row)) == label)
        total += w
    assert value == pytest.approx(right / total, abs=1e-12)


def test_chance():
    rng = torch.Generator().manual_seed(0)
    scores, target = torch.randn(20000, 5, generator=rng), torch.randint(5, (20000,), generator=rng)
    assert accuracy_metric(scores, target).item() == pytest.approx(0.2, abs=0.01)
