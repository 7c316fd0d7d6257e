"""The contract of metrics as one call: `check_metric(my_metric)`, for metrics of minimand and for other people's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor

from minimand.contracts.card import Task, card_of
from minimand.contracts.metric import Takes
from minimand.testing.promises.metric_subject import LabelSubject, MetricSubject, ValueSubject, subjects
from minimand.testing.promises.subject import SkippedPromise
from minimand.testing.report import BrokenPromisesError, PromiseReport

__all__ = ["BrokenPromisesError", "MetricSubject", "PromiseReport", "check_metric", "metric_promises"]

MetricPromise = Callable[[MetricSubject], None]

# Sums of a few dozen float64 numbers in another order.
RTOL, ATOL = 1e-9, 1e-12


def check_metric(
    metric: Callable[..., Tensor],
    *,
    takes: Takes | None = None,
    higher_is_better: bool | None = None,
    best: float | None = None,
    tasks: Set[Task] | None = None,
    relative: bool | None = None,
    lowest_target: float | None = None,
    open_below: bool | None = None,
    lowest_prediction: float | None = None,
    exempt: Mapping[str, str] | None = None,
) -> PromiseReport:
    """Check every promise of the contract of metrics, and say what was checked.

    Args:
        metric: a function `metric(pred, target, *, sample_weight=None)` that returns a 0-d tensor.
        takes: "scores", "probabilities" or "values"; read off the card where there is one.
        higher_is_better: which way is better; read off the card where there is one.
        best: its value for perfect predictions; read off the card where there is one.
        tasks: the problems that it serves; read off the card where there is one, else numbers where it takes values,
            and more than two classes where it does not.
        relative: of numbers, whether differences are shares of the reference's value; read off the card where there is
            one.
        lowest_target: of numbers, the bound below which no target is legal; read off the card where there is one.
        open_below: the bound itself is not legal either; read off the card where there is one.
        lowest_prediction: of numbers, the bound above which predictions must lie; read off the card where there is one.
        exempt: `{promise: reason}`, on top of what the card exempts; both are reported.

    Returns:
        The promises that were kept, and those that were skipped, with the reasons.

    Raises:
        BrokenPromisesError: promises are broken (an `AssertionError`; each is named, with a sentence, and
            `report` has the rest).
        ValueError: the metric has no card and a fact about it is missing, or `exempt` names something that is no
            promise or gives no reason.
    """
    card = card_of(metric)
    facts: dict[str, Any] = dict(card.facts) if card is not None else {}
    given: dict[str, Any] = {"takes": takes, "higher_is_better": higher_is_better, "best": best, "relative": relative}
    of_values = (takes or facts.get("takes")) == "values"
    needed = [name for name in given if name != "relative" or of_values]
    if of_values:
        given |= {"lowest_target": lowest_target, "open_below": open_below, "lowest_prediction": lowest_prediction}
    facts |= {name: value for name, value in given.items() if value is not None}
    missing = [name for name in needed if name not in facts]
    if missing:
        raise ValueError(f"{', '.join(missing)} must be given for a metric without a card")
    usual = Task.REGRESSION if of_values else Task.MULTICLASS
    served = frozenset(tasks or (card.tasks if card is not None else {usual}))
    under_test = tuple(subjects(metric, facts, served))
    promises = metric_promises()
    allowed = {**(card.exempt if card is not None else {}), **(exempt or {})}
    for name, reason in allowed.items():
        if name not in promises:
            raise ValueError(f"exempt must name promises of a metric, got {name!r}; they are {', '.join(promises)}")
        if not reason.strip():
            raise ValueError(f"exempt must give a reason for {name!r}, got an empty text")
    kept: list[str] = []
    skipped: dict[str, str] = {}
    broken: dict[str, str] = {}
    for name, check in promises.items():
        try:
            if name in allowed:
                raise SkippedPromise(f"exempt: {allowed[name]}")
            for subject in under_test:
                check(subject)
        except SkippedPromise as reason:
            skipped[name] = str(reason)
        except AssertionError as error:
            broken[name] = str(error)
        except Exception as error:
            broken[name] = f"it raises {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        else:
            kept.append(name)
    report = PromiseReport(under_test[0].name, tuple(kept), skipped, broken)
    if broken:
        raise BrokenPromisesError(report)
    return report


def metric_promises() -> dict[str, MetricPromise]:
    """The promises of a metric by name, in the order in which they are checked."""
    return {check.__name__: check for check in _PROMISES}


# --- The promises ------------------------------------------------------------------------------------------------


def _same(got: float, expected: float, sentence: str) -> None:
    if not math.isclose(got, expected, rel_tol=RTOL, abs_tol=ATOL):
        raise AssertionError(f"{sentence}: got {got:.12g} in place of {expected:.12g}")


def returns_a_float64_scalar(subject: MetricSubject) -> None:
    """The value is a finite 0-d float64 tensor without gradient, also where the prediction has one."""
    pred, target, _ = subject.batch()
    value = subject.metric(pred.clone().requires_grad_(), target)
    if not isinstance(value, Tensor) or value.ndim != 0 or value.dtype != torch.float64:
        said = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise AssertionError(f"the value must be a 0-d float64 tensor, got {said}")
    if value.requires_grad:
        raise AssertionError("the value carries a gradient: a metric judges, it is not differentiated")
    if not bool(value.isfinite()):
        raise AssertionError(f"ordinary predictions give {float(value)}")


def order_of_rows_does_not_matter(subject: MetricSubject) -> None:
    """Permuting the rows changes nothing, with and without weights."""
    pred, target, weight = subject.batch()
    order = torch.randperm(len(target), generator=Generator().manual_seed(1))
    _same(subject.value(pred[order], target[order]), subject.value(pred, target), "the order of the rows matters")
    _same(
        subject.value(pred[order], target[order], weight[order]),
        subject.value(pred, target, weight),
        "the order of the weighted rows matters",
    )


def unit_weights_change_nothing(subject: MetricSubject) -> None:
    """Weights of one are no weights."""
    pred, target, weight = subject.batch()
    ones = torch.ones_like(weight)
    _same(subject.value(pred, target, ones), subject.value(pred, target), "weights of one change the value")


def weight_two_is_the_row_twice(subject: MetricSubject) -> None:
    """Whole weights count rows: weight 2 is the row twice."""
    pred, target, _ = subject.batch()
    times = 1 + torch.arange(len(target)) % 3
    twice = torch.repeat_interleave(torch.arange(len(target)), times)
    _same(
        subject.value(pred, target, times.double()),
        subject.value(pred[twice], target[twice]),
        "a row of weight 2 is not the row twice",
    )


def weight_zero_is_no_row(subject: MetricSubject) -> None:
    """Weight 0 is the row absent, even where it is the only one of its class."""
    pred, target, weight = subject.batch()
    keep = (torch.arange(len(target)) % 5 != 0) & subject.without_rare_class()
    expected = subject.value(pred[keep], target[keep], weight[keep])
    zeroed = torch.where(keep, weight, torch.zeros_like(weight))
    _same(subject.value(pred, target, zeroed), expected, "a row of weight 0 counts")


def perfect_is_best(subject: MetricSubject) -> None:
    """Certain and right predictions give the declared best value, weighted or not, with all classes or only some."""
    for words, target, weight in subject.of_fewer_classes():
        perfect = subject.certain(target)
        for given in (None, weight):
            said = f"a perfect prediction of {words} does not give the best value"
            _same(subject.value(perfect, target, given), subject.best, said)


def more_right_is_better(subject: MetricSubject) -> None:
    """Of certain predictions, those with fewer wrong rows, or smaller errors, are better in the declared direction."""
    said, values = [], []
    for words, pred, target in subject.from_right_to_wrong():
        said.append(words)
        values.append(subject.value(pred, target))
    sign = 1 if subject.higher_is_better else -1
    steps = [sign * (before - after) for before, after in pairwise(values)]
    if min(steps) <= 0:
        way = "higher" if subject.higher_is_better else "lower"
        shown = ", ".join(f"{value:.4g}" for value in values)
        raise AssertionError(f"{way} is declared better, but {', '.join(said)} give {shown}")


def nothing_is_better_than_best(subject: MetricSubject) -> None:
    """No prediction is better than the declared best value."""
    for seed in range(5):
        pred, target, weight = subject.batch(seed)
        value = subject.value(pred, target, weight)
        beyond = value > subject.best if subject.higher_is_better else value < subject.best
        if beyond or math.isnan(value):
            raise AssertionError(f"an imperfect prediction gives {value:.6g}, beyond the best, {subject.best:g}")


def names_of_classes_do_not_matter(subject: MetricSubject) -> None:
    """Renaming the classes, in the targets and the columns alike, changes nothing; of levels, counting from the top."""
    pred, target, weight = subject.batch()
    _same(
        subject.value(*subject.renamed(pred, target), weight),
        subject.value(pred, target, weight),
        "renaming the classes changes the value",
    )


def layout_does_not_matter(subject: MetricSubject) -> None:
    """Predictions, targets and weights that are not contiguous give the same."""
    pred, target, weight = subject.batch()
    strided = torch.stack((target, -target), 1)[:, 0], torch.stack((weight, -weight), 1)[:, 0]
    scattered = torch.stack((pred, -pred), -1)[..., 0]
    _same(
        subject.value(scattered, *strided),
        subject.value(pred, target, weight),
        "inputs that are not contiguous give another value",
    )


def dtypes_do_not_matter(subject: MetricSubject) -> None:
    """Half, single and double precision of the same numbers, and targets of all dtypes, give the same value."""
    pred, target = subject.in_every_dtype()
    weight = 0.5 + (torch.arange(len(target)) % 3).double()
    expected = subject.value(pred, target, weight)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        _same(subject.value(pred.to(dtype), target, weight.to(dtype)), expected, f"the same numbers in {dtype} differ")
        _same(subject.value(pred.to(dtype), target), subject.value(pred, target), f"the same numbers in {dtype} differ")
    for dtype in subject.target_dtypes:
        _same(subject.value(pred, target.to(dtype), weight), expected, f"targets in {dtype} give another value")


def inputs_are_unchanged(subject: MetricSubject) -> None:
    """Predictions, targets and weights are not written to, not even to be restored."""
    given = subject.batch()
    before = [(tensor.clone(), tensor._version) for tensor in given]
    subject.value(*given)
    for name, tensor, (values, version) in zip(("predictions", "targets", "weights"), given, before, strict=True):
        if tensor._version != version or not torch.equal(tensor, values):
            raise AssertionError(f"the {name} are written to in place")


def global_state_is_untouched(subject: MetricSubject) -> None:
    """The global random generator and the gradient mode stay as they are, and the value is the same twice."""
    before = torch.get_rng_state(), torch.is_grad_enabled(), torch.get_default_dtype()
    first, second = (subject.value(*subject.batch()) for _ in range(2))
    after = torch.get_rng_state(), torch.is_grad_enabled(), torch.get_default_dtype()
    if not torch.equal(before[0], after[0]) or before[1:] != after[1:]:
        raise AssertionError("global state is changed: the random generator, the gradient mode or the default dtype")
    if first != second:
        raise AssertionError(f"called twice it gives {first!r} and {second!r}")


def mistakes_are_refused_in_words(subject: MetricSubject) -> None:
    """Inputs that do not fit raise ValueError or TypeError with a sentence, never a value."""
    for what, (arguments, expected) in subject.mistakes().items():
        try:
            value = subject.value(*arguments)
        except expected as error:
            if not str(error).strip():
                raise AssertionError(f"{what} is refused without a word") from None
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            raise AssertionError(f"{what} must raise {expected.__name__}, got {got}") from None
        else:
            raise AssertionError(f"{what} is not refused, but gives {value:.6g}")


def unknown_labels_are_left_out(subject: MetricSubject) -> None:
    """Of labels: NaN is left out whatever was predicted for it, and a label known nowhere is as a column absent."""
    if not isinstance(subject, LabelSubject):
        raise SkippedPromise("the class of a row is known, or the row is left out")
    pred, target, weight = subject.batch()
    unknown = torch.rand(target.shape, generator=Generator().manual_seed(5)) < 0.3
    unknown[3] = True
    partly = target.double().masked_fill(unknown, torch.nan)
    expected = subject.value(pred, partly, weight)
    for other in (100.0, -100.0, torch.nan):
        said = f"the prediction {other} of an unknown label counts"
        _same(subject.value(pred.masked_fill(unknown, other), partly, weight), expected, said)
    rows = torch.arange(len(target)) != 3
    _same(subject.value(pred[rows], partly[rows], weight[rows]), expected, "a row without a known label counts")
    blank = target.double()
    blank[:, 2] = torch.nan
    columns = torch.tensor([0, 1, 3, 4])
    _same(
        subject.value(pred, blank, weight),
        subject.value(pred[:, columns], target[:, columns], weight),
        "a label that is known nowhere counts",
    )


def columns_are_averaged(subject: MetricSubject) -> None:
    """Of numbers: several columns have the mean of their values, and a column `(N, 1)` fits targets `(N,)`."""
    pred, target, weight = _numbers(subject).batch()
    others = subject.batch(1)[0]
    alone = [subject.value(column, target, weight) for column in (pred, others)]
    both = subject.value(torch.stack((pred, others), 1), torch.stack((target, target), 1), weight)
    _same(both, sum(alone) / 2, "two columns do not have the mean of their values")
    _same(subject.value(pred[:, None], target, weight), alone[0], "a column of predictions gives another value")


def unit_does_not_matter(subject: MetricSubject) -> None:
    """Of numbers: in another unit no comparison changes: the value is the same, or, if relative, the ratio of two."""
    pred, target, weight = _numbers(subject).batch()
    others = subject.batch(1)[0]
    here, there = ([subject.value(c * p, c * target, weight) for p in (pred, others)] for c in (1.0, 4.0))
    if subject.relative:
        _same(there[0] / there[1], here[0] / here[1], "it is declared relative, but the ratio of two values has a unit")
    else:
        _same(there[0], here[0], "the value depends on the unit of the numbers, but is not declared relative")


def infinite_predictions_are_wrong_ones(subject: MetricSubject) -> None:
    """Of numbers: an infinite prediction gives no NaN, and is not better than a finite one."""
    subject = _numbers(subject)
    pred, target, weight = subject.batch()
    usual = subject.value(pred, target, weight)
    signs = (1.0,) if subject.is_positive else (1.0, -1.0)
    for sign in signs:
        infinite = pred.clone()
        # the smallest target of all rows, so that a rank is lost too
        infinite[target.argmin() if sign > 0 else target.argmax()] = sign * torch.inf
        value = subject.value(infinite, target, weight)
        if math.isnan(value) or (value > usual if subject.higher_is_better else value < usual):
            raise AssertionError(f"a prediction of {sign * math.inf} changes the value from {usual:.6g} to {value:.6g}")


def _numbers(subject: MetricSubject) -> ValueSubject:
    if not isinstance(subject, ValueSubject):
        raise SkippedPromise("predictions are no numbers")
    return subject


_PROMISES: tuple[MetricPromise, ...] = (
    returns_a_float64_scalar,
    order_of_rows_does_not_matter,
    unit_weights_change_nothing,
    weight_two_is_the_row_twice,
    weight_zero_is_no_row,
    perfect_is_best,
    more_right_is_better,
    nothing_is_better_than_best,
    names_of_classes_do_not_matter,
    layout_does_not_matter,
    dtypes_do_not_matter,
    inputs_are_unchanged,
    global_state_is_untouched,
    mistakes_are_refused_in_words,
    unknown_labels_are_left_out,
    columns_are_averaged,
    unit_does_not_matter,
    infinite_predictions_are_wrong_ones,
)
