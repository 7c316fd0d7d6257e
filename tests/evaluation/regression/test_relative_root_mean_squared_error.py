"""Relative root mean squared error by hand, as a ratio of lengths, and of nothing."""

from __future__ import annotations

import pytest
import torch

from minimand.evaluation import relative_root_mean_squared_error_metric


def test_hand_values():
    target = torch.tensor([3.0, 4.0])
    value = relative_root_mean_squared_error_metric(torch.tensor([3.0, 3.0]), target).item()
    assert value == pytest.approx(0.2, rel=1e-14)
    assert relative_root_mean_squared_error_metric(torch.zeros(2), target).item() == 1.0
    assert relative_root_mean_squared_error_metric(100 * target, target).item() == pytest.approx(99.0, rel=1e-14)


def test_it_is_a_ratio_of_lengths(rows, columns):
    for pred, target, weight in (rows, columns):
        pred, target = pred.reshape(len(pred), -1), target.reshape(len(target), -1)
        root = weight.sqrt()[:, None]
        expected = (torch.linalg.vector_norm(root * (target - pred), dim=0) / (root * target).norm(dim=0)).mean()
        value = relative_root_mean_squared_error_metric(pred, target, sample_weight=weight).item()
        assert value == pytest.approx(expected.item(), rel=1e-12)


def test_targets_of_nothing_are_refused():
    with pytest.raises(ValueError, match="target must hold a number other than 0 where errors are shares of its size"):
        relative_root_mean_squared_error_metric(torch.ones(3), torch.zeros(3))
