"""Error over the deviation by hand and against R2."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import r2_score

from minimand.evaluation import deviation_normalised_error_metric


def test_hand_values():
    target = torch.tensor([1.0, 3.0])
    value = deviation_normalised_error_metric(torch.tensor([1.0, 4.0]), target).item()
    assert value == pytest.approx(0.5**0.5, rel=1e-14)
    assert deviation_normalised_error_metric(torch.full((2,), 2.0), target).item() == 1.0


def test_its_square_is_what_r2_lacks(rows):
    pred, target, weight = rows
    expected = (1 - r2_score(target, pred, sample_weight=weight)) ** 0.5
    value = deviation_normalised_error_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_columns_are_averaged_after_the_root(columns):
    pred, target, _ = columns
    expected = sum((1 - r2_score(t, p)) ** 0.5 for p, t in zip(pred.T, target.T, strict=True)) / 3
    assert deviation_normalised_error_metric(pred, target).item() == pytest.approx(expected, rel=1e-12)


def test_equal_targets_have_no_spread():
    with pytest.raises(ValueError, match="at least two different numbers for a normalised error, got only 3"):
        deviation_normalised_error_metric(torch.zeros(4), torch.full((4,), 3.0))
