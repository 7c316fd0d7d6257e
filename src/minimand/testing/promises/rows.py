"""Promises about rows: how they are summed, weighted, left out and ordered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from minimand.contracts.card import Trait
from minimand.testing.promises.subject import NUMBERS, Batch, SkippedPromise, Subject, holds, promise, same

IGNORED = -100


def _rows_are_separate(subject: Subject) -> None:
    if Trait.BATCH_COUPLED in subject.traits:
        raise SkippedPromise("the rows of a batch interact by design (trait BATCH_COUPLED)")


def _weights(batch: Batch) -> Tensor:
    return torch.rand(len(batch), generator=Generator().manual_seed(7), dtype=batch.pred.dtype) + 0.5


@promise(asked_of="any")
def gives_a_value(subject: Subject) -> None:
    """A batch gives a finite scalar, or one value a row."""
    batch = subject.batch()
    values, gradient = subject.rows_and_gradient(batch)
    holds(values.ndim == 0 or values.shape == (len(batch),), f"got values of shape {tuple(values.shape)}")
    holds(values.isfinite(), "ordinary scores give a value that is not finite")
    holds(gradient.isfinite(), "ordinary scores give a gradient that is not finite")


@promise()
def reductions_agree(subject: Subject) -> None:
    """With reduction "none" there is one value a row, "sum" is their sum and "mean" their sum over their weight."""
    batch = subject.batch()
    for weight in (None, _weights(batch)):
        said = "without weights" if weight is None else "with weights"
        rows, total, mean = (subject.value(batch, weight=weight, reduction=r) for r in ("none", "sum", "mean"))
        holds(rows.shape == (len(batch),), f"reduction='none' gives {tuple(rows.shape)}, not one value a row")
        holds(mean.shape == () and total.shape == (), "reductions 'sum' and 'mean' must give a scalar")
        count = torch.tensor(float(len(batch)), dtype=rows.dtype) if weight is None else weight.sum()
        same(rows.sum(), total, f"{said} reduction='sum' is not the sum of the rows")
        same(mean, total / count, f"{said} reduction='mean' is not the sum over the rows divided by their weight")
        loss = subject.fresh(batch)
        ours = loss.sum_and_count(batch.pred, batch.target, index=batch.index, sample_weight=weight)
        same(ours[0], total, f"{said} the first number of sum_and_count is not the sum")
        same(ours[1], count, f"{said} the second number of sum_and_count is not the weight of the rows")


@promise()
def shards_add_up(subject: Subject) -> None:
    """Sums and counts over shards of a batch give the mean of the whole batch, as accumulation needs it."""
    _rows_are_separate(subject)
    batch = subject.batch()
    weight = _weights(batch)
    cut = torch.arange(len(batch)) < 5
    parts = []
    for which in (cut, ~cut):
        part = batch.rows(which)
        loss = subject.fresh(batch)
        parts.append(loss.sum_and_count(part.pred, part.target, index=part.index, sample_weight=weight[which]))
    mean = (parts[0][0] + parts[1][0]) / (parts[0][1] + parts[1][1])
    same(mean, subject.value(batch, weight=weight), "the sums over two shards do not give the mean of the whole")


@promise()
def weight_two_is_the_row_twice(subject: Subject) -> None:
    """A row of weight 2 counts as the same row twice, in the value and in the gradient."""
    _rows_are_separate(subject)
    batch = subject.batch()
    weight = torch.ones(len(batch), dtype=batch.pred.dtype)
    weight[[3, 8]] = 2.0
    twice = torch.cat([torch.arange(len(batch)), torch.tensor([3, 8])])
    for reduction in ("sum", "mean"):
        value, gradient = subject.value_and_gradient(batch, weight=weight, reduction=reduction)
        repeated, parts = subject.value_and_gradient(batch.rows(twice), reduction=reduction, training=batch)
        same(value, repeated, f"with reduction={reduction!r} a row of weight 2 does not count as the row twice")
        summed = torch.zeros_like(gradient).index_add(0, twice, parts)
        same(gradient, summed, f"with reduction={reduction!r} the gradient at weight 2 is not that of the row twice")


@promise()
def zero_weight_drops_the_row(subject: Subject) -> None:
    """A row of weight 0 is absent, in the value and in the gradient, whatever stands in it."""
    batch = subject.batch()
    keep = torch.ones(len(batch), dtype=torch.bool)
    keep[[2, 9]] = False
    _absent(subject, batch, keep, {"weight": keep.to(batch.pred.dtype)}, "of weight 0")


@promise()
def ignored_rows_are_absent(subject: Subject) -> None:
    """A row with the ignored target is absent, in the value and in the gradient, whatever stands in it."""
    if subject.takes_values:
        raise SkippedPromise(f"{NUMBERS}, none of which can stand for an absent row")
    batch = subject.batch()
    keep = torch.ones(len(batch), dtype=torch.bool)
    keep[[2, 9]] = False
    kept = keep[:, None] if subject.takes_labels else keep
    ignored = replace(batch, target=torch.where(kept, batch.target, IGNORED))
    _absent(subject, ignored, keep, {"ignore_index": IGNORED}, "with the ignored target", training=batch)


def _absent(
    subject: Subject, batch: Batch, keep: Tensor, keywords: dict[str, Any], said: str, training: Batch | None = None
) -> None:
    training = training or batch
    for filler in (None, float("nan"), float("inf")):
        kept = keep[:, None] if batch.pred.ndim == 2 else keep
        pred = batch.pred if filler is None else torch.where(kept, batch.pred, filler)
        holding = "" if filler is None else f" that holds {filler}"
        spoilt = replace(batch, pred=pred)
        for reduction in ("sum", "mean"):
            dropped, expected = subject.value_and_gradient(batch.rows(keep), reduction=reduction, training=training)
            value, gradient = subject.value_and_gradient(spoilt, reduction=reduction, training=training, **keywords)
            same(value, dropped, f"a row {said}{holding} is not absent from reduction={reduction!r}")
            same(gradient[keep], expected, f"a row {said}{holding} changes the gradient of other rows")
            holds(gradient[~keep] == 0, f"a row {said}{holding} has a gradient that is not zero")
        rows = subject.value(spoilt, reduction="none", training=training, **keywords)
        holds(rows[~keep] == 0, f"a row {said}{holding} is not 0 with reduction='none'")


@promise()
def scaled_weights_leave_the_mean(subject: Subject) -> None:
    """Multiplying all weights by a constant leaves the mean alone."""
    batch = subject.batch()
    weight = _weights(batch)
    for factor in (1e-3, 8.0):
        scaled = subject.value(batch, weight=weight * factor)
        same(scaled, subject.value(batch, weight=weight), f"weights times {factor} change the mean")


@promise()
def nothing_is_zero(subject: Subject) -> None:
    """Over no rows at all (an empty batch, all ignored, all weights zero) the value is 0 with zero gradient."""
    full = subject.batch()
    empty = full.rows(torch.zeros(len(full), dtype=torch.bool))
    ignored = replace(full, target=torch.full_like(full.target, IGNORED))
    none = torch.zeros(len(full), dtype=full.pred.dtype)
    nothings = [
        ("an empty batch", empty, None),
        ("a batch that is all ignored", ignored, None),
        ("a batch whose weights are all zero", full, none),
    ]
    for said, batch, weight in nothings:
        if batch is ignored and subject.takes_values:
            continue
        for reduction in ("mean", "sum"):
            ignore = IGNORED if batch is ignored else None
            value, gradient = subject.value_and_gradient(
                batch, weight=weight, reduction=reduction, ignore_index=ignore, training=full
            )
            holds(value.ndim == 0, f"{said} does not give a scalar")
            holds(value == 0, f"{said} gives {shown_number(value)} with reduction={reduction!r}, not 0")
            holds(gradient == 0, f"{said} gives a gradient that is not zero")
    rows = subject.value(empty, reduction="none", training=full)
    holds(rows.shape == (0,), f"an empty batch gives shape {tuple(rows.shape)} with reduction='none', not (0,)")


def shown_number(value: Tensor) -> str:
    """A 0-d tensor in few characters."""
    return f"{float(value):g}"


@promise(asked_of="any")
def order_of_rows_does_not_matter(subject: Subject) -> None:
    """Permuting the rows of a batch permutes the values and the gradient."""
    batch = subject.batch()
    order = torch.randperm(len(batch), generator=Generator().manual_seed(3))
    values, gradient = subject.rows_and_gradient(batch)
    permuted, moved = subject.rows_and_gradient(batch.rows(order), training=batch)
    same(permuted, values if values.ndim == 0 else values[order], "permuting the rows does not permute the values")
    same(moved, gradient[order], "permuting the rows does not permute the gradient")
    if not subject.is_foreign:
        weight = _weights(batch)
        mean, expected = (
            subject.value(batch.rows(order), weight=weight[order], training=batch),
            subject.value(batch, weight=weight),
        )
        same(mean, expected, "permuting rows and weights together changes the mean: weights are on the wrong rows")


@promise(asked_of="any")
def one_row_alone(subject: Subject) -> None:
    """A batch of one row works, and the row is worth what it is worth among others."""
    batch = subject.batch()
    values, _ = subject.rows_and_gradient(batch)
    for row in (0, 5):
        alone, gradient = subject.rows_and_gradient(batch.rows(torch.tensor([row])), training=batch)
        holds(gradient.shape == (1, *batch.pred.shape[1:]), "the gradient of a batch of one row has another shape")
        holds(alone.isfinite(), "a batch of one row is not finite")
        if values.ndim == 1:
            holds(alone.shape == (1,), f"a batch of one row gives shape {tuple(alone.shape)}, not (1,)")
            if Trait.BATCH_COUPLED not in subject.traits:
                same(alone[0], values[row], "a row alone has another value than among others")
