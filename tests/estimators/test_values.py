"""Numbers as targets: their scale, the facts of a loss, tenths and ranks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from minimand import Objective
from minimand.estimators.values import OnScale, TargetScale, ValueFacts, predicted_values, quantile_bins, ranks
from minimand.losses import (
    HuberLoss,
    LevelDistributionLoss,
    cross_entropy_loss,
    gamma_loss,
    gaussian_nll_loss,
    gce_loss,
    huber_loss,
    msle_loss,
    poisson_loss,
)

# --- The scale -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-300, 1e-20, 1.0, 1e20, 1e289])
@pytest.mark.parametrize("weighted", [False, True])
def test_standard_targets_have_mean_0_and_deviation_1(unit, weighted):
    rng = np.random.default_rng(0)
    y = rng.normal(3.0, 2.0, 500)
    weight = rng.uniform(0.1, 5.0, 500) if weighted else None
    scale = TargetScale.of(y * unit, weight, "standard")
    np.testing.assert_allclose(scale.shift / unit, np.average(y, weights=weight))
    np.testing.assert_allclose((scale.scale / unit) ** 2, np.average((y - scale.shift / unit) ** 2, weights=weight))
    scaled = scale.scaled(y * unit)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(np.average(scaled, weights=weight), 0.0, atol=1e-6)
    np.testing.assert_allclose(np.average(scaled**2.0, weights=weight), 1.0, rtol=1e-6)
    back = scale.unscaled(torch.from_numpy(scaled))
    assert back.dtype == torch.float64
    np.testing.assert_allclose(back / unit, y, rtol=1e-5)


def test_an_offset_costs_no_digits():
    y = np.array([0.0, 1.0, 2.0, 5.0]) * 2.0**-20
    for offset in (2.0**30, -(2.0**32)):
        far, near = TargetScale.of(y + offset, None, "standard"), TargetScale.of(y, None, "standard")
        assert far.scale.tolist() == near.scale.tolist()
        assert far.scaled(y + offset).tolist() == pytest.approx(near.scaled(y).tolist(), abs=0.1)
    # numbers that differ in the last bit only
    close = np.array([1.0, np.nextafter(1.0, 2.0)])
    assert TargetScale.of(close, None, "standard").scale[0] == pytest.approx(2.0**-53)


def test_columns_have_scales_of_their_own():
    y = np.column_stack([np.arange(4.0), 1e6 * np.arange(4.0), np.full(4, 7.0)])
    scale = TargetScale.of(y, None, "standard")
    assert scale.shift.tolist() == [1.5, 1.5e6, 7.0]
    np.testing.assert_allclose(scale.scale, [1.25**0.5, 1.25**0.5 * 1e6, 0.0])
    scaled = scale.scaled(y)
    np.testing.assert_array_equal(scaled[:, 0], scaled[:, 1])
    assert (scaled[:, 2] == 0).all()
    back = scale.unscaled(torch.randn(5, 3))
    assert (back[:, 2] == 7.0).all()  # whatever the network says


def test_weight_is_that_of_copies():
    y = np.array([1.0, 4.0, -2.0])
    for scaling in ("standard", "scale", "none"):
        weighted = TargetScale.of(y, np.array([1.0, 3.0, 2.0]), scaling)
        copied = TargetScale.of(np.repeat(y, [1, 3, 2]), None, scaling)
        np.testing.assert_allclose([weighted.shift, weighted.scale], [copied.shift, copied.scale])
        tiny = TargetScale.of(y, np.array([1.0, 3.0, 2.0]) * 1e-310, scaling)
        np.testing.assert_allclose([tiny.shift, tiny.scale], [copied.shift, copied.scale], rtol=1e-9)


def test_amounts_keep_their_zero():
    scale = TargetScale.of(np.array([0.0, 2.0, 4.0]), None, "scale")
    assert (scale.shift.tolist(), scale.scale.tolist()) == ([0.0], [2.0])
    assert scale.scaled(np.array([0.0, 2.0, 4.0])).tolist() == [0.0, 1.0, 2.0]
    # of both signs it is the mean size
    assert TargetScale.of(np.array([-2.0, 4.0]), None, "scale").scale.tolist() == [3.0]
    nothing = TargetScale.of(np.zeros(3), None, "scale")
    assert nothing.scaled(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    # what is positive stays so in float32
    small = TargetScale.of(np.array([1e-300, 1.0]), None, "scale").scaled(np.array([1e-300, 1.0]), positive=True)
    assert (small > 0).all()


def test_no_scaling_is_none():
    y = np.array([[3.0, -4.0], [5.0, 6.0]])
    scale = TargetScale.of(y, None, "none")
    assert np.array_equal(scale.scaled(y), y.astype(np.float32))
    assert torch.equal(scale.unscaled(torch.from_numpy(y)), torch.from_numpy(y))


def test_outputs_are_moved_where_targets_are_not():
    facts = ValueFacts.of(msle_loss)
    y = np.array([1e6, 3e6])
    scale = facts.output_scale(y, None)
    network = facts.following(torch.nn.Linear(2, 1), scale)
    x = torch.randn(7, 2)
    expected = torch.nn.functional.softplus(network[0](x)) * 2e6
    torch.testing.assert_close(network(x), expected)
    assert facts.following(network, None)[0] is network
    plain = ValueFacts(scaling="none").output_scale(y, None)
    torch.testing.assert_close(OnScale(plain)(torch.tensor([[0.0], [1.0]])), torch.tensor([[2e6], [3e6]]))
    assert "scale=(1000000.0,)" in repr(OnScale(plain))
    for other in (ValueFacts(), ValueFacts(scaling="none", outputs=2)):
        assert other.output_scale(y, None) is None


# --- Facts ---------------------------------------------------------------------------------------------------------


def test_facts_are_those_of_the_card():
    assert ValueFacts.of(huber_loss) == ValueFacts.of(HuberLoss) == ValueFacts.of(HuberLoss(delta=3.0))
    assert ValueFacts.of(huber_loss).predicts == "centre"
    assert ValueFacts.of(gaussian_nll_loss).outputs == 2
    assert ValueFacts.of(gamma_loss).positive_targets
    assert not ValueFacts.of(poisson_loss).positive_targets
    assert ValueFacts.of(poisson_loss).lowest_target == 0.0
    assert ValueFacts.of(torch.nn.MSELoss()) == ValueFacts()


def test_facts_of_an_objective_are_its_own_before_those_of_its_loss():
    assert ValueFacts.of(Objective(gaussian_nll_loss)) == ValueFacts.of(gaussian_nll_loss)
    other = ValueFacts.of(Objective(gaussian_nll_loss, predictions=torch.relu, scaling="none"))
    assert other.outputs == 2
    assert other.predictions is torch.relu
    assert other.scaling == "none"
    assert ValueFacts.of(Objective(torch.nn.MSELoss(), outputs=3, predictions=torch.relu)).outputs == 3


def test_a_bound_loss_may_map_to_predictions_by_its_hyperparameters():
    facts = ValueFacts.of(LevelDistributionLoss, {"levels": 3})
    assert facts.outputs == ValueFacts.of(LevelDistributionLoss(levels=3)).outputs == 3
    bound = LevelDistributionLoss(levels=3, lowest=0.0, highest=10.0)
    certain = torch.tensor([[0.0, 0.0, 90.0]])
    assert facts.of_bound(bound).predictions(certain).tolist() == [10.0]
    assert facts.predictions(certain).tolist() != [10.0]
    own = ValueFacts.of(Objective(bound, predictions=torch.sum))
    assert own.of_bound(bound) is own
    assert ValueFacts().of_bound(HuberLoss()) == ValueFacts()


def test_losses_of_other_targets_are_refused():
    for objective in (cross_entropy_loss, gce_loss, Objective(gce_loss)):
        with pytest.raises(ValueError, match="objective must be a loss of numbers, got"):
            ValueFacts.of(objective)


def test_a_map_to_predictions_gives_a_number_a_target():
    scale = TargetScale(np.array([1.0]), np.array([2.0]))
    rows = torch.tensor([[1.0], [2.0]])
    assert predicted_values(rows, ValueFacts(), scale).tolist() == [3.0, 5.0]
    # some leave the column
    assert predicted_values(rows, ValueFacts(predictions=torch.exp), scale).shape == (2,)
    several = TargetScale(np.zeros(2), np.ones(2))
    assert predicted_values(torch.ones(5, 2), ValueFacts(), several).shape == (5, 2)
    with pytest.raises(ValueError, match="shape"):
        predicted_values(rows, ValueFacts(), several)


# --- Tenths and ranks ----------------------------------------------------------------------------------------------


def test_tenths_have_as_many_rows_and_keep_equal_targets_together():
    rng = np.random.default_rng(0)
    assert np.bincount(quantile_bins(rng.lognormal(size=200))).tolist() == [20] * 10
    mostly_zero = np.where(np.arange(100) < 70, 0.0, np.arange(100.0))
    bins = quantile_bins(rng.permutation(mostly_zero))
    assert np.bincount(bins).tolist() == [70, 10, 10, 10]
    assert quantile_bins(np.full(30, 2.5)).tolist() == [0] * 30
    assert set(quantile_bins(np.ones((30, 2)))) == {0}


def test_ranks_forget_unit_and_offset():
    y = np.array([3.0, -1.0, 3.0, 10.0])
    assert ranks(y).tolist() == [[1], [0], [1], [2]]
    assert np.array_equal(ranks(y * 1e-200 + 1e-199), ranks(y))
    assert ranks(np.column_stack([y, -y])).tolist() == [[1, 1], [0, 2], [1, 1], [2, 0]]
