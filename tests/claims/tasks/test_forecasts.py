"""Exact expectations of scores."""

from __future__ import annotations

import torch
from torch import Generator

from minimand.claims.tasks.forecasts import expected, forecasts
from minimand.evaluation import log_loss_metric


def test_expectation_is_the_sum_over_the_classes():
    truth, stated = torch.tensor([0.25, 0.75]).double(), torch.tensor([0.5, 0.5]).double()
    assert abs(expected(log_loss_metric, stated, truth) - 0.6931471805599453) < 1e-12
    # by hand: -(0.25 log 0.25 + 0.75 log 0.75)
    assert abs(expected(log_loss_metric, truth, truth) - 0.5623351446188083) < 1e-12


def test_forecasts_are_pairs_of_probabilities_from_close_to_far():
    pairs = list(forecasts(Generator().manual_seed(0), pairs=5))
    assert [len(truth) for truth, _ in pairs] == [2] * 5 + [5] * 5 + [20] * 5
    for truth, stated in pairs:
        assert abs(float(truth.sum()) - 1) < 1e-12
        assert abs(float(stated.sum()) - 1) < 1e-12
    distances = [float((truth - stated).abs().sum()) for truth, stated in pairs[10:]]
    assert distances[0] < 0.1 * distances[-1]
