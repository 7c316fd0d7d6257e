"""Relative squared error by hand and as what R2 lacks to one."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import r2_score

from minimand.evaluation import relative_squared_error_metric


def test_hand_values():
    target = torch.tensor([1.0, 2.0, 3.0])
    assert relative_squared_error_metric(torch.tensor([1.0, 2.0, 4.0]), target).item() == pytest.approx(0.5, rel=1e-14)
    assert relative_squared_error_metric(torch.full((3,), 2.0), target).item() == 1.0


def test_it_is_what_r2_lacks(rows, columns):
    for pred, target, weight in (rows, columns):
        expected = 1 - r2_score(target, pred, sample_weight=weight)
        value = relative_squared_error_metric(pred, target, sample_weight=weight).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_equal_targets_have_no_spread():
    with pytest.raises(ValueError, match="at least two different numbers for a relative error, got only 3"):
        relative_squared_error_metric(torch.zeros(4), torch.full((4,), 3.0))
