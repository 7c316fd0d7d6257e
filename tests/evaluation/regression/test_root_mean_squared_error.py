"""Root mean squared error by hand, against scikit-learn, and at the ends of float64."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import root_mean_squared_error

from minimand.evaluation import root_mean_squared_error_metric


def test_hand_value():
    # errors 3, -4 and 0, and the last row counts twice
    pred, target = torch.tensor([4.0, 1.0, 2.0]), torch.tensor([1, 5, 2])
    assert root_mean_squared_error_metric(pred, target).item() == pytest.approx((25 / 3) ** 0.5, rel=1e-14)
    weight = torch.tensor([1.0, 1.0, 2.0])
    assert root_mean_squared_error_metric(pred, target, sample_weight=weight).item() == 2.5


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = root_mean_squared_error(target, pred, sample_weight=kept)
        value = root_mean_squared_error_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_of_several_columns_it_is_the_mean_of_their_roots():
    pred = torch.tensor([[3.0, 0.0], [3.0, 0.0]])
    assert root_mean_squared_error_metric(pred, torch.zeros(2, 2)).item() == 1.5


def test_squares_neither_overflow_nor_vanish():
    target = torch.zeros(2, dtype=torch.float64)
    for size in (1e300, 1e-300):
        value = root_mean_squared_error_metric(torch.tensor([3.0, -4.0], dtype=torch.float64) * size, target).item()
        assert value == pytest.approx(12.5**0.5 * size, rel=1e-14)
