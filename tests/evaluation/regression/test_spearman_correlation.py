"""Spearman correlation by hand, against scipy, and with weights as repeated rows."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

from minimand.evaluation import spearman_correlation_metric


def test_hand_value():
    # ranks 1, 2, 3, 4 and 2, 1, 4, 3: 1 - 6 * 4 / (4 * 15)
    pred, target = torch.tensor([0.1, 0.2, 5.0, 90.0]), torch.tensor([2, 1, 9, 3])
    assert spearman_correlation_metric(pred, target).item() == pytest.approx(0.6, rel=1e-14)


def test_against_scipy(rows, columns):
    pred, target, _ = rows
    assert spearman_correlation_metric(pred, target).item() == pytest.approx(spearmanr(pred, target)[0], rel=1e-12)
    pred, target, _ = columns
    expected = sum(spearmanr(p, t)[0] for p, t in zip(pred.T, target.T, strict=True)) / 3
    assert spearman_correlation_metric(pred, target).item() == pytest.approx(expected, rel=1e-12)


def test_whole_weights_repeat_rows(rows):
    pred, target, _ = rows
    times = 1 + torch.arange(60) % 4
    expected = spearmanr(pred.repeat_interleave(times), target.repeat_interleave(times))[0]
    value = spearman_correlation_metric(pred, target, sample_weight=times.double()).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_what_keeps_the_order_changes_nothing(rows):
    pred, target, weight = rows
    value = spearman_correlation_metric(pred, target, sample_weight=weight).item()
    assert spearman_correlation_metric(pred.exp(), target**3, sample_weight=weight).item() == pytest.approx(value)


def test_what_does_not_vary():
    assert spearman_correlation_metric(torch.zeros(3), torch.arange(3)).item() == 0.0
    with pytest.raises(ValueError, match="at least two different numbers for a correlation, got only 3"):
        spearman_correlation_metric(torch.arange(4.0), torch.full((4,), 3.0))
