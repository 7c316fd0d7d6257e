"""Explained variance by hand, against scikit-learn, and beside R2."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import explained_variance_score

from minimand.evaluation import explained_variance_metric, r2_metric


def test_hand_value():
    target = torch.tensor([1.0, 2.0, 3.0])
    # errors 0, 0, -1 have the variance 2 / 9, targets 2 / 3
    value = explained_variance_metric(torch.tensor([1.0, 2.0, 4.0]), target).item()
    assert value == pytest.approx(2 / 3, rel=1e-14)
    assert explained_variance_metric(target + 1e6, target).item() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = explained_variance_score(target, pred, sample_weight=kept)
        value = explained_variance_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_r2_is_less_by_the_squared_bias(rows):
    pred, target, weight = rows
    value = explained_variance_metric(pred, target, sample_weight=weight).item()
    bias = np.average(pred - target, weights=weight)
    share = bias**2 / np.cov(target, aweights=weight, ddof=0).item()
    assert r2_metric(pred, target, sample_weight=weight).item() == pytest.approx(value - share, rel=1e-12)


def test_equal_targets_have_no_variance_to_explain():
    with pytest.raises(ValueError, match="at least two different numbers for explained variance, got only 3"):
        explained_variance_metric(torch.zeros(4), torch.full((4,), 3.0))
