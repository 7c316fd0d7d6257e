"""The coefficient of determination by hand, against scikit-learn, and of what has no variance."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import r2_score

from minimand.evaluation import r2_metric


def test_hand_values():
    target = torch.tensor([1.0, 2.0, 3.0])
    assert r2_metric(torch.tensor([1.0, 2.0, 4.0]), target).item() == pytest.approx(0.5, rel=1e-14)
    assert r2_metric(torch.full((3,), 2.0), target).item() == 0.0
    assert r2_metric(torch.full((3,), 4.0), target).item() == pytest.approx(-6.0, rel=1e-14)


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = r2_score(target, pred, sample_weight=kept)
        value = r2_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_an_offset_that_hides_the_digits_of_squares():
    target = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64) + 1e9
    assert r2_metric(target + torch.tensor([0.0, 0.0, 1.0]), target).item() == pytest.approx(0.5, abs=1e-12)


def test_equal_targets_have_no_variance_to_explain():
    with pytest.raises(ValueError, match="target must hold at least two different numbers for R2, got only 3"):
        r2_metric(torch.zeros(4), torch.full((4,), 3.0))
    with pytest.raises(ValueError, match="got only 5"):
        r2_metric(torch.zeros(2, 2), torch.tensor([[1.0, 5.0], [2.0, 5.0]]))


def test_an_infinite_prediction_explains_nothing():
    assert r2_metric(torch.tensor([1.0, float("inf")]), torch.tensor([1.0, 2.0])).item() == -float("inf")
