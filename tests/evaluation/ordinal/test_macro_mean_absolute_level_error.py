"""Macro-averaged level error by hand and in a loop over the levels."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_absolute_error

from minimand.evaluation import macro_mean_absolute_level_error_metric, mean_absolute_level_error_metric


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
    # level 0: 0, 0, 0 and 1; level 2: 1
    pred, target = certain([0, 0, 0, 1, 1], 4), torch.tensor([0, 0, 0, 0, 2])
    assert macro_mean_absolute_level_error_metric(pred, target).item() == (0.25 + 1) / 2


@pytest.mark.parametrize("n_levels", [2, 8])
def test_in_a_loop_over_the_levels(n_levels):
    scores, target, weight = graded(n_levels)
    errors = []
    for level in target.unique():
        rows = target == level
        errors.append(mean_absolute_error(target[rows], scores[rows].argmax(1), sample_weight=weight[rows]))
    value = macro_mean_absolute_level_error_metric(scores, target, sample_weight=weight).item()
    assert value == pytest.approx(sum(errors) / len(errors), rel=1e-12)


def test_each_level_as_often_as_the_others_is_the_plain_error():
    rng = torch.Generator().manual_seed(4)
    scores, target = torch.randn(50, 5, generator=rng), torch.arange(50) % 5
    expected = mean_absolute_level_error_metric(scores, target).item()
    assert macro_mean_absolute_level_error_metric(scores, target).item() == pytest.approx(expected, rel=1e-14)
