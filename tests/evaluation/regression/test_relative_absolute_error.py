"""Relative absolute error by hand, in a loop, and against its parts in scikit-learn."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_absolute_error

from minimand.evaluation import relative_absolute_error_metric


def test_hand_values():
    target = torch.tensor([1.0, 2.0, 6.0])
    # of the mean 3 the errors are 2, 1 and 3
    assert relative_absolute_error_metric(torch.tensor([1.0, 2.0, 3.0]), target).item() == pytest.approx(0.5, rel=1e-14)
    assert relative_absolute_error_metric(torch.full((3,), 3.0), target).item() == 1.0


def test_against_its_parts(rows):
    pred, target, weight = rows
    mean = torch.full_like(target, float((weight * target).sum() / weight.sum()))
    errors = [mean_absolute_error(target, said, sample_weight=weight) for said in (pred, mean)]
    value = relative_absolute_error_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(errors[0] / errors[1], rel=1e-12)


def test_in_a_loop_over_columns(columns):
    pred, target, _ = columns
    ratios = []
    for said, true in zip(pred.T.tolist(), target.T.tolist(), strict=True):
        mean = sum(true) / 40
        ratios.append(sum(abs(s - t) for s, t in zip(said, true, strict=True)) / sum(abs(t - mean) for t in true))
    assert relative_absolute_error_metric(pred, target).item() == pytest.approx(sum(ratios) / 3, rel=1e-12)


def test_equal_targets_have_no_spread():
    with pytest.raises(ValueError, match="at least two different numbers for a relative error, got only 3"):
        relative_absolute_error_metric(torch.zeros(4), torch.full((4,), 3.0))
