"""Balanced accuracy by hand, against scikit-learn, and at chance."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import balanced_accuracy_score

from minimand.evaluation import balanced_accuracy_metric


def test_hand_value():
    # recall 3/4 of class 0, 1/2 of class 1
    target = torch.tensor([0, 0, 0, 0, 1, 1])
    scores = F.one_hot(torch.tensor([0, 0, 0, 1, 1, 0]), 2).float()
    assert balanced_accuracy_metric(scores, target).item() == 0.625
    weight = torch.tensor([1.0, 1.0, 1.0, 3.0, 3.0, 1.0])  # now 1/2 and 3/4
    assert balanced_accuracy_metric(scores, target, sample_weight=weight).item() == 0.625
    weight = torch.tensor([1.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    assert balanced_accuracy_metric(scores, target, sample_weight=weight).item() == 1.0


def test_one_guess_gives_one_over_the_classes_present():
    target = torch.tensor([0] * 97 + [1] * 2 + [3])
    scores = F.one_hot(torch.zeros(100, dtype=torch.long), 5).float()
    assert balanced_accuracy_metric(scores, target).item() == pytest.approx(1 / 3)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("n_classes", [2, 6])
def test_against_scikit_learn(n_classes):
    rng = torch.Generator().manual_seed(n_classes)
    scores, weight = torch.randn(150, n_classes, generator=rng), torch.rand(150, generator=rng).double()
    target = torch.randint(n_classes, (150,), generator=rng).clamp(max=4)
    expected = balanced_accuracy_score(target.numpy(), scores.argmax(1).numpy(), sample_weight=weight.numpy())
    value = balanced_accuracy_metric(scores, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, abs=1e-12)
