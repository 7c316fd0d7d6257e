"""Mean absolute level error by hand and against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_absolute_error

from minimand.evaluation import mean_absolute_level_error_metric


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
    pred, target = certain([0, 3, 1], 4), torch.tensor([0, 1, 2])
    assert mean_absolute_level_error_metric(pred, target).item() == 1.0
    weight = torch.tensor([1.0, 2.0, 1.0])
    assert mean_absolute_level_error_metric(pred, target, sample_weight=weight).item() == 1.25


@pytest.mark.parametrize("n_levels", [2, 8])
def test_against_scikit_learn(n_levels):
    scores, target, weight = graded(n_levels)
    expected = mean_absolute_error(target, scores.argmax(1), sample_weight=weight)
    value = mean_absolute_level_error_metric(scores, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)
