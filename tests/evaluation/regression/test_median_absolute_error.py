"""Median absolute error by hand, against scikit-learn, and as the middle of repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import median_absolute_error

from minimand.evaluation import median_absolute_error_metric


def errors_of(*sizes: float) -> torch.Tensor:
    return torch.tensor(sizes, dtype=torch.float64)


def test_hand_values():
    zero = torch.zeros(4)
    assert median_absolute_error_metric(errors_of(-3.0, 1.0, 100.0, 2.0), zero).item() == 2.5
    assert median_absolute_error_metric(errors_of(-3.0, 1.0, 100.0), zero[:3]).item() == 3.0
    # half of the weight lies at 1 and 2 together: the middle between 2 and 3
    weight = errors_of(2.0, 1.0, 1.0, 2.0)
    assert median_absolute_error_metric(errors_of(2.0, 1.0, 3.0, 9.0), zero, sample_weight=weight).item() == 2.5


def test_rounded_weights_still_split_in_halves():
    weight = torch.full((10,), 0.1, dtype=torch.float64)
    value = median_absolute_error_metric(torch.arange(10.0), torch.zeros(10), sample_weight=weight)
    assert value.item() == 4.5


def test_against_scikit_learn(rows, columns):
    for pred, target, _ in (rows, columns):
        expected = median_absolute_error(target, pred)
        assert median_absolute_error_metric(pred, target).item() == pytest.approx(expected, rel=1e-12)


def test_whole_weights_repeat_rows(columns):
    pred, target, _ = columns
    times = 1 + torch.arange(40) % 3
    repeated = np.repeat(np.arange(40), times)
    expected = np.median(np.abs((target - pred).numpy())[repeated], axis=0).mean()
    value = median_absolute_error_metric(pred, target, sample_weight=times.double()).item()
    assert value == pytest.approx(expected, rel=1e-12)
