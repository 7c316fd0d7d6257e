"""Pinball loss by hand, against scikit-learn, and at one half."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from minimand.evaluation import mean_absolute_error_metric, mean_pinball_loss_metric


def test_hand_value():
    # 2 too low costs 0.9 * 2, 3 too high 0.1 * 3
    pred, target = torch.tensor([1.0, 5.0]), torch.tensor([3.0, 2.0])
    value = mean_pinball_loss_metric(pred, target, quantile=0.9).item()
    assert value == pytest.approx((1.8 + 0.3) / 2, rel=1e-14)


@pytest.mark.parametrize("quantile", [0.01, 0.5, 0.9])
def test_against_scikit_learn(rows, columns, quantile):
    for pred, target, weight in (rows, columns):
        expected = mean_pinball_loss(target, pred, sample_weight=weight, alpha=quantile)
        value = mean_pinball_loss_metric(pred, target, quantile=quantile, sample_weight=weight).item()
        assert value == pytest.approx(expected, rel=1e-12)


def test_at_one_half_it_is_half_the_absolute_error(rows):
    pred, target, weight = rows
    value = mean_pinball_loss_metric(pred, target, sample_weight=weight).item()
    assert 2 * value == pytest.approx(mean_absolute_error_metric(pred, target, sample_weight=weight).item(), rel=1e-14)


@pytest.mark.parametrize("quantile", [0.0, 1.0, float("nan")])
def test_a_quantile_lies_between_the_ends(quantile):
    with pytest.raises(ValueError, match=r"quantile must be in \(0.0, 1.0\)"):
        mean_pinball_loss_metric(torch.ones(2), torch.zeros(2), quantile=quantile)
