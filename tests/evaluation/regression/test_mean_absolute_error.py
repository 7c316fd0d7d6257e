"""Mean absolute error by hand and against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_absolute_error

from minimand.evaluation import mean_absolute_error_metric


def test_hand_value():
    pred, target = torch.tensor([4.0, 1.0, 2.0]), torch.tensor([1, 5, 2])
    assert mean_absolute_error_metric(pred, target).item() == pytest.approx(7 / 3, rel=1e-14)
    weight = torch.tensor([1.0, 1.0, 5.0])
    assert mean_absolute_error_metric(pred, target, sample_weight=weight).item() == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = mean_absolute_error(target, pred, sample_weight=kept)
        value = mean_absolute_error_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)
