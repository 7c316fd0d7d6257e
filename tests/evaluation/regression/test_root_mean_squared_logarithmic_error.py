"""Root mean squared logarithmic error by hand, against scikit-learn, and out of range."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import root_mean_squared_log_error

from minimand.evaluation import root_mean_squared_logarithmic_error_metric


def test_hand_value():
    # factors of 1 + y: 4 and 1 / 2
    pred, target = torch.tensor([3.0, 1.0]), torch.tensor([0, 3])
    expected = math.log(2) * math.sqrt((4 + 1) / 2)
    assert root_mean_squared_logarithmic_error_metric(pred, target).item() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("given", ["positive_rows", "positive_columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = root_mean_squared_log_error(target, pred, sample_weight=kept)
        value = root_mean_squared_logarithmic_error_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_minus_one_has_no_logarithm():
    with pytest.raises(ValueError, match="pred must be above -1 for this metric, got -1"):
        root_mean_squared_logarithmic_error_metric(torch.tensor([-1.0]), torch.tensor([2.0]))
    value = root_mean_squared_logarithmic_error_metric(torch.tensor([-0.5]), torch.tensor([0.0]))
    assert value.item() == pytest.approx(math.log(2), rel=1e-14)
