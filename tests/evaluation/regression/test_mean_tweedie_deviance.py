"""Tweedie deviance by hand, against scikit-learn, and between the powers that have names."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_tweedie_deviance

from minimand.evaluation import mean_tweedie_deviance_metric


@pytest.mark.parametrize("power", [0, 1, 1.2, 1.5, 1.9, 2, 2.7, 3])
def test_against_scikit_learn(positive_rows, power):
    pred, target, weight = positive_rows
    if power < 2:
        target = target.clone()
        target[::4] = 0.0
    expected = mean_tweedie_deviance(target, pred, sample_weight=weight, power=power)
    value = mean_tweedie_deviance_metric(pred, target, power=power, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-11)


def test_hand_value():
    # 2 * (sqrt(4) / -0.25 + 2 * 4 / sqrt(1) + 2 * sqrt(1)), and 4 sqrt(9) of none where 9 is predicted
    pred, target = torch.tensor([1.0, 9.0]), torch.tensor([4.0, 0.0])
    assert mean_tweedie_deviance_metric(pred, target).item() == pytest.approx((4.0 + 12.0) / 2, rel=1e-14)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_beside_a_named_power_nothing_is_lost(positive_rows, power):
    pred, target, _ = positive_rows
    there = mean_tweedie_deviance_metric(pred, target, power=power).item()
    beside = mean_tweedie_deviance_metric(pred, target, power=power + 1e-9).item()
    assert beside == pytest.approx(there, rel=1e-7)


def test_negative_numbers_have_a_squared_error():
    value = mean_tweedie_deviance_metric(torch.tensor([-1.0]), torch.tensor([-3.0]), power=0)
    assert value.item() == 4.0


@pytest.mark.parametrize("power", [0.5, -1.0, 200.0])
def test_powers_without_a_model_are_refused(power):
    with pytest.raises(ValueError, match="power must be"):
        mean_tweedie_deviance_metric(torch.ones(1), torch.ones(1), power=power)


@pytest.mark.parametrize(("power", "rule"), [(1.5, "at least 0"), (2.0, "above 0")])
def test_what_targets_are_legal_depends_on_the_power(power, rule):
    with pytest.raises(ValueError, match=f"target must be {rule} for this metric"):
        mean_tweedie_deviance_metric(torch.ones(1), torch.tensor([-1.0 if power < 2 else 0.0]), power=power)
