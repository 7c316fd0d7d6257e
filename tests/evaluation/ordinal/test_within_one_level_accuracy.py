"""Accuracy within one level by hand and against top-k accuracy of scores that fall off."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import top_k_accuracy_score

from minimand.evaluation import within_one_level_accuracy_metric


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
    pred, target = certain([0, 3, 1, 2], 4), torch.tensor([0, 1, 2, 1])
    assert within_one_level_accuracy_metric(pred, target).item() == 0.75
    weight = torch.tensor([1.0, 3.0, 1.0, 1.0])
    assert within_one_level_accuracy_metric(pred, target, sample_weight=weight).item() == 0.5


def test_against_the_three_nearest_of_scikit_learn():
    scores, target, weight = graded(8)
    level = torch.arange(8)
    # scores that fall off with the distance: the three best are the level and its two neighbours
    predicted = scores.argmax(1).clamp(1, 6)
    falling = -(level - predicted[:, None]).abs().double()
    expected = top_k_accuracy_score(target, falling, k=3, sample_weight=weight, labels=level)
    value = within_one_level_accuracy_metric(falling, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_with_three_levels_the_middle_is_always_right():
    assert within_one_level_accuracy_metric(certain([1] * 6, 3), torch.arange(6) % 3).item() == 1.0
