"""`ObjectiveRegressor`: scikit-learn's own contract, units, weights, seeds, validation rows, losses and company."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
import torch.nn.functional as F
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

import minimand
from minimand import Objective
from minimand.contracts.catalogue import cards
from minimand.errors import MinimandWarning
from minimand.estimators import ObjectiveRegressor
from minimand.estimators.regressor import EXPECTED_FAILED_CHECKS
from minimand.evaluation import (
    accuracy_metric,
    mean_absolute_error_metric,
    mean_poisson_deviance_metric,
    root_mean_squared_error_metric,
)
from minimand.losses import (
    HuberLoss,
    LevelDistributionLoss,
    RelativeSquaredLoss,
    cross_entropy_loss,
    gamma_loss,
    gaussian_nll_loss,
    huber_loss,
    mae_loss,
    mse_loss,
    msle_loss,
    poisson_loss,
    quantile_loss,
)

LOSSES_OF_NUMBERS = [card for card in cards("loss") if "predictions" in card.facts]


def absolute(pred, target):
    return F.l1_loss(pred, target, reduction="none")


def hill(n=160, d=3, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, 2 * X[:, 0] + np.sin(2 * X[:, 1]) + noise * rng.normal(size=n)


def quick(objective=None, **parameters):
    defaults = {"hidden": (16,), "max_epochs": 8, "learning_rate": 1e-2, "random_state": 0}
    return ObjectiveRegressor(objective, **(defaults | parameters))


def trained(objective=None, **parameters):
    return quick(objective, **({"max_epochs": 60, "batch_size": 32} | parameters))


def same(a: ObjectiveRegressor, b: ObjectiveRegressor, X) -> bool:
    return bool(np.array_equal(a.predict(X), b.predict(X)))


# --- scikit-learn's contract ---------------------------------------------------------------------------------------


def failures(estimator) -> list[str]:
    found = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=EXPECTED_FAILED_CHECKS)
    assert len(found) > 50
    return [f"{check['check_name']}: {check['exception']}" for check in found if check["status"] == "failed"]


def test_check_estimator_has_no_failure():
    assert failures(ObjectiveRegressor()) == []


def test_expected_failures_are_declared_for_scikit_learns_own_network():
    instances = pytest.importorskip("sklearn.utils._test_common.instance_generator")
    declared = instances.PER_ESTIMATOR_XFAIL_CHECKS.get(MLPRegressor, {})
    assert declared.items() >= EXPECTED_FAILED_CHECKS.items()


@pytest.mark.parametrize(
    "objective", [absolute, gaussian_nll_loss, gamma_loss], ids=["foreign", "two outputs", "positive targets"]
)
def test_check_estimator_has_no_failure_with_objectives_of_other_shapes(objective):
    size = {"hidden": (16,), "max_epochs": 12, "batch_size": 32, "validation_fraction": 0}
    small = ObjectiveRegressor(objective, learning_rate=5e-2, **size)
    assert failures(small) == []


def test_tags_follow_the_encoder_and_the_objective():
    tags = ObjectiveRegressor().__sklearn_tags__()
    assert tags.input_tags.allow_nan
    assert tags.input_tags.categorical
    assert not tags.input_tags.sparse
    assert tags.target_tags.multi_output
    assert tags.target_tags.single_output
    assert not tags.target_tags.positive_only
    counts = ObjectiveRegressor(poisson_loss, encoder=None).__sklearn_tags__()
    assert counts.target_tags.positive_only
    assert not counts.input_tags.allow_nan
    assert not ObjectiveRegressor(gaussian_nll_loss).__sklearn_tags__().target_tags.multi_output
    assert ObjectiveRegressor("nonsense").__sklearn_tags__().target_tags.multi_output  # fit says what is wrong


def test_public_names():
    assert minimand.ObjectiveRegressor is ObjectiveRegressor
    assert minimand.estimators.ObjectiveRegressor is ObjectiveRegressor


# --- Units ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [2.0**40, 2.0**-40, 2.0**900, 2.0**-900])
def test_a_unit_that_is_a_power_of_two_changes_no_bit(unit):
    X, y = hill()
    plain, other = quick().fit(X, y), quick().fit(X, y * unit)
    assert np.array_equal(plain.predict(X) * unit, other.predict(X))


@pytest.mark.parametrize(("unit", "offset"), [(1e-12, 0.0), (1e12, 0.0), (1.0, 1e9), (1e-3, -1e6), (1e150, 1e150)])
@pytest.mark.parametrize("objective", [None, mae_loss, gaussian_nll_loss])
def test_extreme_units_and_offsets_train_as_well_as_others(unit, offset, objective):
    X, y = hill()
    plain = trained(objective).fit(X, y).predict(X)
    other = (trained(objective).fit(X, y * unit + offset).predict(X) - offset) / unit
    assert np.corrcoef(other, y)[0, 1] > 0.95
    np.testing.assert_allclose(other, plain, atol=0.05 * y.std())


@pytest.mark.parametrize("unit", [1e-12, 1e12])
@pytest.mark.parametrize("objective", [poisson_loss, gamma_loss])
def test_losses_of_amounts_keep_the_zero_and_forget_the_unit(unit, objective):
    X, y = hill()
    y = np.exp(y / 2)
    plain, other = trained(objective).fit(X, y), trained(objective).fit(X, y * unit)
    assert other.target_scale_.shift.tolist() == [0.0]
    np.testing.assert_allclose(other.predict(X) / unit, plain.predict(X), rtol=0.1)


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_a_loss_with_a_scale_of_its_own_learns_the_numbers_as_they_are(unit):
    X, y = hill()
    y = np.exp(y / 2) * unit
    fitted = trained(msle_loss).fit(X, y)
    assert fitted.target_scale_.scale.tolist() == [1.0]
    outputs = fitted.network_outputs(X)[:, 0]
    np.testing.assert_allclose(fitted.predict(X), outputs)
    assert (outputs > 0).all()
    assert np.corrcoef(np.log1p(outputs), np.log1p(y))[0, 1] > 0.9


@pytest.mark.parametrize("constant", [0.0, -3.5, 1e9 + 0.1, 1e-300, 1e200])
@pytest.mark.parametrize("objective", [None, quantile_loss, gaussian_nll_loss, absolute])
def test_a_constant_target_is_predicted_as_it_is(constant, objective):
    X, y = hill(n=120)
    fitted = quick(objective, max_epochs=2).fit(X, np.full(len(y), constant))
    assert (fitted.predict(X) == constant).all()
    assert not fitted.history_.diverged


@pytest.mark.parametrize("objective", [poisson_loss, gamma_loss, msle_loss])
def test_a_constant_amount_is_nearly_predicted(objective):
    X, _ = hill(n=120)
    predicted = trained(objective).fit(X, np.full(120, 7e5)).predict(X)
    np.testing.assert_allclose(predicted, 7e5, rtol=0.2)
    if objective is poisson_loss:
        assert (quick(objective).fit(X, np.zeros(120)).predict(X) == 0).all()


def test_a_target_that_differs_in_its_last_digits_is_learned():
    X, y = hill()
    y = 1e9 + np.round(y) * 2.0**-20
    centred = trained().fit(X, y).predict(X) - 1e9
    assert np.corrcoef(centred, y - 1e9)[0, 1] > 0.9


def test_gross_outliers_of_next_to_no_weight_do_not_matter():
    X, y = hill()
    y = y.copy()
    y[0] = 1e280
    weight = np.where(np.arange(len(y)) == 0, 1e-300, 1.3)
    fitted = trained(validation_fraction=0).fit(X, y, weight)
    assert np.isfinite(fitted.predict(X)).all()
    assert not fitted.history_.diverged


# --- Weights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [None, mae_loss, quantile_loss, gaussian_nll_loss, RelativeSquaredLoss, absolute])
def test_whole_weights_are_repetitions_bitwise(objective):
    X, y = hill()
    X_val, y_val = hill(seed=1)
    rng = np.random.default_rng(2)
    weight = rng.integers(0, 4, len(y))
    copies = rng.permutation(np.repeat(np.arange(len(y)), weight))
    given = {"X_val": X_val, "y_val": y_val}
    weighted = quick(objective, batch_size=32).fit(X, y, weight, **given)
    repeated = quick(objective, batch_size=32).fit(X[copies], y[copies], **given)
    plain = quick(objective, batch_size=32).fit(X, y, **given)
    assert weighted.n_training_rows_ == weight.sum()
    assert same(weighted, repeated, X)
    assert weighted.history_ == repeated.history_
    assert not same(weighted, plain, X)


def test_rows_of_weight_zero_are_absent_from_everything():
    X, y = hill()
    weight = np.where(np.arange(len(y)) < 100, 1.7, 0.0)
    weight[:50] = 0.4
    X, y = X.copy(), y.copy()
    X[100:] = 1e6  # would move the encoder's knots
    y[100:] = -1e9  # would move the scale
    with_absent = quick().fit(X, y, weight)
    without = quick().fit(X[:100], y[:100], weight[:100])
    assert same(with_absent, without, X)
    # and what the loss refuses does not count where it is absent
    assert quick(poisson_loss).fit(X, np.where(weight > 0, np.abs(y), -1.0), weight).n_training_rows_ == 80


def test_fractional_weights_give_the_gradient_of_the_weighted_mean():
    X, y = hill(n=60)
    weight = np.random.default_rng(3).integers(1, 4, len(y))
    one_batch = {"batch_size": 1000, "encoder": None, "validation_fraction": 0, "max_epochs": 5}
    # 1/4 of whole weights are not whole: multiplied, where the others are repeated
    multiplied = quick(**one_batch).fit(X, y, weight / 4)
    repeated = quick(**one_batch).fit(X, y, weight)
    plain = quick(**one_batch).fit(X, y)
    assert multiplied.n_training_rows_ == 60
    np.testing.assert_allclose(multiplied.target_scale_.shift, np.average(y, weights=weight))
    np.testing.assert_allclose(multiplied.predict(X), repeated.predict(X), atol=1e-4)
    assert np.abs(plain.predict(X) - repeated.predict(X)).max() > 1e-3


def test_equal_weights_are_no_weights():
    X, y = hill()
    assert same(quick().fit(X, y, np.full(len(y), 0.3)), quick().fit(X, y), X)


@pytest.mark.parametrize("unit", [1e-300, 1e-40, 1e40, 1e300])
def test_only_the_ratios_of_weights_matter(unit):
    X, y = hill()
    weight = np.random.default_rng(5).uniform(0.5, 2.0, len(y))
    expected = quick().fit(X, y, weight).predict(X)
    np.testing.assert_allclose(quick().fit(X, y, weight * unit).predict(X), expected, atol=1e-3)


@pytest.mark.parametrize("weight", [-1.0, 0.0, np.nan])
def test_impossible_weights_are_refused(weight):
    X, y = hill()
    with pytest.raises(ValueError, match=r"weight"):
        quick().fit(X, y, np.full(len(y), weight))


# --- Seeds ---------------------------------------------------------------------------------------------------------


def test_an_integer_seed_gives_the_same_network_and_leaves_the_global_generators_alone():
    X, y = hill()
    first = quick(random_state=2**62).fit(X, y)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    torch.rand(3)
    torch.set_rng_state(before[0])
    second = quick(random_state=2**62).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert same(first, second, X)
    assert first.history_ == second.history_
    assert not same(first, quick(random_state=1).fit(X, y), X)


@pytest.mark.parametrize("seed", [-1, 2**63, "zero", 1.5])
def test_impossible_seeds_are_refused(seed):
    X, y = hill()
    with pytest.raises(ValueError, match=r"random_state|seed"):
        quick(random_state=seed).fit(X, y)


@pytest.mark.parametrize("columns", [1, 3])
def test_the_order_of_training_rows_does_not_matter(columns):
    X, y = hill()
    y = np.round(y, 1) if columns == 1 else np.column_stack([y, np.round(y), -y])
    X_val, y_val = X[:40] + 0.1, y[:40]
    order = np.random.default_rng(4).permutation(len(y))
    weight = np.random.default_rng(5).uniform(0.5, 2.0, len(y))
    X[1] = X[0]
    y[1] = y[0]  # equal rows of unequal weight
    X[2] = X[3]  # equal inputs, unequal targets
    a = quick(batch_size=32).fit(X, y, weight, X_val=X_val, y_val=y_val)
    b = quick(batch_size=32).fit(X[order], y[order], weight[order], X_val=X_val, y_val=y_val)
    assert same(a, b, X)
    assert np.array_equal(a.target_scale_.scale, b.target_scale_.scale)


@pytest.mark.parametrize("objective", [None, gaussian_nll_loss])
def test_a_rows_prediction_does_not_depend_on_its_company(objective):
    X, y = hill(n=300)
    fitted = quick(objective, hidden=(64, 64), max_epochs=3).fit(X, y)
    whole = fitted.predict(X)
    alone = np.concatenate([fitted.predict(X[i : i + 1]) for i in range(0, 300, 7)])
    order = np.random.default_rng(6).permutation(300)
    assert np.array_equal(whole[::7], alone)
    assert np.array_equal(whole[order], fitted.predict(X[order]))


# --- Validation rows -----------------------------------------------------------------------------------------------


class Recorder(StandardScaler):
    """Remembers the rows that it was fitted to."""

    def fit(self, X, y=None, sample_weight=None):
        self.seen_ = np.array(X)
        return super().fit(X, y)


def test_validation_rows_are_a_share_of_each_tenth_that_nothing_else_learns_from():
    X, y = hill(n=200)
    y = np.sort(np.exp(3 * y))  # long tailed
    fitted = quick(encoder=Recorder()).fit(X, y)
    kept = np.isin(X[:, 0], fitted.encoder_.seen_[:, 0])
    assert kept.sum() == fitted.n_training_rows_ == 160
    assert (kept.reshape(10, 20).sum(1) == 16).all()
    np.testing.assert_allclose(fitted.target_scale_.shift, y[kept].mean())
    np.testing.assert_allclose(fitted.target_scale_.scale, y[kept].std())
    assert len(fitted.history_.validation) == fitted.n_iter_
    # the score is that of the rows held out, by hand
    by_hand = root_mean_squared_error(y[~kept], fitted.predict(X[~kept]))
    assert fitted.history_.best_score == pytest.approx(-by_hand, rel=1e-6)


def test_given_validation_rows_choose_the_epoch_and_are_not_trained_on():
    X, y = hill(n=90)
    X_val, y_val = hill(seed=1, noise=2.0)
    given = {"X_val": X_val, "y_val": y_val * 1e6}
    fitted = quick(max_epochs=30).fit(X, y * 1e6, **given)
    assert fitted.n_training_rows_ == 90
    assert fitted.history_.best_epoch == 1 + int(np.argmax(fitted.history_.validation))
    by_hand = root_mean_squared_error(y_val * 1e6, fitted.predict(X_val))
    assert fitted.history_.best_score == pytest.approx(-by_hand, rel=1e-6)
    # without patience they are only watched
    watched = quick(patience=None).fit(X, y, **given)
    unseen = quick(patience=None).fit(X, y)
    assert same(watched, unseen, X)
    assert len(watched.history_.validation) == 8
    assert unseen.history_.validation == []


def test_weights_of_validation_rows_count():
    X, y = hill(n=90)
    X_val, y_val = hill(seed=1)
    weight = np.where(np.arange(len(y_val)) < 40, 3.0, 0.0)
    weight[:10] = 1.0
    fitted = quick().fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    by_hand = root_mean_squared_error(y_val, fitted.predict(X_val), sample_weight=weight)
    assert fitted.history_.best_score == pytest.approx(-by_hand, rel=1e-6)


@pytest.mark.parametrize("missing", ["X_val", "y_val"])
def test_half_a_validation_set_is_refused(missing):
    X, y = hill()
    given = {"X_val": X, "y_val": y}
    del given[missing]
    with pytest.raises(ValueError, match=f"{missing} must be given"):
        quick().fit(X, y, **given)


@pytest.mark.parametrize(
    ("parameters", "rows"), [({"validation_fraction": 0}, 160), ({"patience": None}, 160), ({}, 90)]
)
def test_without_early_stopping_every_row_is_trained_on_to_the_last_epoch(parameters, rows):
    X, y = hill(n=rows)
    fitted = quick(**parameters).fit(X, y)
    assert fitted.n_training_rows_ == rows
    assert fitted.n_iter_ == fitted.history_.best_epoch == 8
    assert fitted.history_.validation == []


def test_patience_ends_training():
    X, y = hill(noise=3.0)
    fitted = quick(max_epochs=500, patience=2, learning_rate=0.05).fit(X, y)
    assert fitted.history_.stopped_early
    assert fitted.n_iter_ == fitted.history_.best_epoch + 2 < 500


def test_the_metric_chooses_the_epoch():
    X, y = hill(noise=3.0)
    X_val, y_val = hill(seed=1, noise=3.0)
    fitted = quick(metric=mean_absolute_error_metric, max_epochs=40).fit(X, y, X_val=X_val, y_val=y_val)
    by_hand = mean_absolute_error(y_val, fitted.predict(X_val))
    assert fitted.history_.best_score == pytest.approx(-by_hand, rel=1e-6)
    named = quick(metric=root_mean_squared_error_metric).fit(X, y)
    assert same(named, quick().fit(X, y), X)


def test_a_loss_that_does_not_predict_the_mean_chooses_by_itself():
    X, y = hill()
    X_val, y_val = hill(seed=1)
    high = trained(quantile_loss, objective_parameters={"level": 0.9}).fit(X, y, X_val=X_val, y_val=y_val)
    by_hand = mean_pinball_loss(y_val, high.predict(X_val), alpha=0.9) / high.target_scale_.scale[0]
    assert high.history_.best_score == pytest.approx(-by_hand, rel=1e-5)
    # whatever its reduction is
    median = quick(mae_loss).fit(X, y, X_val=X_val, y_val=y_val)
    summed = quick(vars(mae_loss)["module"](reduction="sum")).fit(X, y, X_val=X_val, y_val=y_val)
    assert same(median, summed, X)
    assert median.history_ == summed.history_


def test_a_metric_that_cannot_be_taken_is_refused():
    X, y = hill()
    with pytest.raises(ValueError, match="metric must judge numbers, got accuracy_metric, which takes scores"):
        quick(metric=accuracy_metric).fit(X, y)
    for metric in (F.mse_loss, mse_loss):
        with pytest.raises(TypeError, match="metric must be None or a metric of minimand"):
            quick(metric=metric).fit(X, y)


def test_epochs_whose_predictions_the_metric_cannot_take_are_not_chosen():
    X, y = hill()
    counts = np.abs(np.round(y))
    fitted = trained(metric=mean_poisson_deviance_metric, max_epochs=30).fit(X, counts + 20)
    assert np.isfinite(fitted.history_.best_score)
    with pytest.warns(MinimandWarning, match="in no epoch could the metric judge") as warned:
        quick(metric=mean_poisson_deviance_metric, max_epochs=2).fit(X, np.where(counts > 2, counts, 0.0))
    assert warned[0].filename == __file__
    assert np.isfinite(quick(poisson_loss, metric=mean_poisson_deviance_metric).fit(X, counts).history_.best_score)
    with pytest.raises(ValueError, match="target must be at least 0 for this metric"):
        quick(metric=mean_poisson_deviance_metric).fit(X, y)


# --- Losses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("card", LOSSES_OF_NUMBERS, ids=lambda card: card.name)
def test_every_loss_of_numbers_learns(card):
    X, y = hill()
    fitted = trained(card.component, learning_rate=2e-2, max_epochs=30).fit(X, np.exp(y / 3))
    predicted = fitted.predict(X)
    assert predicted.dtype == np.float64
    assert np.corrcoef(predicted, np.exp(y / 3))[0, 1] > 0.8
    assert same(pickle.loads(pickle.dumps(fitted)), fitted, X)  # noqa: S301


def test_a_loss_is_the_same_as_function_class_and_instance():
    X, y = hill(noise=2.0)
    first = quick(huber_loss, objective_parameters={"delta": 0.4}).fit(X, y)
    assert same(first, quick(HuberLoss, objective_parameters={"delta": 0.4}).fit(X, y), X)
    assert same(first, quick(HuberLoss(delta=0.4)).fit(X, y), X)
    assert same(first, quick(Objective(huber_loss), objective_parameters={"delta": 0.4}).fit(X, y), X)
    assert not same(first, quick(HuberLoss).fit(X, y), X)
    assert first.loss_.delta == 0.4


def test_no_objective_is_squared_error():
    X, y = hill()
    default = quick().fit(X, y)
    assert same(default, quick(mse_loss).fit(X, y), X)
    foreign = quick(nn.MSELoss()).fit(X, y)  # a mean, whose rows cannot be weighted
    np.testing.assert_allclose(foreign.predict(X), default.predict(X), atol=1e-3)


@pytest.mark.parametrize("objective", [absolute, nn.SmoothL1Loss(), nn.MSELoss(reduction="none")])
@pytest.mark.parametrize("columns", [1, 2])
def test_losses_of_strangers_are_not_broadcast(objective, columns):
    X, y = hill()
    y = y if columns == 1 else np.column_stack([y, -y])
    assert trained(objective).fit(X, y).score(X, y) > 0.9


def test_a_strangers_rows_can_be_weighted_and_a_mean_cannot():
    X, y = hill()
    Y = np.column_stack([y, -y])
    weight = 0.5 + (X[:, 0] > 0)
    ours, foreign = quick(mae_loss, metric=root_mean_squared_error_metric), quick(absolute)
    for target in (y, Y):
        np.testing.assert_allclose(
            foreign.set_params(max_epochs=3, patience=None).fit(X, target, weight).predict(X),
            ours.set_params(max_epochs=3, patience=None).fit(X, target, weight).predict(X),
            atol=1e-4,
        )
    quick(nn.MSELoss()).fit(X, y, 1 + (X[:, 0] > 0))
    with pytest.raises(ValueError, match="one value a row"):
        quick(nn.MSELoss()).fit(X, y, weight)


def normal_likelihood(rows, target):
    return F.gaussian_nll_loss(rows[:, 0], target, rows[:, 1].exp(), reduction="none")


def first_column(rows):
    return rows[:, 0]


def test_an_objective_says_what_its_outputs_predict():
    X, y = hill()
    mine = Objective(normal_likelihood, outputs=2, predictions=first_column)
    fitted = trained(mine).fit(X, y * 1e5)
    assert fitted.score(X, y * 1e5) > 0.9
    assert fitted.network_outputs(X).shape == (160, 2)
    assert not fitted.__sklearn_tags__().target_tags.multi_output
    as_they_are = trained(Objective(absolute, scaling="none")).fit(X, y * 1e5)
    assert as_they_are.target_scale_.scale.tolist() == [1.0]
    assert as_they_are.score(X, y * 1e5) > 0.9
    with pytest.raises(ValueError, match=r"predictions of an objective must have shape \(2,\), got \(2, 2\)"):
        quick(Objective(normal_likelihood, outputs=2, predictions=torch.exp)).fit(X, y)
    with pytest.raises(TypeError, match="must be a tensor"):
        quick(Objective(normal_likelihood, outputs=2, predictions=list)).fit(X, y)


def test_levels_stand_where_the_hyperparameters_say():
    X, y = hill()
    parameters = {"levels": 7, "lowest": -1.0, "highest": 1.0}
    fitted = trained(LevelDistributionLoss, objective_parameters=parameters).fit(X, y)
    assert fitted.network_outputs(X).shape == (160, 7)
    in_deviations = (fitted.predict(X) - fitted.target_scale_.shift) / fitted.target_scale_.scale
    assert 0.9 < np.abs(in_deviations).max() <= 1.0


def test_quantiles_are_above_their_share_of_the_targets():
    X, y = hill(n=600, noise=2.0)
    X_new, y_new = hill(n=600, noise=2.0, seed=1)
    for quantile in (0.1, 0.9):
        high = trained(quantile_loss, objective_parameters={"level": quantile}, max_epochs=100).fit(X, y)
        assert abs((y_new <= high.predict(X_new)).mean() - quantile) < 0.08


def test_a_mean_and_a_variance():
    X, y = hill(n=600)
    y = y + np.where(X[:, 2] > 0, 3.0, 0.1) * np.random.default_rng(8).normal(size=600)
    fitted = trained(gaussian_nll_loss, learning_rate=3e-3, max_epochs=100).fit(X, y)
    second = fitted.network_outputs(X)[:, 1]
    assert second[X[:, 2] > 0.3].mean() > second[X[:, 2] < -0.3].mean() + 1  # larger where the noise is


def test_impossible_objectives_are_refused():
    X, y = hill()
    with pytest.raises(ValueError, match="objective must be a loss of numbers, got cross_entropy_loss, which serves"):
        quick(cross_entropy_loss).fit(X, y)
    for objective in ("mse", nn.MSELoss):
        with pytest.raises(TypeError, match=r"objective|class"):
            quick(objective).fit(X, y)
    with pytest.raises(ValueError, match="level must be in"):
        quick(quantile_loss, objective_parameters={"level": 2.0}).fit(X, y)
    with pytest.raises(TypeError, match="no hyperparameters"):
        quick(HuberLoss(), objective_parameters={"delta": 0.5}).fit(X, y)


def test_targets_that_a_loss_cannot_have_are_refused():
    X, y = hill()
    positive = np.abs(y) + 0.1
    with pytest.raises(ValueError, match=r"^y must be at least 0 for this objective, got -3\.5$"):
        quick(poisson_loss).fit(X, np.where(y == y.min(), -3.5, positive))
    with pytest.raises(ValueError, match=r"^y must be above 0 for this objective, got 0$"):
        quick(gamma_loss).fit(X, np.where(y == y.min(), 0.0, positive))
    with pytest.raises(ValueError, match="y_val must be above 0"):
        quick(gamma_loss).fit(X, positive, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="learns targets as they are, got"):
        quick(msle_loss).fit(X, positive * 1e20)
    quick(gamma_loss, max_epochs=2).fit(X, np.where(y == y.min(), 1e-200, positive))


# --- Several targets -----------------------------------------------------------------------------------------------


def test_several_targets_are_learned_at_once_each_in_its_unit():
    X, y = hill()
    Y = np.column_stack([y * 1e9, 1e-9 * X[:, 2], np.full(len(y), 4.0)])
    fitted = trained().fit(X, Y)
    predicted = fitted.predict(X)
    assert predicted.shape == (160, 3)
    assert np.corrcoef(predicted[:, 0], y)[0, 1] > 0.97
    assert np.corrcoef(predicted[:, 1], X[:, 2])[0, 1] > 0.97
    assert (predicted[:, 2] == 4.0).all()
    # each column counts alike when the epoch is chosen
    assert -2 < fitted.history_.best_score < 0
    assert fitted.target_shape_ == (3,)


def test_a_column_is_one_target_in_a_column():
    X, y = hill()
    column, row = quick().fit(X, y[:, None]), quick().fit(X, y)
    assert column.predict(X).shape == (160, 1)
    assert np.array_equal(column.predict(X)[:, 0], row.predict(X))
    quick(gaussian_nll_loss).fit(X, y[:, None])


def test_targets_that_do_not_fit_each_other_are_refused():
    X, y = hill()
    Y = np.column_stack([y, y])
    with pytest.raises(ValueError, match="one number a row for this objective, which has 2 outputs for each, got 2"):
        quick(gaussian_nll_loss).fit(X, Y)
    for y_val in (y, Y[:, :1]):
        with pytest.raises(ValueError, match="y_val must have the columns of y"):
            quick().fit(X, Y, X_val=X, y_val=y_val)


# --- Networks ------------------------------------------------------------------------------------------------------


def lazy(n_inputs, n_outputs):
    return nn.Sequential(nn.LazyLinear(8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, n_outputs))


def test_a_factory_makes_the_network_under_the_seed():
    X, y = hill()
    first, second = (trained(module=lazy).fit(X, y) for _ in range(2))
    assert same(first, second, X)
    assert first.score(X, y) > 0.8
    assert not first.network_.training


def test_a_module_is_copied():
    X, y = hill()
    module = nn.Linear(3, 1)
    before = copy.deepcopy(module.state_dict())
    regressor = quick(module=module).fit(X, y)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    predicted = regressor.predict(X)
    assert np.array_equal(predicted, regressor.fit(X, y).predict(X))
    assert (quick(msle_loss, module=module).fit(X, np.abs(y)).predict(X) > 0).all()


@pytest.mark.parametrize(
    ("module", "error", "words"),
    [
        (lambda d, k: nn.Linear(d, k + 1), ValueError, r"shape \(n, 1\), got \(1, 2\)"),
        (lambda d, k: nn.Sequential(nn.Linear(d, k), nn.Flatten(0)), ValueError, r"shape \(n, 1\), got \(1,\)"),
        (lambda d, k: None, TypeError, "must return an nn.Module"),
        (7, TypeError, "module must be"),
    ],
)
def test_impossible_modules_are_refused(module, error, words):
    X, y = hill()
    with pytest.raises(error, match=words):
        quick(module=module).fit(X, y)


def test_diverged_training_warns_and_keeps_the_best_weights():
    X, y = hill()
    with pytest.warns(MinimandWarning, match="training diverged in epoch") as warned:
        fitted = quick(learning_rate=1e30, weight_decay=0.0, encoder=None).fit(X, y)
    assert warned[0].filename == __file__
    assert fitted.history_.diverged
    assert np.isfinite(fitted.predict(X)).all()


# --- Input ---------------------------------------------------------------------------------------------------------


def test_text_and_missing_values_are_learned_from():
    rng = np.random.default_rng(7)
    kind = rng.choice(["a", "b", None], 200, p=[0.5, 0.4, 0.1])
    size = np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200))
    y = np.where(kind == "a", 5.0, 0.0) + np.nan_to_num(size, nan=3.0)
    X = pd.DataFrame({"kind": kind, "size": size})
    fitted = trained(patience=None).fit(X, pd.Series(y))
    assert fitted.score(X, y) > 0.95
    assert fitted.feature_names_in_.tolist() == ["kind", "size"]
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(X[["size", "kind"]])


def test_targets_may_be_numbers_of_any_kind():
    X, y = hill(n=60)
    y = np.round(4 * y)
    expected = quick().fit(X, y).predict(X)
    for other in (
        y.astype(np.int16),
        y.astype(np.float16),
        y.astype(object),
        y.tolist(),
        pd.Series(y, index=range(7, 67)),
        pd.array(y.astype(int), dtype="Int64"),
        y[::-1][::-1],
        np.where(y == 0, -0.0, y),
        y.astype(str).astype(object),
    ):
        assert np.array_equal(quick().fit(X, other).predict(X), expected)
    assert np.isfinite(quick().fit(X, y > 0).predict(X)).all()
    whole = (2**53 + np.arange(60)).astype(np.int64)
    assert np.isfinite(quick().fit(X, whole).predict(X)).all()


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        (None, ValueError, "requires y to be passed, but the target y is None"),
        (np.full(60, np.nan), ValueError, "Input y contains NaN"),
        (np.r_[np.inf, np.zeros(59)], ValueError, "Input y contains infinity"),
        (np.array([None] * 60), (ValueError, TypeError), "NaN|number"),
        (np.array(["high"] * 60), ValueError, "could not convert string to float"),
        (np.zeros(60, dtype="M8[s]"), TypeError, "y must be numbers, got dates"),
        (pd.Series(pd.date_range("2020", periods=60, tz="UTC")), TypeError, "y must be numbers, got dates"),
        (np.zeros(60, dtype="m8[s]"), TypeError, "y must be numbers, got dates"),
        (np.zeros(60, dtype=complex), ValueError, "Complex data not supported"),
        (np.zeros((60, 1, 1)), ValueError, r"y must have shape \(n,\) or \(n, columns\)"),
        (np.zeros((60, 0)), ValueError, "0 feature"),
        (np.zeros(59), ValueError, "inconsistent numbers of samples"),
        (np.zeros(0), ValueError, "0 sample"),
        (3.0, (ValueError, TypeError), "scalar|dimension"),
        (sparse.csr_matrix(np.ones((60, 1))), TypeError, "[Ss]parse"),
        (np.r_[1e300, np.zeros(59)], ValueError, r"y must be in \[-1e\+290, 1e\+290\], got 1e\+300"),
        (np.array([10**400] * 60, dtype=object), (ValueError, OverflowError), "too large"),
    ],
)
def test_targets_that_are_no_numbers_are_refused(target, error, words):
    X, _ = hill(n=60)
    with pytest.raises(error, match=words):
        quick().fit(X, target)


@pytest.mark.parametrize("encoder", ["auto", None])
def test_sparse_input_is_refused(encoder):
    X, y = hill()
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        quick(encoder=encoder).fit(sparse.csr_matrix(X), y)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_handful_of_rows_is_enough(rows):
    X, y = hill(n=rows)
    for objective in (None, quantile_loss, gaussian_nll_loss):
        assert np.isfinite(quick(objective).fit(X, y).predict(X)).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": 0.0},
        {"weight_decay": -1.0},
        {"batch_size": 0},
        {"max_epochs": 0},
        {"patience": 0},
        {"validation_fraction": 1.0},
        {"hidden": (0,)},
    ],
)
def test_parameters_outside_their_ranges_are_refused(parameters):
    X, y = hill()
    with pytest.raises(ValueError, match="must be in"):
        quick(**parameters).fit(X, y)


def test_nothing_is_predicted_before_fit():
    X, _ = hill()
    for method in ("predict", "network_outputs"):
        with pytest.raises(NotFittedError):
            getattr(quick(), method)(X)


def test_inputs_are_not_changed():
    X, y = hill()
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    before = X.copy(), y.copy(), weight.copy()
    for array in (X, y, weight):
        array.flags.writeable = False
    quick(encoder=None).fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight).predict(X)
    assert all(np.array_equal(a, b) for a, b in zip((X, y, weight), before, strict=True))


# --- Company -------------------------------------------------------------------------------------------------------


def test_clones_and_copies_agree():
    X, y = hill()
    fitted = quick(quantile_loss, objective_parameters={"level": 0.3}).fit(X, y)
    assert same(copy.deepcopy(fitted), fitted, X)
    assert same(clone(fitted).fit(X, y), fitted, X)
    assert not hasattr(clone(fitted), "network_")
    clone(quick(HuberLoss(delta=0.2), module=nn.Linear(3, 1)))


def test_grid_search_over_objectives_and_their_parameters():
    X, y = hill(n=120)
    grid = [
        {"objective": [None, absolute], "learning_rate": np.array([1e-3, 1e-2])},
        {"objective": [huber_loss], "objective_parameters": [{"delta": 0.3}, {"delta": 1.5}]},
    ]
    search = GridSearchCV(trained(max_epochs=20), grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    assert search.best_score_ > 0.7


def test_pipelines_cross_validation_voting_and_transformed_targets():
    X, y = hill(n=120)
    pipeline = make_pipeline(StandardScaler(), trained(encoder=None))
    assert cross_val_score(pipeline, X, y, cv=2, error_score="raise").mean() > 0.7
    vote = VotingRegressor([("a", quick()), ("b", quick(random_state=1))]).fit(X, y)
    assert vote.predict(X).shape == (120,)
    logarithmic = TransformedTargetRegressor(trained(), func=np.log, inverse_func=np.exp).fit(X, np.exp(y))
    assert np.corrcoef(np.log(logarithmic.predict(X)), y)[0, 1] > 0.9


def test_weights_and_validation_rows_are_routed_as_metadata():
    X, y = hill()
    X_val, y_val = hill(seed=1)
    weight = 1.0 + (X[:, 0] > 0)
    with sklearn.config_context(enable_metadata_routing=True):
        last = quick(encoder=None).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), last, transform_input=["X_val"])
        pipeline.fit(X, y, sample_weight=weight, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    direct = quick(encoder=None).fit(scaler.transform(X), y, weight, X_val=scaler.transform(X_val), y_val=y_val)
    assert np.array_equal(pipeline.predict(X), direct.predict(scaler.transform(X)))


def test_devices():
    X, y = hill()
    with pytest.raises(RuntimeError):
        quick(device="abacus").fit(X, y)
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    for objective in (None, quantile_loss, gaussian_nll_loss, poisson_loss, RelativeSquaredLoss):
        fitted = trained(objective, device="cuda").fit(X, np.exp(y / 3), 0.5 + (X[:, 0] > 0))
        assert next(fitted.network_.parameters()).is_cuda
        assert np.corrcoef(fitted.predict(X), np.exp(y / 3))[0, 1] > 0.9
