"""Promises about targets that are more than a class index: class probabilities, and several labels a row."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.autograd import gradcheck
from torch.autograd.gradcheck import GradcheckError

from minimand.contracts.card import Trait
from minimand.testing.promises.rows import IGNORED
from minimand.testing.promises.subject import NUMBERS, Batch, SkippedPromise, Subject, holds, promise, same


def _soft(subject: Subject) -> Batch:
    """The batch with class probabilities for targets, the first rows of them with zeros."""
    batch = subject.batch()
    soft = torch.randn(batch.pred.shape, generator=Generator().manual_seed(11), dtype=torch.float64).softmax(1)
    soft[:4] = F.one_hot(batch.target[:4], subject.n_classes).double()
    soft[4, 0] = 0.0
    soft[4] /= soft[4].sum()
    return replace(batch, target=soft)


@promise(trait=Trait.SOFT_TARGETS)
def takes_soft_targets(subject: Subject) -> None:
    """SOFT_TARGETS: one-hot probabilities are the class, others are differentiated rightly, weighted and refused."""
    batch, soft = subject.batch(), _soft(subject)
    for hyper in subject.corners():
        here = subject.at(hyper)
        at = f" at {dict(hyper)}" if hyper else ""
        for dtype in (torch.float64, torch.float32, torch.bfloat16):
            classes = batch.to(dtype)
            hard = replace(classes, target=F.one_hot(batch.target, subject.n_classes).to(dtype))
            near = 1e-9 if dtype == torch.float64 else 1e-5
            for scale in (1.0, 1e3):
                one, other = (replace(b, pred=b.pred * scale) for b in (classes, hard))
                (values, slope), (expected, expected_slope) = (
                    here.rows_and_gradient(b, training=batch) for b in (other, one)
                )
                same(values, expected, f"one-hot targets{at} give another value than classes", rtol=near, atol=near)
                same(slope, expected_slope, f"one-hot targets{at} give another gradient", rtol=1e-2, atol=near)
        _differentiates(here, soft, batch, at)
        masked = soft.rows(torch.tensor([4]))
        masked = replace(masked, pred=torch.where(masked.target == 0, -torch.inf, masked.pred))
        values, slope = here.rows_and_gradient(masked, training=batch)
        holds(~values.isnan() & ~slope.isnan().any(), f"a masked class of target probability 0{at} gives NaN")
    rows = subject.value(soft, reduction="none", training=batch)
    weight = torch.linspace(0.0, 2.0, len(batch), dtype=torch.float64)
    mean = subject.value(soft, weight=weight, training=batch)
    same(mean, (rows * weight).sum() / weight.sum(), "weights are not those of the rows of soft targets")
    for said, target, ignored in (
        ("soft targets of another shape", soft.target[:, 1:], None),
        ("soft targets that sum to two", 2 * soft.target, None),
        ("soft targets with ignore_index", soft.target, IGNORED),
    ):
        try:
            subject.value(replace(soft, target=target), training=batch, ignore_index=ignored)
        except ValueError:
            continue
        raise AssertionError(f"{said}: are accepted in place of raising ValueError")


def _differentiates(subject: Subject, soft: Batch, training: Batch, at: str) -> None:
    few = soft.rows(torch.arange(3, 8))
    loss = subject.fresh(training, reduction="none").eval()

    def values(pred: Tensor) -> Tensor:
        value: Tensor = loss(pred, few.target, index=few.index)
        return value

    try:
        gradcheck(values, (few.pred.clone().requires_grad_(),))
    except GradcheckError as error:
        raise AssertionError(
            f"the gradient at soft targets{at} is not the numerical one ({' '.join(str(error).split())[:200]})"
        ) from None


@promise()
def soft_targets_are_declared(subject: Subject) -> None:
    """Without SOFT_TARGETS probabilities for targets are refused."""
    if Trait.SOFT_TARGETS in subject.traits or subject.takes_labels:
        raise SkippedPromise("it takes targets that are no class indices")
    if subject.takes_values:
        raise SkippedPromise(f"{NUMBERS}, not classes")
    if subject.card is None:
        raise SkippedPromise("it has no card to declare anything on")
    if subject.batch().pred.ndim != 2 or subject.batch().target.ndim != 1:
        raise SkippedPromise("its predictions are no class scores")
    try:
        subject.value(_soft(subject), training=subject.batch())
    except (TypeError, ValueError):
        return
    raise AssertionError("it takes soft targets: declare SOFT_TARGETS, so that it is tested")


@promise()
def unknown_labels_are_absent(subject: Subject) -> None:
    """Of several labels a row, one with the ignored value counts for nothing: the row is the mean over the others."""
    if not subject.takes_labels:
        raise SkippedPromise(f"{NUMBERS if subject.takes_values else 'its targets are classes'}, not several labels")
    batch = subject.batch()
    known = torch.rand(batch.pred.shape, generator=Generator().manual_seed(5)) < 0.7
    known[0] = False
    target = torch.where(known, batch.target, IGNORED)
    values, slope = subject.rows_and_gradient(replace(batch, target=target), ignore_index=IGNORED, training=batch)
    holds(values[0] == 0, "a row without a known label is not 0")
    holds(slope[~known] == 0, "an unknown label has a gradient that is not zero")
    spoilt = replace(batch, pred=torch.where(known, batch.pred, float("nan")), target=target)
    again, slope_again = subject.rows_and_gradient(spoilt, ignore_index=IGNORED, training=batch)
    same(again, values, "a NaN at an unknown label changes the value")
    same(slope_again, slope, "a NaN at an unknown label changes the gradient")
    mean = subject.value(replace(batch, target=target), ignore_index=IGNORED, training=batch)
    same(mean, values[1:].mean(), "a row without a known label is not absent from the mean")
    loss = subject.fresh(batch, ignore_index=IGNORED)
    count = loss.sum_and_count(batch.pred, target, index=batch.index)[1]
    same(count, torch.tensor(len(batch) - 1.0, dtype=count.dtype), "a row without a known label is counted")


@promise()
def labels_of_any_dtype_are_alike(subject: Subject) -> None:
    """Labels as booleans and as numbers give the value of integers."""
    if not subject.takes_labels:
        raise SkippedPromise(f"{NUMBERS if subject.takes_values else 'its targets are classes'}, not several labels")
    batch = subject.batch()
    for dtype in (torch.bool, torch.float32, torch.float64):
        other = replace(batch, target=batch.target.to(dtype))
        same(subject.value(other, training=batch), subject.value(batch), f"labels in {dtype} give another value")
