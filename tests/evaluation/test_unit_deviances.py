"""Unit deviances against quadrature of their definition: an integral over the variance function."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import quad

from minimand.evaluation.unit_deviances import unit_deviance


def deviance(pred: float, target: float, power: float) -> float:
    return unit_deviance(
        torch.tensor(pred, dtype=torch.float64), torch.tensor(target, dtype=torch.float64), power
    ).item()


@pytest.mark.parametrize("power", [1.0, 1.0 + 1e-8, 1.5, 2.0, 2.0 - 1e-8, 3.0])
@pytest.mark.parametrize(("pred", "target"), [(1.0, 3.0), (3.0, 1.0), (2.0, 2.001), (0.01, 5.0)])
def test_it_is_an_integral_over_the_variance(pred, target, power):
    expected = quad(lambda mean: 2 * (target - mean) / mean**power, pred, target, epsabs=0, epsrel=1e-11)[0]
    assert deviance(pred, target, power) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0])
def test_nothing_is_lost_near_the_target(power):
    pred = 2.0 * (1 + 1e-9)
    expected = (pred - 2.0) ** 2 / 2.0**power
    assert deviance(pred, 2.0, power) == pytest.approx(expected, rel=1e-5)
    assert deviance(2.0, 2.0, power) == 0.0


def test_a_target_of_zero():
    assert deviance(3.0, 0.0, 1.0) == 6.0
    assert deviance(4.0, 0.0, 1.5) == pytest.approx(8.0)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_an_infinite_prediction(power):
    assert deviance(math.inf, 2.0, power) == math.inf
