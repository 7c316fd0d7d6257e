"""The contract of metrics of numbers and of levels: what is refused, and the faults that `check_metric` catches."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from minimand.contracts.card import Task, card_of
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation import (
    mean_absolute_level_error_metric,
    mean_gamma_deviance_metric,
    mean_poisson_deviance_metric,
    pearson_correlation_metric,
    r2_metric,
    root_mean_squared_error_metric,
    spearman_correlation_metric,
)
from minimand.testing import check_metric
from minimand.testing.metric import BrokenPromisesError, metric_promises


def test_a_good_metric_of_numbers_is_reported():
    report = check_metric(root_mean_squared_error_metric)
    assert {*report.kept} == {*metric_promises()} - {"unknown_labels_are_left_out", "names_of_classes_do_not_matter"}
    assert not report.broken


def test_the_card_says_what_is_legal_and_how_differences_are_judged():
    facts = card_of(mean_gamma_deviance_metric).facts
    assert facts["relative"] is True
    assert (facts["lowest_target"], facts["open_below"], facts["lowest_prediction"]) == (0.0, True, 0.0)
    assert card_of(r2_metric).facts["relative"] is False
    assert card_of(r2_metric).facts["lowest_target"] is None


# --- At the door -------------------------------------------------------------------------------------------------


def test_absent_rows_may_hold_anything():
    pred, target = torch.tensor([1.0, math.nan, 3.0]), torch.tensor([2.0, math.inf, 3.0])
    weight = torch.tensor([0.5, 0.0, 1.5])
    said, true, kept = checked_values(pred, target, weight, least=0.0, predictions_above=0.0)
    assert said.tolist() == [[1.0], [3.0]]
    assert true.tolist() == [[2.0], [3.0]]
    assert kept.tolist() == [0.5, 1.5]
    assert said.dtype == true.dtype == kept.dtype == torch.float64


@pytest.mark.parametrize(
    ("pred", "target", "rules", "said"),
    [
        ([1.0, math.nan], [1.0, 2.0], {}, "pred must not be NaN, got NaN in 1 of 2 numbers"),
        ([1.0, 2.0], [1.0, math.inf], {}, "target must be finite, got inf"),
        ([1.0, 2.0], [1.0, -0.5], {"least": 0.0}, "target must be at least 0 for this metric, got -0.5"),
        ([1.0, 2.0], [1.0, 0.0], {"above": 0.0}, "target must be above 0 for this metric, got 0"),
        ([1.0, 0.0], [1.0, 2.0], {"predictions_above": 0.0}, "pred must be above 0 for this metric, got 0"),
        ([], [], {}, "a metric needs at least one row of positive weight, got none"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(pred, target, rules, said):
    with pytest.raises(ValueError, match=said):
        checked_values(torch.tensor(pred), torch.tensor(target), None, **rules)


WORDS = {"higher_is_better": True, "best": 1.0, "when": "A.", "drawback": "B."}


@pytest.mark.parametrize(
    ("tasks", "takes"),
    [({Task.REGRESSION}, "scores"), ({Task.ORDINAL}, "values"), ({*Task} - {"multilabel"}, "values")],
)
def test_a_metric_of_numbers_serves_them_alone(tasks, takes):
    with pytest.raises(ValueError, match="a metric of numbers must serve them alone and take values"):
        metric(slug="x", takes=takes, tasks=tasks, **WORDS)


@pytest.mark.parametrize(
    ("takes", "task", "relative"), [("values", Task.REGRESSION, None), ("scores", Task.ORDINAL, False)]
)
def test_how_differences_are_judged_is_said_of_numbers_alone(takes, task, relative):
    with pytest.raises(ValueError, match="relative must be said of metrics of numbers, and of no others"):
        metric(slug="x", takes=takes, tasks={task}, relative=relative, **WORDS)


def test_facts_are_asked_for():
    with pytest.raises(ValueError, match="higher_is_better, best, relative must be given for a metric without a card"):
        check_metric(drops_weights, takes="values")


# --- Teeth: metrics with one fault each --------------------------------------------------------------------------


def drops_weights(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    root_mean_squared_error_metric(pred, target, sample_weight=sample_weight)
    return root_mean_squared_error_metric(pred, target)


def pools_the_columns(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """The root of the mean over columns, not the mean of their roots."""
    pred, target, weight = checked_values(pred, target, sample_weight)
    return ((weight[:, None] * (pred - target).square()).sum() / weight.sum() / pred.shape[1]).sqrt()


def spreads_a_column_over_rows(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """A column of predictions less a row of targets: every pair."""
    root_mean_squared_error_metric(pred, target, sample_weight=sample_weight)
    weight = torch.ones(len(target)).double() if sample_weight is None else sample_weight.double()
    errors = (pred.detach().double() - target.double()).square()
    weight = weight if errors.ndim == 1 else weight[:, None].expand_as(errors)
    return ((weight * errors).sum() / weight.sum()).sqrt()


def ranks_ties_by_position(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """Equal predictions get different ranks."""
    pred, target, weight = checked_values(pred, target, sample_weight)
    ranks = pred.argsort(0, stable=True).argsort(0).double()
    return spearman_correlation_metric(ranks, target, sample_weight=weight)


def loses_infinity(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    pred, target, weight = checked_values(pred, target, sample_weight)
    share = (weight / weight.sum())[:, None]
    said, true = (x - (share * x).sum(0) for x in (pred, target))
    variances = (share * said.square()).sum(0) * (share * true.square()).sum(0)
    return ((share * said * true).sum(0) / variances.sqrt()).mean()


def takes_any_prediction(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    given = pred if bool(pred.isnan().any()) or not pred.is_floating_point() else pred.clamp_min(1e-9)
    return mean_poisson_deviance_metric(given, target, sample_weight=sample_weight)


def divides_by_the_spread_of_predictions(
    pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None
) -> Tensor:
    """An error that is better the more the predictions vary."""
    error = root_mean_squared_error_metric(pred, target, sample_weight=sample_weight)
    pred, _, weight = checked_values(pred, target, sample_weight)
    mean = (weight[:, None] * pred).sum(0) / weight.sum()
    return error / root_mean_squared_error_metric(pred, mean.expand_as(pred), sample_weight=weight)


def counts_levels_too_high_only(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    value = mean_absolute_level_error_metric(pred, target, sample_weight=sample_weight)
    weight = torch.ones(len(target)).double() if sample_weight is None else sample_weight.double()
    return value + (weight * (pred.argmax(1) - target).clamp_min(0)).sum() / weight.sum()


ERROR = {"takes": "values", "higher_is_better": False, "best": 0.0, "relative": True}
SCORE = {"takes": "values", "higher_is_better": True, "best": 1.0, "relative": False}
COUNTS = {**ERROR, "lowest_target": 0.0, "lowest_prediction": 0.0}
LEVELS = {"takes": "scores", "higher_is_better": False, "best": 0.0, "tasks": {Task.ORDINAL}}


@pytest.mark.parametrize(
    ("broken", "facts", "promise"),
    [
        (drops_weights, ERROR, "weight_two_is_the_row_twice"),
        (pools_the_columns, ERROR, "columns_are_averaged"),
        (spreads_a_column_over_rows, ERROR, "columns_are_averaged"),
        (ranks_ties_by_position, SCORE, "order_of_rows_does_not_matter"),
        (loses_infinity, SCORE, "infinite_predictions_are_wrong_ones"),
        (takes_any_prediction, COUNTS, "mistakes_are_refused_in_words"),
        (divides_by_the_spread_of_predictions, {**ERROR, "relative": False}, "infinite_predictions_are_wrong_ones"),
        (counts_levels_too_high_only, LEVELS, "names_of_classes_do_not_matter"),
        (root_mean_squared_error_metric, {"relative": False}, "unit_does_not_matter"),
        (mean_gamma_deviance_metric, {"open_below": False}, "returns_a_float64_scalar"),
        (pearson_correlation_metric, {"higher_is_better": False}, "more_right_is_better"),
        (mean_absolute_level_error_metric, {"best": 0.5}, "nothing_is_better_than_best"),
    ],
)
def test_a_fault_is_caught(broken, facts, promise):
    with pytest.raises(BrokenPromisesError, match=promise) as caught:
        check_metric(broken, **facts)
    assert promise in caught.value.report.broken
