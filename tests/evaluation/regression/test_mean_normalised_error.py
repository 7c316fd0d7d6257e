"""Error over the mean by hand, against its parts, and where the mean is zero."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import root_mean_squared_error

from minimand.evaluation import mean_normalised_error_metric


def test_hand_values():
    target = torch.tensor([1.0, 3.0])
    assert mean_normalised_error_metric(target + torch.tensor([1.0, -1.0]), target).item() == 0.5
    assert mean_normalised_error_metric(-target + 1, -target).item() == 0.5


def test_against_its_parts(columns):
    pred, target, weight = columns
    errors = root_mean_squared_error(target, pred, sample_weight=weight, multioutput="raw_values")
    expected = (errors / np.abs(np.average(target, axis=0, weights=weight))).mean()
    value = mean_normalised_error_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_mean_of_zero_is_refused():
    with pytest.raises(ValueError, match="target must not have the mean 0 where errors are shares of its mean"):
        mean_normalised_error_metric(torch.zeros(2), torch.tensor([-1.0, 1.0]))
