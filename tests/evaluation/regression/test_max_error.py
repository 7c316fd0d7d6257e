"""Largest error by hand and against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import max_error

from minimand.evaluation import max_error_metric


def test_hand_value():
    pred, target = torch.tensor([4.0, 1.0, 2.0]), torch.tensor([1, 5, 2])
    assert max_error_metric(pred, target).item() == 4.0
    assert max_error_metric(pred, target, sample_weight=torch.tensor([1.0, 0.0, 0.5])).item() == 3.0


def test_against_scikit_learn(rows):
    pred, target, _ = rows
    assert max_error_metric(pred, target).item() == pytest.approx(max_error(target, pred), rel=1e-12)


def test_columns_are_averaged(columns):
    pred, target, _ = columns
    expected = sum(max_error(t, p) for p, t in zip(pred.T, target.T, strict=True)) / 3
    assert max_error_metric(pred, target).item() == pytest.approx(expected, rel=1e-12)
