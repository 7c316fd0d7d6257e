"""What each kind of problem decides: what serves it, how rows are stratified, what is computed on those that judge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from minimand.contracts.card import Task
from minimand.contracts.catalogue import cards
from minimand.contracts.task import bind
from minimand.errors import InputError
from minimand.losses import mse_loss
from minimand.workbench.compare.admission import deciding_metric
from minimand.workbench.compare.candidates import choose, named
from minimand.workbench.compare.evidence import evidence_of, residual_tenths, value_map
from minimand.workbench.compare.metric_kinds import MEDIAN_METRICS
from minimand.workbench.compare.options import Options
from minimand.workbench.compare.problem import MultiLabel, Ordinal, Prediction, Regression, problem_of
from minimand.workbench.compare.splits import check_splittable, inner_split, outer_resamples, tuning_rows
from minimand.workbench.compare.trial import as_judged
from minimand.workbench.tables import Dataset, diagnose, from_columns, prepare
from tests.workbench.compare.datasets import labels, levels, numbers

KINDS = {"regression": numbers, "ordinal": levels, "multi-label": labels}


@pytest.mark.parametrize("kind", KINDS)
def test_losses_and_metrics_of_its_own_serve_it(kind):
    data = KINDS[kind]()
    problem = problem_of(data)
    assert problem.kind == data.problem == kind
    reference = next(card for card in cards("loss") if card.slug == problem.reference)
    assert problem.serves(reference)
    metric, why = problem.default_metric(data)
    assert metric in {card.slug for card in problem.metric_cards()}
    assert why
    target, task = problem.example(12)
    scores = torch.zeros(12, problem.n_outputs, requires_grad=True)
    total, _ = bind(reference.component, task).sum_and_count(scores, target, index=torch.arange(12))
    assert torch.isfinite(total)


def test_every_metric_of_a_problem_can_be_computed():
    rng = torch.Generator().manual_seed(0)
    values = torch.rand(80, generator=rng, dtype=torch.float64) + 0.5
    found = Regression((0.0, 1.0), 0.5).metrics(Prediction(values + 0.1), values, None)
    assert set(found) == {card.slug for card in cards("metric") if Task.REGRESSION in card.tasks}
    assert all(isinstance(value, float) for value in found.values())
    assert found["root-mean-squared-error"] == pytest.approx(0.1)
    below = Regression((0.0, 1.0), 0.5).metrics(Prediction(values - 5.0), values, None)
    assert below["mean-poisson-deviance"] is None  # predictions below 0 have no deviance
    scores = torch.randn(80, 3, generator=rng)
    claimed = MultiLabel(3).metrics(Prediction(scores), (scores > 0).long(), None)
    assert claimed["subset-accuracy"] == 1.0
    assert claimed["mean-average-precision"] == 1.0
    ordinal = Ordinal(3).metrics(Prediction(scores, scores.softmax(1)), scores.argmax(1), None)
    assert ordinal["mean-absolute-level-error"] == 0.0
    assert ordinal["accuracy"] == 1.0


# --- Rows ------------------------------------------------------------------------------------------------------------


def test_numbers_are_divided_alike_from_low_to_high():
    data = numbers(400)
    (resample,) = outer_resamples(data, ["resample-0"], seed=0)
    assert len(resample.test) == 80
    for rows in (resample.training, resample.test):
        # each tenth of all rows has its tenth of these.
        found = np.quantile(data.target, np.arange(1, 10) / 10)
        counts = np.bincount(np.searchsorted(found, data.target[rows]), minlength=10)
        assert counts.max() - counts.min() <= 2
    kept, held = inner_split(data, resample.training, seed=1)
    assert not set(kept) & set(held)
    assert len(tuning_rows(data, resample.training, most=100, seed=0)) == pytest.approx(100, abs=10)


def test_a_target_that_is_mostly_zero_keeps_its_share_of_zeros():
    y = np.where(np.arange(300) % 10 == 0, np.arange(300) / 7.0, 0.0)
    data = numbers(300, y=y)
    check_splittable(data)
    for resample in outer_resamples(data, ["a", "b", "c"], seed=0):
        assert (data.target[resample.test] == 0).mean() == pytest.approx(0.9, abs=0.02)


def test_rare_labels_stand_on_both_sides():
    data = labels(300)
    rarest = int(data.class_counts.argmin())
    for resample in outer_resamples(data, ["a", "b", "c"], seed=0):
        held = data.target[resample.test, rarest].sum()
        assert held == pytest.approx(data.class_counts[rarest] / 5, abs=1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: numbers(40), "40 rows that count, and resampling needs 50"),
        (lambda: numbers(100, weights=np.arange(100) < 20), "20 rows that count"),
        (lambda: labels(100, rare=3), "label 'rare' is present in only 3 rows"),
        (lambda: numbers(100, groups=["a", "b"] * 50), "2 groups"),
    ],
)
def test_rows_that_cannot_be_divided_are_refused(data, words):
    with pytest.raises(InputError, match=words):
        check_splittable(data())


def test_rare_classes_that_are_numbers_may_be_numbers():
    y = np.array([*[3, 4] * 48, 9, 9, 9, 9])
    with pytest.raises(InputError, match=r"class '9' .* only 4 rows.* or take them for numbers by --task regression"):
        check_splittable(numbers(100, y=y, task="classification"))


def test_rows_to_train_on_without_any_difference_are_refused():
    y = np.where(np.arange(200) < 120, 7.0, np.arange(200.0))
    with pytest.raises(InputError, match="all rows to train on have the target 7"):
        outer_resamples(numbers(200, y=y, times=np.arange(200.0)), ["a", "b", "c", "d", "e"], seed=0)
    # rows that judge may be alike: how far off predictions are is still known
    found = outer_resamples(numbers(200, y=y[::-1], times=np.arange(200.0)), ["a", "b", "c", "d", "e"], seed=0)
    assert len(found) == 5


# --- What decides ----------------------------------------------------------------------------------------------------


def chosen_of(data: Dataset, **options):
    problem = problem_of(data)
    chosen, left = choose(diagnose(data), problem, data, takes_probabilities=False, **options)
    return {c.name: c.why for c in chosen}, {n.slug: n.why for n in left}


def test_numbers_choose_losses_by_what_they_may_be():
    plain, left = chosen_of(numbers())
    assert next(iter(plain)) == "mse"
    assert "Serves every problem of numbers." in plain["huber"]
    assert "it needs targets above 0, and the lowest is -" in left["gamma"]
    assert left["cross-entropy"] == "it does not serve numbers"
    skewed = np.exp(numbers().target)
    why, _ = chosen_of(numbers(y=skewed))
    assert "no negative numbers and is skewed" in why["gamma"]
    counts, left = chosen_of(numbers(y=np.floor(8 * skewed), task="regression"))
    assert "may be a count: whole numbers from 0" in counts["poisson"]
    assert "it needs targets above 0, and the lowest is 0" in left["gamma"]


def test_ordered_levels_and_labels_have_candidates():
    why, left = chosen_of(levels())
    assert next(iter(why)) == "cross-entropy"
    assert left["mse"] == "it does not serve 4 ordered levels"
    why, _ = chosen_of(labels())
    assert next(iter(why)) == "binary-cross-entropy"
    assert "asymmetric" in why


def test_a_loss_that_these_targets_cannot_have_is_refused_by_name():
    data = numbers()
    with pytest.raises(InputError, match="gamma cannot be compared so: it needs targets above 0, and the lowest is -"):
        named(["gamma"], problem_of(data), data, takes_probabilities=False)
    with pytest.raises(InputError, match=r"gce serves .* targets, and these are numbers"):
        named(["gce"], problem_of(data), data, takes_probabilities=False)


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("accuracy", "'accuracy' does not judge numbers"),
        ("mean-gamma-deviance", "it needs targets above 0, and the lowest is -"),
        ("root-mean-square-error", "unknown: the nearest .*'root-mean-squared-error'"),
    ],
)
def test_metrics_that_cannot_decide_are_refused(metric, words):
    with pytest.raises(InputError, match=words):
        deciding_metric(Options(metric=metric), numbers())


def test_a_metric_that_needs_positive_predictions_does_not_decide():
    with pytest.raises(InputError, match="needs predictions above 0, which squared error does not promise"):
        deciding_metric(Options(metric="mean-poisson-deviance"), numbers(y=np.exp(numbers().target)))


def test_the_metrics_of_the_median_are_there():
    assert {card.slug for card in cards("metric")} >= MEDIAN_METRICS
    title = Regression((0.0, 1.0), 0.0).reference_title("constant", "mean-absolute-error-metric")
    assert title == "Median of the target"


def test_errors_are_judged_as_shares_of_the_reference():
    scores = {"mse": [10.0, 20.0, 30.0], "mae": [9.0, 19.0, 29.0]}
    assert as_judged(scores, scores["mse"], "root-mean-squared-error")["mae"] == pytest.approx([0.45, 0.95, 1.45])
    assert as_judged(scores, scores["mse"], "r2") == scores
    assert as_judged({"mse": [0.0, 0.0]}, [0.0, 0.0], "root-mean-squared-error") == {"mse": [0.0, 0.0]}


# --- What is shown ---------------------------------------------------------------------------------------------------


def test_errors_by_tenth_of_the_prediction():
    pred = np.arange(100.0)
    tenths = residual_tenths(pred, pred + 3.0)
    assert [tenth["count"] for tenth in tenths] == [10] * 10
    assert tenths[0]["predicted"] == 4.5
    assert tenths[0]["quantiles"] == [3.0] * 5
    assert residual_tenths(pred[:4], pred[:4])[-1]["count"] == 1


def test_the_map_counts_every_row_once():
    true, pred = np.array([0.5, 1.5, 99.0, -9.0]), np.array([0.5, 0.5, 1.5, 5.0])
    assert value_map(pred, true, [0.0, 1.0, 2.0]) == [[1, 1], [1, 1]]


def test_evidence_adds_up_over_resamples():
    problem = Regression((0.0, 1.0, 2.0), 0.0)
    rng = np.random.default_rng(0)
    finals = []
    for _ in range(3):
        true = torch.from_numpy(rng.uniform(0, 2, size=40))
        finals.append(problem.details(Prediction(true - 0.1), true))
    found = evidence_of(finals)["residuals"]
    assert sum(map(sum, found["map"])) == 120
    assert found["below"] == 0.0
    assert found["tenths"][0]["quantiles"] == pytest.approx([0.1] * 5)
    assert evidence_of([{"reliability": None}]) == {}


def test_evidence_of_levels_and_labels():
    scores = torch.eye(3)[[0, 1, 2, 2]]
    shown = Ordinal(3).details(Prediction(scores), torch.tensor([0, 1, 1, 2]))
    assert shown["map"] == [1, 0, 0, 0, 1, 1, 0, 0, 1]
    claimed = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    counts = MultiLabel(2).details(Prediction(claimed), torch.tensor([[1, 0], [0, 1]]))["labels"]
    assert counts == {"hits": [1, 1], "claimed": [2, 1], "present": [1, 1]}


def test_python_losses_are_tried_on_targets_of_the_kind():
    from minimand.workbench.compare.admission import try_out
    from minimand.workbench.compare.candidates import given

    for candidate in given({"own": lambda pred, target: (pred.squeeze(-1) - target).abs(), "ours": mse_loss}):
        try_out(candidate, numbers(), takes_probabilities=False)
    with pytest.raises(InputError, match="the objective 'wrong' fails on 4 rows"):
        try_out(given({"wrong": lambda pred, target: pred - target[:2]})[0], numbers(), takes_probabilities=False)


def test_diagnosis_of_numbers_finds_the_row_that_was_moved():
    y = numbers(300).target.copy()
    y[17] += 100.0
    found = diagnose(numbers(300, y=y))["values"]
    assert found["outlying"]["rows"] >= 1
    assert found["outlying"]["examples"][0]["row"] == 17
    assert found["skewness"] > 1
    assert found["histogram"]["above"] == 1
    assert sum(found["histogram"]["counts"]) == 300


def test_whole_numbers_are_not_outlying_by_a_step():
    y = np.round(numbers(300).target)
    found = diagnose(numbers(300, y=y, task="regression"))["values"]["outlying"]
    assert found["deviation"] >= 0.5
    assert found["rows"] <= 3


def test_diagnosis_says_nothing_of_mostly_zero_numbers():
    y = np.where(np.arange(200) % 10 == 0, 1.0 + np.arange(200) / 100, 0.0)
    found = diagnose(numbers(200, y=y))["values"]
    assert found["zero_share"] == 0.9
    assert found["outlying"] is None


def test_diagnosis_counts_repeated_rows_of_every_kind():
    def doubled(data):
        return data.rows(np.r_[np.arange(60), np.arange(60)])

    for make in KINDS.values():
        assert diagnose(doubled(make(60)))["duplicate_rows"] == 60
    columns = {"x": [1.0, 1.0, 2.0] * 20, "z": np.arange(60) // 3, "y": np.arange(60) * 1.5}
    assert diagnose(prepare(from_columns(columns), target="y"))["conflicting_rows"] == 40
