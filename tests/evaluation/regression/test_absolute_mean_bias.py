"""Absolute mean bias by hand, as the distance of two means, and where errors are infinite."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from minimand.evaluation import absolute_mean_bias_metric


def test_hand_values():
    target = torch.tensor([1.0, 5.0, 2.0])
    assert absolute_mean_bias_metric(torch.tensor([4.0, 1.0, 2.0]), target).item() == pytest.approx(1 / 3, rel=1e-14)
    assert absolute_mean_bias_metric(target - 7, target).item() == pytest.approx(7.0, rel=1e-14)
    assert absolute_mean_bias_metric(torch.tensor([2.0, 3.0, 3.0]), target).item() == 0.0


def test_it_is_the_distance_of_the_means(rows):
    pred, target, weight = rows
    expected = abs(np.average(pred, weights=weight) - np.average(target, weights=weight))
    value = absolute_mean_bias_metric(pred, target, sample_weight=weight).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_errors_of_infinite_size_and_both_signs_do_not_cancel():
    pred = torch.tensor([math.inf, -math.inf, 0.0])
    assert absolute_mean_bias_metric(pred, torch.zeros(3)).item() == math.inf
