"""AUROC by counting pairs, against scikit-learn, with ties, weights and infinite scores."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import roc_auc_score

from minimand.evaluation import auroc_metric


def pairs(rank: torch.Tensor, positive: torch.Tensor, weight: torch.Tensor) -> float:
    """The definition: every pair of a positive and a negative row."""
    won = total = 0.0
    for a in positive.nonzero().flatten().tolist():
        for b in (~positive).nonzero().flatten().tolist():
            both = float(weight[a] * weight[b])
            total += both
            won += both * (1.0 if rank[a] > rank[b] else 0.5 if rank[a] == rank[b] else 0.0)
    return won / total


def test_hand_value_with_a_tie():
    scores = torch.stack((torch.zeros(4), torch.tensor([0.1, 0.4, 0.4, 0.8])), 1)
    # positives 0.4 and 0.8 against 0.1 and 0.4: 1 + 1/2 + 1 + 1 of 4
    assert auroc_metric(scores, torch.tensor([0, 0, 1, 1])).item() == 0.875


def test_binary_ranks_by_the_difference_of_the_scores():
    rng = torch.Generator().manual_seed(0)
    scores = torch.randint(-3, 4, (40, 2), generator=rng).double()
    target, weight = torch.arange(40) % 3 // 2, torch.rand(40, generator=rng, dtype=torch.float64)
    value = auroc_metric(scores, target, sample_weight=weight).item()
    difference = scores[:, 1] - scores[:, 0]
    assert value == pytest.approx(pairs(difference, target == 1, weight), abs=1e-12)
    expected = roc_auc_score(target.numpy(), difference.numpy(), sample_weight=weight.numpy())
    assert value == pytest.approx(expected, abs=1e-12)
    offset = torch.randn(40, 1, generator=rng, dtype=torch.float64).round()
    assert auroc_metric(scores + offset, target, sample_weight=weight).item() == pytest.approx(value, abs=1e-12)


def test_multiclass_is_one_against_the_rest_by_softmax_probability():
    rng = torch.Generator().manual_seed(1)
    scores, target = torch.randn(80, 4, generator=rng, dtype=torch.float64), torch.arange(80) % 4
    scores[torch.arange(80), target] += 0.7
    weight = torch.rand(80, generator=rng, dtype=torch.float64)
    p = scores.softmax(1)
    expected = roc_auc_score(
        target.numpy(), p.numpy(), multi_class="ovr", average="macro", sample_weight=weight.numpy()
    )
    assert auroc_metric(scores, target, sample_weight=weight).item() == pytest.approx(expected, abs=1e-12)
    assert auroc_metric(p.log(), target, sample_weight=weight).item() == pytest.approx(expected, abs=1e-12)
    slow = sum(pairs(p[:, k], target == k, weight) for k in range(4)) / 4
    assert expected == pytest.approx(slow, abs=1e-12)


def test_absent_classes_are_left_out():
    rng = torch.Generator().manual_seed(2)
    scores, target = torch.randn(30, 5, generator=rng, dtype=torch.float64), torch.arange(30) % 2 * 3
    p, ones = scores.softmax(1), torch.ones(30)
    expected = (pairs(p[:, 0], target == 0, ones) + pairs(p[:, 3], target == 3, ones)) / 2
    assert auroc_metric(scores, target).item() == pytest.approx(expected, abs=1e-12)


def test_saturated_scores_are_still_ranked():
    # as probabilities all of these are one
    scores = torch.stack((torch.zeros(4), torch.tensor([50.0, 60.0, 70.0, 80.0])), 1).double()
    assert auroc_metric(scores, torch.tensor([0, 0, 1, 1])).item() == 1.0


def test_logarithms_of_certain_probabilities():
    target = torch.tensor([0, 1, 2, 0])
    log_p = torch.eye(3)[target].log()
    assert auroc_metric(log_p, target).item() == 1.0


def test_constant_and_reversed():
    target = torch.arange(10) % 2
    assert auroc_metric(torch.zeros(10, 2), target).item() == 0.5
    assert auroc_metric(torch.eye(2)[1 - target], target).item() == 0.0


def test_one_class_has_no_area():
    with pytest.raises(ValueError, match="rows of at least two classes for an AUROC, got only class 1"):
        auroc_metric(torch.zeros(3, 2), torch.tensor([1, 1, 1]))
    weight = torch.tensor([1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="got only class 1"):
        auroc_metric(torch.zeros(3, 2), torch.tensor([1, 1, 0]), sample_weight=weight)
