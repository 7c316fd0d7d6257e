"""Poisson deviance by hand, against scikit-learn, torch's likelihood, and at the ends."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import mean_poisson_deviance

from minimand.evaluation import mean_poisson_deviance_metric


def test_hand_value():
    # of a count of 2 where 1 is predicted, and of none where 3 is
    pred, target = torch.tensor([1.0, 3.0]), torch.tensor([2, 0])
    expected = ((2 * math.log(2) - 1) * 2 + 2 * 3) / 2
    assert mean_poisson_deviance_metric(pred, target).item() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("given", ["positive_rows"])
def test_against_scikit_learn(request, given):
    pred, target, weight = request.getfixturevalue(given)
    for kept in (None, weight):
        expected = mean_poisson_deviance(target, pred, sample_weight=kept)
        value = mean_poisson_deviance_metric(pred, target, sample_weight=kept).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_it_is_twice_the_lost_likelihood(positive_columns):
    pred, target, _ = positive_columns
    counts = target.mul(3).round()
    here, best = (torch.distributions.Poisson(mean).log_prob(counts) for mean in (pred, counts.clamp_min(1e-300)))
    expected = 2 * (best - here).mean().item()
    assert mean_poisson_deviance_metric(pred, counts).item() == pytest.approx(expected, rel=1e-12)


def test_digits_of_near_misses_are_kept():
    target = torch.full((1,), 3.0, dtype=torch.float64)
    pred = target * (1 + 1e-9)
    step = float(pred) / 3.0 - 1
    assert mean_poisson_deviance_metric(pred, target).item() == pytest.approx(3.0 * step**2, rel=1e-5)
    assert mean_poisson_deviance_metric(torch.tensor([math.inf]), torch.tensor([1.0])).item() == math.inf


def test_a_prediction_of_zero_is_refused():
    with pytest.raises(ValueError, match="pred must be above 0 for this metric, got 0"):
        mean_poisson_deviance_metric(torch.zeros(1), torch.ones(1))
    with pytest.raises(ValueError, match="target must be at least 0 for this metric, got -1"):
        mean_poisson_deviance_metric(torch.ones(1), -torch.ones(1))
