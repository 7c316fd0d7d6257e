import numpy as np
import pytest
import torch
from scipy.stats import gmean

from minimand.evaluation.registry.best_constants import (
    geometric_mean,
    least_of_one,
    relative_median,
    weighted_mean,
    weighted_quantile,
)

SAMPLE = torch.tensor([3.0, 1.0, 8.0, 2.0, 5.0], dtype=torch.float64)
ONES = torch.ones(5, dtype=torch.float64)


def test_they_are_those_of_numpy_and_scipy():
    assert float(weighted_mean(SAMPLE, ONES)) == pytest.approx(SAMPLE.mean().item())
    assert float(weighted_quantile(SAMPLE, ONES)) == 3.0
    for level in (0.1, 0.3, 0.9):
        expected = np.quantile(SAMPLE.numpy(), level, method="inverted_cdf")
        assert float(weighted_quantile(SAMPLE, ONES, level)) == expected
    assert float(geometric_mean(SAMPLE, ONES)) == pytest.approx(gmean(1 + SAMPLE.numpy()) - 1)


def test_weight_two_is_the_number_twice():
    weight = torch.tensor([2.0, 1.0, 3.0, 1.0, 1.0], dtype=torch.float64)
    twice = SAMPLE.repeat_interleave(weight.long())
    for functional in (weighted_mean, weighted_quantile, relative_median, geometric_mean):
        torch.testing.assert_close(functional(SAMPLE, weight), functional(twice, torch.ones(8, dtype=torch.float64)))


def test_the_least_risk_is_found_to_seven_digits():
    found = least_of_one(lambda s: (s - 1.23456789).abs(), 10.0)
    assert float(found) == pytest.approx(1.23456789, abs=1e-7)
