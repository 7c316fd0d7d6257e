"""Measured properties against what is known of each loss of numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor, nn

from minimand.evaluation import value_loss_properties, value_loss_table
from minimand.evaluation.registry.value_loss_properties import ValueLossProperties
from minimand.losses import (
    RelativeSquaredLoss,
    gamma_loss,
    gaussian_nll_loss,
    huber_loss,
    mae_loss,
    mape_loss,
    mse_loss,
    msle_loss,
    quantile_loss,
    tweedie_loss,
)


def measured(objective, **hyper) -> ValueLossProperties:
    return value_loss_properties(objective, rng=Generator().manual_seed(0), **hyper)


def test_squared_error():
    found = measured(mse_loss)
    assert (found.elicits, found.convex, found.differentiable) == ("mean", True, True)
    assert (found.symmetric, found.translation_invariant, found.scale_free) == (True, True, False)
    assert (found.at_perfect, found.lowest) == (0.0, 0.0)
    assert found.upper_bound == found.lipschitz == math.inf
    assert not found.couples_rows
    assert found.name == "mse_loss"


def test_absolute_error_has_a_kink_and_a_bounded_slope():
    found = measured(mae_loss)
    assert (found.elicits, found.level, found.differentiable) == ("median", 0.5, False)
    assert found.lipschitz == 1.0
    assert found.upper_bound == math.inf


@pytest.mark.parametrize("delta", [0.2, 2.0])
def test_huber_is_smooth_with_a_slope_of_delta(delta):
    found = measured(huber_loss, delta=delta)
    assert found.elicits == "centre"
    assert found.differentiable
    assert found.lipschitz == pytest.approx(delta)


@pytest.mark.parametrize("level", [0.1, 0.9])
def test_the_level_of_a_quantile_is_found(level):
    found = measured(quantile_loss, level=level)
    assert found.elicits == "quantile"
    assert found.level == pytest.approx(level, abs=0.02)
    assert not found.symmetric
    assert found.lipschitz == pytest.approx(max(level, 1 - level))


def test_losses_of_ratios():
    share, logarithms = measured(mape_loss), measured(msle_loss)
    assert (share.elicits, share.scale_free, share.translation_invariant) == ("relative median", True, False)
    assert (logarithms.elicits, logarithms.convex, logarithms.symmetric) == ("geometric mean", False, False)


@pytest.mark.parametrize(("objective", "hyper"), [(gamma_loss, {}), (tweedie_loss, {"power": 1.3})])
def test_losses_of_a_logarithm_elicit_the_mean(objective, hyper):
    found = measured(objective, **hyper)
    assert (found.elicits, found.convex, found.differentiable) == ("mean", True, True)


def test_relative_errors_are_scale_free_and_do_not_couple_rows():
    found = measured(RelativeSquaredLoss)
    assert (found.scale_free, found.translation_invariant, found.couples_rows) == (True, True, False)


class RelativeOfEachBatch(nn.Module):
    """The ratio of sums of a batch, as it is often coded."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (target - pred).square() / (target - target.mean()).square().sum()


class AlwaysOne(nn.Module):
    """Relative squared error as published: the predictions stand below the line too."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (target - pred).square() / (target - pred).square()


def test_the_pitfalls_of_published_code_are_seen():
    assert measured(RelativeOfEachBatch()).couples_rows
    constant = measured(AlwaysOne())
    assert constant.upper_bound == pytest.approx(1.0)
    assert constant.elicits == ""


def test_objectives_from_outside():
    theirs = measured(nn.MSELoss())
    assert (theirs.elicits, theirs.convex, theirs.symmetric) == ("mean", True, True)


def test_the_table_walks_the_room():
    by_name = {card.name: found for card, found in value_loss_table(rng=Generator().manual_seed(0))}
    assert {"mse_loss", "mae_loss", "huber_loss", "poisson_loss", "RangeSquaredLoss"} <= set(by_name)
    assert "gaussian_nll_loss" not in by_name
    assert "FidelityLoss" not in by_name
    assert all(not found.couples_rows for found in by_name.values())


def nothing(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target) * torch.nan


def test_what_is_refused():
    with pytest.raises(ValueError, match="one output for one target, gaussian_nll_loss has several"):
        measured(gaussian_nll_loss)
    with pytest.raises(ValueError, match="nothing gives NaN"):
        measured(nothing)
    with pytest.raises(TypeError, match="must be callable"):
        measured(3)
