"""Mean absolute percentage error by hand, against scikit-learn, and at zero."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_absolute_percentage_error

from minimand.evaluation import mean_absolute_percentage_error_metric


def test_hand_value():
    pred, target = torch.tensor([3.0, 1.0, -2.0]), torch.tensor([2.0, 4.0, -2.0])
    # one half, three quarters, nothing
    value = mean_absolute_percentage_error_metric(pred, target).item()
    assert value == pytest.approx(1.25 / 3, rel=1e-14)


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = mean_absolute_percentage_error(target, pred, sample_weight=kept)
        value = mean_absolute_percentage_error_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_of_a_target_of_zero_there_are_no_shares():
    with pytest.raises(ValueError, match="target must not be 0 where errors are shares of it, got 1 of 3 numbers"):
        mean_absolute_percentage_error_metric(torch.ones(3), torch.tensor([1.0, 0.0, 2.0]))
    weight = torch.tensor([1.0, 0.0, 1.0])
    value = mean_absolute_percentage_error_metric(torch.ones(3), torch.tensor([1.0, 0.0, 2.0]), sample_weight=weight)
    assert value.item() == 0.25
