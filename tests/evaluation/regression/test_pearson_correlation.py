"""Pearson correlation by hand, against scipy and numpy, and where nothing varies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from minimand.evaluation import pearson_correlation_metric


def test_hand_value():
    pred, target = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([0.0, 2.0, 1.0])
    # of the deviations (-2, -1, 3) and (-1, 1, 0)
    assert pearson_correlation_metric(pred, target).item() == pytest.approx(1 / (14 * 2) ** 0.5, rel=1e-14)


def test_against_scipy_and_weighted_against_numpy(rows):
    pred, target, weight = rows
    assert pearson_correlation_metric(pred, target).item() == pytest.approx(pearsonr(pred, target)[0], rel=1e-12)
    covariance = np.cov(pred, target, aweights=weight)
    expected = covariance[0, 1] / (covariance[0, 0] * covariance[1, 1]) ** 0.5
    value = pearson_correlation_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_factor_and_an_offset_change_nothing(columns):
    pred, target, _ = columns
    value = pearson_correlation_metric(pred, target).item()
    assert pearson_correlation_metric(1e200 * pred - 1e200, target).item() == pytest.approx(value, rel=1e-12)
    assert pearson_correlation_metric(-pred, target).item() == pytest.approx(-value, rel=1e-12)


def test_predictions_that_are_all_equal_follow_nothing():
    target = torch.tensor([1.0, 2.0, 4.0])
    # a tenth, whose weighted mean is rounded away from it
    said = torch.full((3,), 0.1, dtype=torch.float64)
    assert pearson_correlation_metric(said, target, sample_weight=torch.tensor([0.3, 0.3, 0.1])).item() == 0.0


def test_an_infinite_prediction_is_the_limit_of_large_ones():
    target, pred = torch.tensor([1.0, 2.0, 4.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 1e12], dtype=torch.float64)
    large = pearson_correlation_metric(pred, target).item()
    pred[3] = float("inf")
    assert pearson_correlation_metric(pred, target).item() == pytest.approx(large, rel=1e-9)


def test_equal_targets_are_refused():
    with pytest.raises(ValueError, match="at least two different numbers for a correlation, got only 3"):
        pearson_correlation_metric(torch.arange(4.0), torch.full((4,), 3.0))
