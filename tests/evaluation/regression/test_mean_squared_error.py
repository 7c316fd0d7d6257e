"""Mean squared error by hand, against scikit-learn, and as the sum of bias and variance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_squared_error

from minimand.evaluation import mean_squared_error_metric


def test_hand_value():
    pred, target = torch.tensor([4.0, 1.0, 2.0]), torch.tensor([1, 5, 2])
    assert mean_squared_error_metric(pred, target).item() == pytest.approx(25 / 3, rel=1e-14)


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = mean_squared_error(target, pred, sample_weight=kept)
        value = mean_squared_error_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_it_is_squared_bias_and_variance(rows):
    pred, target, weight = rows
    errors = target - pred
    bias = np.average(errors, weights=weight)
    variance = np.cov(errors, aweights=weight, ddof=0).item()
    value = mean_squared_error_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(bias**2 + variance, rel=1e-12)
