"""Macro-F1 by hand, against scikit-learn and a slow loop over precision and recall."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score

from minimand.evaluation import macro_f1_metric


def certain(predicted: list[int], n_classes: int) -> torch.Tensor:
    return F.one_hot(torch.tensor(predicted), n_classes).float()


def test_hand_value():
    # class 0: precision 2/3, recall 2/2, F1 4/5; class 1: precision 1, recall 1/2, F1 2/3; class 2 does not occur
    value = macro_f1_metric(certain([0, 0, 0, 1], 3), torch.tensor([0, 0, 1, 1]))
    assert value.item() == pytest.approx((4 / 5 + 2 / 3) / 2, abs=1e-15)


def test_a_class_that_is_only_predicted_counts_as_zero():
    value = macro_f1_metric(certain([0, 0, 2], 4), torch.tensor([0, 0, 0]))
    assert value.item() == pytest.approx(0.8 / 2, abs=1e-15)
    weight = torch.tensor([1.0, 1.0, 0.0])  # without that row the class does not occur
    assert macro_f1_metric(certain([0, 0, 2], 4), torch.tensor([0, 0, 0]), sample_weight=weight).item() == 1.0


@pytest.mark.parametrize("n_classes", [2, 7])
def test_against_scikit_learn_and_a_loop(n_classes):
    rng = torch.Generator().manual_seed(n_classes)
    scores, weight = torch.randn(60, n_classes, generator=rng), torch.rand(60, generator=rng).double()
    target = torch.randint(n_classes, (60,), generator=rng).clamp(max=4)
    value = macro_f1_metric(scores, target, sample_weight=weight).item()
    predicted = scores.argmax(1)
    expected = f1_score(
        target.numpy(), predicted.numpy(), average="macro", sample_weight=weight.numpy(), zero_division=0.0
    )
    assert value == pytest.approx(expected, abs=1e-12)
    parts = []
    for label in sorted({*target.tolist(), *predicted.tolist()}):
        hit = weight[(target == label) & (predicted == label)].sum().item()
        named, there = weight[predicted == label].sum().item(), weight[target == label].sum().item()
        precision, recall = hit / named if named else 0.0, hit / there if there else 0.0
        parts.append(2 * precision * recall / (precision + recall) if hit else 0.0)
    assert value == pytest.approx(sum(parts) / len(parts), abs=1e-12)
