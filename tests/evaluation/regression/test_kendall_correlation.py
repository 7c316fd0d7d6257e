"""Kendall correlation by hand, over all pairs, against scipy, and with many rows."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import kendalltau

from minimand.evaluation import kendall_correlation_metric


def over_all_pairs(pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> float:
    """The definition: every pair of rows."""
    agree = there = said = 0.0
    for i in range(len(pred)):
        for j in range(i):
            both = float(weight[i] * weight[j])
            signs = [int(x[i] > x[j]) - int(x[i] < x[j]) for x in (pred, target)]
            agree += both * signs[0] * signs[1]
            said += both * abs(signs[0])
            there += both * abs(signs[1])
    return agree / (said * there) ** 0.5


def test_hand_values():
    # of six pairs one is out of order
    pred, target = torch.tensor([0.1, 0.2, 5.0, 90.0]), torch.tensor([1, 2, 9, 3])
    assert kendall_correlation_metric(pred, target).item() == pytest.approx(4 / 6, rel=1e-14)
    # two pairs in order, one tied in the predictions
    value = kendall_correlation_metric(torch.tensor([1.0, 1.0, 2.0]), torch.tensor([1, 2, 3])).item()
    assert value == pytest.approx(2 / (2 * 3) ** 0.5, rel=1e-14)


def test_over_all_pairs(rows):
    pred, target, weight = rows
    value = kendall_correlation_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(over_all_pairs(pred, target, weight), rel=1e-12)


@pytest.mark.parametrize("n_rows", [2, 3, 7, 8, 9, 100, 1000])
def test_against_scipy(n_rows):
    rng = torch.Generator().manual_seed(n_rows)
    target = torch.randint(n_rows, (n_rows,), generator=rng).double()
    target[0] = -1.0
    pred = (target + torch.randn(n_rows, generator=rng, dtype=torch.float64) * n_rows / 4).round()
    pred[0] += 0.5
    value = kendall_correlation_metric(pred, target).item()
    assert value == pytest.approx(kendalltau(pred, target)[0], abs=1e-12)


def test_whole_weights_repeat_rows(rows):
    pred, target, _ = rows
    times = 1 + torch.arange(60) % 4
    expected = kendalltau(pred.repeat_interleave(times), target.repeat_interleave(times))[0]
    value = kendall_correlation_metric(pred, target, sample_weight=times.double()).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_hundred_thousand_rows_need_no_table_of_pairs():
    target = torch.arange(100_000)
    assert kendall_correlation_metric(-target.double(), target).item() == pytest.approx(-1.0, abs=1e-9)


def test_what_does_not_vary():
    weight = torch.tensor([0.1, 0.2, 0.3])
    assert kendall_correlation_metric(torch.zeros(3), torch.arange(3), sample_weight=weight).item() == 0.0
    with pytest.raises(ValueError, match="at least two different numbers for a correlation, got only 3"):
        kendall_correlation_metric(torch.arange(4.0), torch.full((4,), 3.0))
