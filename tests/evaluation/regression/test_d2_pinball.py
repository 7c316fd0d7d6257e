"""D2 of the pinball loss by hand, against every constant, and beside that of the absolute error."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from minimand.evaluation import d2_absolute_error_metric, d2_pinball_metric


def test_hand_value():
    target = torch.tensor([1.0, 2.0, 3.0, 4.0, 10.0])
    # of the quantile 0.8, 4, the errors are 3, 2, 1 and 0 too high at 0.2 and 6 too low at 0.8
    value = d2_pinball_metric(torch.tensor([1.0, 2.0, 3.0, 4.0, 7.0]), target, quantile=0.8).item()
    assert value == pytest.approx(1 - 0.8 * 3 / (0.2 * 6 + 0.8 * 6), rel=1e-14)
    assert d2_pinball_metric(torch.full((5,), 4.0), target, quantile=0.8).item() == 0.0


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.87])
def test_weighted_against_every_constant(rows, quantile):
    pred, target, weight = rows

    def loss(said: torch.Tensor) -> float:
        return mean_pinball_loss(target, said, sample_weight=weight, alpha=quantile)

    least = min(loss(torch.full_like(target, constant)) for constant in target.tolist())
    value = d2_pinball_metric(pred, target, quantile=quantile, sample_weight=weight).item()
    assert value == pytest.approx(1 - loss(pred) / least, rel=1e-12)


def test_at_one_half_it_is_that_of_the_absolute_error(columns):
    pred, target, weight = columns
    expected = d2_absolute_error_metric(pred, target, sample_weight=weight).item()
    assert d2_pinball_metric(pred, target, sample_weight=weight).item() == pytest.approx(expected, rel=1e-13)


def test_equal_targets_have_nothing_to_explain():
    with pytest.raises(ValueError, match="two different numbers for a share of pinball loss, got only 3"):
        d2_pinball_metric(torch.zeros(4), torch.full((4,), 3.0))
