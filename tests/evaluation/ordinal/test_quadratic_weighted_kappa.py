"""Quadratic weighted kappa by hand, against scikit-learn, and of two levels."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from minimand.evaluation import cohen_kappa_metric, quadratic_weighted_kappa_metric


def graded(n_levels: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    scores, weight = torch.randn(80, n_levels, generator=rng), torch.rand(80, generator=rng).double() + 0.1
    # the last of many levels does not occur
    target = torch.randint(n_levels, (80,), generator=rng).clamp(max=5)
    scores[torch.arange(80), target] += 1.5
    return scores, target, weight


def certain(predicted: list[int], n_levels: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(predicted), n_levels).float()


def test_hand_value():
    # observed (0 + 4 + 0 + 0) / 4; by chance, of (0, 0, 2, 2) and (0, 2, 2, 2), half of all pairs by 2
    value = quadratic_weighted_kappa_metric(certain([0, 2, 2, 2], 3), torch.tensor([0, 0, 2, 2])).item()
    assert value == pytest.approx(1 - 1 / 2, rel=1e-14)


@pytest.mark.parametrize("n_levels", [2, 3, 8])
def test_against_scikit_learn(n_levels):
    scores, target, weight = graded(n_levels)
    expected = cohen_kappa_score(target, scores.argmax(1), weights="quadratic", sample_weight=weight)
    value = quadratic_weighted_kappa_metric(scores, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, abs=1e-12)


def test_of_two_levels_it_is_kappa():
    scores, target, weight = graded(2)
    expected = cohen_kappa_metric(scores, target, sample_weight=weight).item()
    assert quadratic_weighted_kappa_metric(scores, target, sample_weight=weight).item() == pytest.approx(expected)


def test_of_one_and_the_same_level_agreement_says_nothing():
    assert quadratic_weighted_kappa_metric(certain([1, 1], 3), torch.tensor([1, 1])).item() == 0.0
    # one and the same level each, but not the same: as bad as by chance
    assert quadratic_weighted_kappa_metric(certain([1, 1], 3), torch.tensor([2, 2])).item() == 0.0
