"""Gamma deviance by hand, against scikit-learn, torch's likelihood, and in other units."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import mean_gamma_deviance

from minimand.evaluation import mean_gamma_deviance_metric


def test_hand_value():
    pred, target = torch.tensor([2.0, 3.0]), torch.tensor([1.0, 3.0])
    assert mean_gamma_deviance_metric(pred, target).item() == pytest.approx(math.log(2) - 0.5, rel=1e-14)


@pytest.mark.parametrize("given", ["positive_rows"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = mean_gamma_deviance(target, pred, sample_weight=kept)
        value = mean_gamma_deviance_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_it_is_twice_the_lost_likelihood(positive_columns):
    pred, target, _ = positive_columns
    shape = 2.5
    here, best = (torch.distributions.Gamma(shape, shape / mean).log_prob(target) for mean in (pred, target))
    expected = 2 * (best - here).mean().item() / shape
    assert mean_gamma_deviance_metric(pred, target).item() == pytest.approx(expected, rel=1e-12)


def test_the_unit_changes_nothing(positive_rows):
    pred, target, _ = positive_rows
    value = mean_gamma_deviance_metric(pred, target).item()
    assert mean_gamma_deviance_metric(1e100 * pred, 1e100 * target).item() == pytest.approx(value, rel=1e-12)


def test_a_target_of_zero_is_refused():
    with pytest.raises(ValueError, match="target must be above 0 for this metric, got 0"):
        mean_gamma_deviance_metric(torch.ones(1), torch.zeros(1))
