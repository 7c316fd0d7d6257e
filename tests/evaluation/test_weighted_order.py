"""Medians, quantiles and ranks of rows with weights, against those of repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from minimand.evaluation.weighted_order import middle_ranks, weighted_median, weighted_quantile

TIMES = 1 + torch.arange(21) % 4


def numbers() -> torch.Tensor:
    return torch.randint(-5, 6, (21, 3), generator=torch.Generator().manual_seed(0)).double()


def test_the_median_of_repeated_rows():
    expected = np.median(np.repeat(numbers().numpy(), TIMES, axis=0), axis=0)
    assert weighted_median(numbers(), TIMES.double()).tolist() == expected.tolist()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.99])
def test_the_quantile_of_repeated_rows(share):
    repeated = np.repeat(numbers().numpy(), TIMES, axis=0)
    expected = np.quantile(repeated, share, axis=0, method="inverted_cdf")
    assert weighted_quantile(numbers(), TIMES.double(), share).tolist() == expected.tolist()


def test_rounded_weights_reach_their_share():
    tenths = torch.full((10,), 0.1, dtype=torch.float64)
    places = torch.arange(10.0).double()[:, None]
    assert weighted_quantile(places, tenths, 0.7).item() == 6.0
    assert weighted_median(places, tenths).item() == 4.5


def test_ranks_of_repeated_rows():
    column = numbers()[:, 0]
    repeated = column.repeat_interleave(TIMES)
    expected = rankdata(repeated) - 0.5
    ranks = middle_ranks(column, TIMES.double()).repeat_interleave(TIMES)
    np.testing.assert_allclose(ranks, expected, rtol=1e-14)
