"""Error over the range by hand, against its parts, and where the range overflows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import root_mean_squared_error

from minimand.evaluation import range_normalised_error_metric


def test_hand_value():
    target = torch.tensor([1.0, 2.0, 6.0])
    value = range_normalised_error_metric(target + torch.tensor([1.0, -1.0, 1.0]), target).item()
    assert value == pytest.approx(0.2, rel=1e-14)


def test_against_its_parts(columns):
    pred, target, weight = columns
    errors = root_mean_squared_error(target, pred, sample_weight=weight, multioutput="raw_values")
    expected = (errors / np.ptp(target.numpy(), axis=0)).mean()
    value = range_normalised_error_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_absent_rows_do_not_widen_the_range():
    target, weight = torch.tensor([0.0, 1.0, 100.0]), torch.tensor([1.0, 1.0, 0.0])
    value = range_normalised_error_metric(target + 1, target, sample_weight=weight)
    assert value.item() == 1.0


def test_the_range_of_the_largest_numbers():
    target = torch.tensor([-1.5e308, 1.5e308], dtype=torch.float64)
    assert range_normalised_error_metric(torch.zeros(2, dtype=torch.float64), target).item() == pytest.approx(0.5)


def test_equal_targets_have_no_range():
    with pytest.raises(ValueError, match="at least two different numbers for a normalised error, got only 3"):
        range_normalised_error_metric(torch.zeros(4), torch.full((4,), 3.0))
