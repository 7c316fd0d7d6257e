"""Every metric keeps every promise of its contract; a metric with a fault is caught."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from minimand.adaptation import balance_score_metric
from minimand.contracts.card import Task
from minimand.contracts.catalogue import cards
from minimand.contracts.metric import metric
from minimand.evaluation import (
    accuracy_metric,
    auroc_metric,
    balanced_accuracy_metric,
    brier_metric,
    hamming_loss_metric,
    log_loss_metric,
    macro_f1_metric,
    multilabel_macro_f1_metric,
    subset_accuracy_metric,
)
from minimand.testing import check_metric
from minimand.testing.metric import BrokenPromisesError, metric_promises
from minimand.testing.promises.metric_subject import subjects
from minimand.testing.promises.subject import SkippedPromise

METRICS = [pytest.param(card, id=card.slug) for card in cards("metric")]
SUBJECTS = [
    pytest.param(card, subject, id=f"{card.slug}-{type(subject).__name__.removesuffix('Subject')}")
    for card in cards("metric")
    for subject in subjects(card.component, card.facts, card.tasks)
]
OF_NUMBERS = {"columns_are_averaged", "unit_does_not_matter", "infinite_predictions_are_wrong_ones"}
PROMISES = [pytest.param(promise, id=name) for name, promise in metric_promises().items()]


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize(("card", "subject"), SUBJECTS)
def test_promise(card, subject, promise):
    if promise.__name__ in card.exempt:
        pytest.skip(card.exempt[promise.__name__])
    try:
        promise(subject)
    except SkippedPromise as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("card", METRICS)
def test_card(card):
    of_numbers = {"lowest_target", "open_below", "lowest_prediction"} if card.facts["takes"] == "values" else set()
    assert card.facts.keys() == {"takes", "higher_is_better", "best", "relative"} | of_numbers
    # a slug that a loss of that name has already says which of both it is
    assert card.name == card.slug.removesuffix("-metric").replace("-", "_") + "_metric"
    assert card.when.endswith(".")
    assert card.drawback.endswith(".")
    assert card.formulas
    assert set(card.exempt) <= set(metric_promises())


def test_a_good_metric_is_reported():
    report = check_metric(accuracy_metric)
    assert {*report.kept} == {*metric_promises()} - {"unknown_labels_are_left_out"} - OF_NUMBERS
    assert not report.broken
    assert str(report).startswith("accuracy_metric: 14 promises kept, 0 broken, 4 skipped")


# --- Teeth: metrics with one fault each --------------------------------------------------------------------------


def divides_by_one_less(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """Divides by one row less."""
    return accuracy_metric(pred, target, sample_weight=sample_weight) * len(target) / (len(target) - 1)


def drops_weights(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    accuracy_metric(pred, target, sample_weight=sample_weight)
    return accuracy_metric(pred, target)


def divides_by_rows(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """Weights in the numerator only."""
    value = accuracy_metric(pred, target, sample_weight=sample_weight)
    return value if sample_weight is None else value * sample_weight.double().sum() / len(target)


def all_classes_count(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """An absent class counts as recall zero."""
    value = balanced_accuracy_metric(pred, target, sample_weight=sample_weight)
    present = target if sample_weight is None else target[sample_weight > 0]
    return value * len(present.unique()) / pred.shape[1]


def single_precision(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    return brier_metric(pred, target, sample_weight=sample_weight).float()


def keeps_the_gradient(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    return brier_metric(pred, target, sample_weight=sample_weight) + 0 * pred.double().sum()


def writes_to_its_input(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    value = log_loss_metric(pred, target, sample_weight=sample_weight)
    pred.detach().clamp_(0.0, 1.0)
    return value


def ignores_the_last_class(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """Squared error of all columns but the last: the names of the classes matter."""
    value = brier_metric(pred, target, sample_weight=sample_weight)
    weight = torch.ones(len(target)).double() if sample_weight is None else sample_weight.double()
    last = (pred[:, -1].detach().double() - (target == pred.shape[1] - 1).double()).square()
    return value - (weight * last).sum() / weight.sum()


def depends_on_the_order(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """Equal confidence is cut by the position in the batch."""
    value = auroc_metric(pred, target, sample_weight=sample_weight)
    first = auroc_metric(pred[: len(pred) // 2], target[: len(pred) // 2])
    return (value + first) / 2


def lets_nan_through(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    return accuracy_metric(pred.nan_to_num(), target, sample_weight=sample_weight)


def draws_noise(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    return accuracy_metric(pred, target, sample_weight=sample_weight) - 1e-15 * torch.rand(())


SCORES = {"takes": "scores", "higher_is_better": True, "best": 1.0}
PROBABILITIES = {"takes": "probabilities", "higher_is_better": False, "best": 0.0}


@pytest.mark.parametrize(
    ("broken", "facts", "promise"),
    [
        (divides_by_one_less, SCORES, "perfect_is_best"),
        (drops_weights, SCORES, "weight_two_is_the_row_twice"),
        (divides_by_rows, SCORES, "weight_zero_is_no_row"),
        (all_classes_count, SCORES, "perfect_is_best"),
        (single_precision, PROBABILITIES, "returns_a_float64_scalar"),
        (keeps_the_gradient, PROBABILITIES, "returns_a_float64_scalar"),
        (writes_to_its_input, PROBABILITIES, "inputs_are_unchanged"),
        (ignores_the_last_class, PROBABILITIES, "names_of_classes_do_not_matter"),
        (depends_on_the_order, SCORES, "order_of_rows_does_not_matter"),
        (lets_nan_through, SCORES, "mistakes_are_refused_in_words"),
        (draws_noise, SCORES, "global_state_is_untouched"),
        (accuracy_metric, {"higher_is_better": False}, "more_right_is_better"),
        (accuracy_metric, {"best": 0.5}, "nothing_is_better_than_best"),
    ],
)
def test_a_fault_is_caught(broken, facts, promise):
    with pytest.raises(BrokenPromisesError, match=promise) as caught:
        check_metric(broken, **facts)
    assert promise in caught.value.report.broken


# --- Of two classes, and of labels -------------------------------------------------------------------------------


def backs_one_side(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """The absolute Balance score, with the gain of class 1 whichever is favoured."""
    value = balance_score_metric(pred, target, sample_weight=sample_weight)
    first = (pred[:, 1].double() - target).mean().abs()
    return value + first


def judges_any_number_of_classes(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    return macro_f1_metric(pred, target, sample_weight=sample_weight) ** 2


def unknown_is_absent(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """An unknown label counts as one that the row has not."""
    hamming_loss_metric(pred, target, sample_weight=sample_weight)
    filled = target.nan_to_num(nan=0.0) if target.is_floating_point() else target
    return hamming_loss_metric(pred.nan_to_num(), filled, sample_weight=sample_weight)


def forgets_the_last_label(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    multilabel_macro_f1_metric(pred, target, sample_weight=sample_weight)
    return multilabel_macro_f1_metric(pred[:, :-1], target[:, :-1], sample_weight=sample_weight)


def takes_any_label(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    return hamming_loss_metric(pred, target.clamp(0, 1).round(), sample_weight=sample_weight)


def counts_rows_of_labels(pred: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
    """Weights in the denominator only."""
    value = subset_accuracy_metric(pred, target, sample_weight=sample_weight)
    return value if sample_weight is None else value * len(target) / sample_weight.double().sum()


LABELS = {"takes": "scores", "higher_is_better": True, "best": 1.0, "tasks": {Task.MULTILABEL}}


@pytest.mark.parametrize(
    ("broken", "facts", "promise"),
    [
        (backs_one_side, {**PROBABILITIES, "tasks": {Task.BINARY}}, "weight_zero_is_no_row"),
        (unknown_is_absent, {**LABELS, "higher_is_better": False, "best": 0.0}, "unknown_labels_are_left_out"),
        (forgets_the_last_label, LABELS, "names_of_classes_do_not_matter"),
        (takes_any_label, {**LABELS, "higher_is_better": False, "best": 0.0}, "mistakes_are_refused_in_words"),
        (counts_rows_of_labels, LABELS, "perfect_is_best"),
        (hamming_loss_metric, {"higher_is_better": True}, "more_right_is_better"),
    ],
)
def test_a_fault_with_two_classes_or_labels_is_caught(broken, facts, promise):
    with pytest.raises(BrokenPromisesError, match=promise):
        check_metric(broken, **facts)


def test_a_good_metric_of_labels_is_reported():
    report = check_metric(hamming_loss_metric)
    assert {*report.kept} == {*metric_promises()} - OF_NUMBERS
    assert check_metric(judges_any_number_of_classes, **SCORES, tasks={Task.BINARY, Task.MULTICLASS}).broken == {}


@pytest.mark.parametrize(
    ("tasks", "takes"), [({Task.MULTILABEL, Task.BINARY}, "scores"), ({Task.MULTILABEL}, "probabilities")]
)
def test_a_metric_judges_classes_or_scores_of_labels(tasks, takes):
    with pytest.raises(ValueError, match="a metric of labels must serve them alone and take scores"):
        metric(slug="x", takes=takes, higher_is_better=True, best=1.0, tasks=tasks, when="A.", drawback="B.")


def test_scores_taken_for_probabilities_are_caught():
    with pytest.raises(BrokenPromisesError, match="rows that do not sum to one is not refused"):
        check_metric(accuracy_metric, takes="probabilities")


def test_facts_are_asked_for():
    with pytest.raises(ValueError, match="higher_is_better, best must be given for a metric without a card"):
        check_metric(drops_weights, takes="scores")


def test_exemptions_need_a_promise_and_a_reason():
    with pytest.raises(ValueError, match="must name promises of a metric, got 'no_such'"):
        check_metric(accuracy_metric, exempt={"no_such": "because"})
    with pytest.raises(ValueError, match="must give a reason for 'perfect_is_best'"):
        check_metric(accuracy_metric, exempt={"perfect_is_best": " "})
    report = check_metric(accuracy_metric, exempt={"perfect_is_best": "for a test"})
    assert report.skipped["perfect_is_best"] == "exempt: for a test"
