"""D2 of the absolute error by hand, against scikit-learn, and against the best constant."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import d2_absolute_error_score

from minimand.evaluation import d2_absolute_error_metric


def test_hand_values():
    target = torch.tensor([1.0, 2.0, 6.0])
    # of the median 2 the errors are 1, 0 and 4
    assert d2_absolute_error_metric(torch.tensor([1.0, 2.0, 5.0]), target).item() == pytest.approx(0.8, rel=1e-14)
    assert d2_absolute_error_metric(torch.full((3,), 2.0), target).item() == 0.0


def test_against_scikit_learn(rows, columns):
    for pred, target, _ in (rows, columns):
        expected = d2_absolute_error_score(target, pred)
        assert d2_absolute_error_metric(pred, target).item() == pytest.approx(expected, rel=1e-12)


def test_weighted_against_every_constant(rows):
    pred, target, weight = rows
    errors = (weight * (target - pred).abs()).sum()
    least = min(float((weight * (target - constant).abs()).sum()) for constant in target.tolist())
    value = d2_absolute_error_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(1 - float(errors) / least, rel=1e-12)


def test_equal_targets_have_nothing_to_explain():
    with pytest.raises(ValueError, match="two different numbers for a share of absolute error, got only 3"):
        d2_absolute_error_metric(torch.zeros(4), torch.full((4,), 3.0))
