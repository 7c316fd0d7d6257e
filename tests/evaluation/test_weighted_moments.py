"""Weighted moments against numpy, and at the ends of float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from minimand.evaluation.weighted_moments import (
    correlation,
    deviation,
    is_constant,
    require_variation,
    root_mean_square,
    weighted_mean,
)


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def test_against_numpy():
    rng = torch.Generator().manual_seed(0)
    values = torch.randn(30, 2, generator=rng, dtype=torch.float64) * 3 + 5
    weight = torch.rand(30, generator=rng, dtype=torch.float64)
    np.testing.assert_allclose(weighted_mean(values, weight), np.average(values, axis=0, weights=weight), rtol=1e-13)
    covariance = np.cov(values.T, aweights=weight, ddof=0)
    np.testing.assert_allclose(deviation(values, weight), np.sqrt(np.diag(covariance)), rtol=1e-13)
    expected = covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
    assert correlation(values[:, :1], values[:, 1:], weight).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e300])
def test_squares_keep_their_size(size):
    weight = torch.ones(2, dtype=torch.float64)
    assert root_mean_square(column(size, size), weight).item() == pytest.approx(size, rel=1e-14)


def test_infinity_stays_infinity():
    weight = torch.ones(3, dtype=torch.float64)
    for numbers in (column(1.0, math.inf, 2.0), column(-math.inf, math.inf, 2.0)):
        assert root_mean_square(numbers, weight).item() == math.inf
        assert deviation(numbers, weight).item() == math.inf
    assert root_mean_square(column(0.0, 0.0, 0.0), weight).item() == 0.0


def test_a_constant_is_no_matter_of_rounding():
    weight = torch.tensor([0.3, 0.3, 0.1], dtype=torch.float64)
    constant = column(0.1, 0.1, 0.1)
    assert is_constant(constant).item()
    assert correlation(constant, column(1.0, 2.0, 3.0), weight).item() == 0.0
    with pytest.raises(ValueError, match="at least two different numbers for this, got only 0"):
        require_variation(constant, "this")
