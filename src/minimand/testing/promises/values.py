"""Promises of losses of numbers: the shapes of numbers, and what the prediction of least loss is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Generator, Tensor

from minimand.contracts.card import Trait
from minimand.contracts.task import TaskInfo, bind
from minimand.contracts.values import as_they_are
from minimand.evaluation.registry.best_constants import FUNCTIONALS, least_of_one, weighted_quantile
from minimand.testing.promises.manners import refused
from minimand.testing.promises.subject import Batch, SkippedPromise, Subject, promise, same

CLASSES = "its targets are no numbers"
N_SAMPLE = 9
CLOSE = 1e-4


def _of_numbers(subject: Subject) -> Mapping[str, Any]:
    """The facts on the card of a loss of numbers."""
    if not subject.takes_values:
        raise SkippedPromise(CLASSES)
    return subject.card.facts if subject.card is not None else {}


def _one_number_each(subject: Subject) -> Batch:
    _of_numbers(subject)
    batch = subject.batch()
    if batch.pred.shape != batch.target.shape:
        raise SkippedPromise("its predictions are several numbers for one target")
    return batch


@promise(asked_of="any")
def a_column_is_not_broadcast(subject: Subject) -> None:
    """A network's column `(N, 1)` gives the value of `(N,)`, and is never spread against the targets to `(N, N)`."""
    batch = _one_number_each(subject)
    values, slope = subject.rows_and_gradient(batch)
    column = replace(batch, pred=batch.pred[:, None])
    try:
        of_column, column_slope = subject.rows_and_gradient(column, training=batch)
    except (ValueError, TypeError) as error:
        raise AssertionError(f"a column (N, 1) of predictions is refused: {error}") from None
    same(of_column, values, "a column (N, 1) of predictions gives another value than (N,)")
    same(column_slope, slope[:, None], "a column (N, 1) of predictions gets another gradient than (N,)")
    if subject.is_foreign:
        return
    square = batch.pred[:, None].expand(-1, len(batch))
    for said, pred, target in (
        ("a target (N, 1) with predictions (N,)", batch.pred, batch.target[:, None]),
        ("predictions (N, N)", square, batch.target),
        ("predictions (1, N)", batch.pred[None], batch.target),
    ):
        loss = subject.fresh(batch)

        def call(loss: Any = loss, pred: Tensor = pred, target: Tensor = target) -> object:
            return loss(pred, target, index=batch.index)

        refused(call, said, ValueError, "must have shape")


@promise()
def several_numbers_are_averaged(subject: Subject) -> None:
    """Of targets `(N, D)` the value of a row is the mean over its numbers, with and without weights."""
    batch = _one_number_each(subject)
    other = subject.batch(seed=1)
    if Trait.BATCH_COUPLED in subject.traits:
        raise SkippedPromise("the rows of a batch interact by design (trait BATCH_COUPLED)")
    both = replace(
        batch, pred=torch.stack([batch.pred, other.pred], 1), target=torch.stack([batch.target, other.target], 1)
    )
    weight = torch.rand(len(batch), generator=Generator().manual_seed(3), dtype=batch.pred.dtype)
    weight[3] = 0.0
    for given in (None, weight):
        first, second = (subject.value(b, weight=given, reduction="none", training=both) for b in (batch, other))
        found = subject.value(both, weight=given, reduction="none")
        same(found, (first + second) / 2, "the value of a row (N, 2) is not the mean over its numbers")


@promise()
def an_absent_target_may_be_anything(subject: Subject) -> None:
    """A row of weight 0 may have NaN, infinity or an illegal number for its target."""
    _of_numbers(subject)
    batch = subject.batch()
    keep = torch.ones(len(batch), dtype=batch.pred.dtype)
    keep[[2, 9]] = 0.0
    value, slope = subject.value_and_gradient(batch, weight=keep)
    for filler in (float("nan"), float("inf"), -1.0):
        spoilt = replace(batch, target=torch.where(keep > 0, batch.target, filler))
        found, gradient = subject.value_and_gradient(spoilt, weight=keep, training=batch)
        same(found, value, f"a target {filler} in a row of weight 0 changes the value")
        same(gradient, slope, f"a target {filler} in a row of weight 0 changes the gradient")


@promise()
def mistakes_with_numbers_are_refused(subject: Subject) -> None:
    """Wrong shapes, dtypes, devices, targets, reductions and hyperparameters raise, naming the argument."""
    facts = _of_numbers(subject)
    good = subject.batch()
    weight = torch.ones(len(good), dtype=good.pred.dtype)
    value_or_type = (ValueError, TypeError)
    meta = torch.zeros(good.target.shape, dtype=good.target.dtype, device="meta")
    in_a_list = cast(Tensor, good.pred.tolist())
    wrong: list[tuple[str, type[Exception] | tuple[type[Exception], ...], str, Batch, Any]] = [
        ("predictions too short", ValueError, "shape", replace(good, pred=good.pred[1:]), None),
        ("integer predictions", TypeError, "floating point", replace(good, pred=good.pred.long()), None),
        ("predictions in a list", TypeError, "torch.Tensor", replace(good, pred=in_a_list), None),
        ("a target too short", ValueError, "target", replace(good, target=good.target[1:]), None),
        ("a target of three dimensions", ValueError, "target", replace(good, target=good.target[:, None, None]), None),
        ("a complex target", TypeError, "target", replace(good, target=good.target.to(torch.complex64)), None),
        ("a target on another device", value_or_type, "device", replace(good, target=meta), None),
        ("weights of another shape", ValueError, "sample_weight", good, weight[1:]),
        ("integer weights", TypeError, "sample_weight", good, weight.long()),
        ("weights on another device", ValueError, "device", good, weight.to("meta")),
    ]
    lowest = facts.get("lowest_target")
    if lowest is not None:
        outside = good.target.clone()
        outside[0] = lowest if facts["open_below"] else lowest - 1.0
        wrong.append(("a target out of range", ValueError, "target must be", replace(good, target=outside), None))
    for said, kind, words, batch, given in wrong:
        loss = subject.fresh(good)

        def call(loss: Any = loss, batch: Batch = batch, given: Any = given) -> object:
            return loss(batch.pred, batch.target, index=batch.index, sample_weight=given)

        refused(call, said, kind, words)
    loss = subject.fresh(good)
    loss.reduction = "average"  # type: ignore[assignment]
    refused(
        lambda: loss(good.pred, good.target, index=good.index),
        "reduction='average'",
        ValueError,
        "reduction must be one of",
    )
    if not isinstance(subject.objective, torch.nn.Module):
        task = TaskInfo.of_values(good.target)
        refused(
            lambda: bind(subject.objective, task, no_such_setting=1.0),
            "an unknown hyperparameter",
            TypeError,
            "no_such_setting",
        )


# --- The prediction of least loss ----------------------------------------------------------------------------------


@promise()
def predicts_what_it_says(subject: Subject) -> None:
    """The prediction of least weighted loss for a sample is the mean, median ... that the card says, by its own map.

    A *centre* is asked of symmetric samples only: there it is the point of symmetry.
    """
    facts = _of_numbers(subject)
    if "predicts" not in facts:
        raise SkippedPromise("it has no card that says what it predicts")
    if Trait.BATCH_COUPLED in subject.traits:
        raise SkippedPromise("the rows of a batch interact by design (trait BATCH_COUPLED)")
    said = facts["predicts"]
    if said not in {*FUNCTIONALS, "quantile", "centre"}:
        raise SkippedPromise(f"of what it predicts, the {said}, no closed form is known")
    for hyper in subject.corners():
        here = subject.at(hyper)
        for seed in (0, 1):
            y, weight = _sample(here, seed, symmetric=said == "centre")
            found = _prediction_of_least_loss(here, y, weight, facts)
            expected = _expected(here, said, y, weight)
            near = CLOSE * float(1 + y.max() - y.min())
            at = f" at {dict(hyper)}" if hyper else ""
            same(found, expected, f"the prediction of least loss is not the {said}{at}", rtol=0, atol=near)


def _expected(subject: Subject, said: str, y: Tensor, weight: Tensor) -> Tensor:
    loss = subject.fresh(subject.batch())
    if said == "quantile":
        return weighted_quantile(y, weight, float(getattr(loss, "level", 0.5)))
    return FUNCTIONALS["mean" if said == "centre" else said](y, weight)


def _sample(subject: Subject, seed: int, *, symmetric: bool) -> tuple[Tensor, Tensor]:
    """Legal targets with weights of which no part is exactly half."""
    y = subject.batch(seed=seed).target[:N_SAMPLE]
    weight = torch.rand(len(y), generator=Generator().manual_seed(seed), dtype=y.dtype) + 0.1
    if symmetric:
        # the middle itself is among them: two halves far apart have a whole interval of centres
        middle = y.mean()
        return torch.cat([y, 2 * middle - y, middle[None]]), torch.cat([weight, weight, weight[:1]])
    return y, weight


def _prediction_of_least_loss(subject: Subject, y: Tensor, weight: Tensor, facts: Mapping[str, Any]) -> Tensor:
    """The number `()` predicted by the one row of outputs whose weighted loss over the sample is least."""
    n_outputs = subject.batch().pred.shape[1] if subject.batch().pred.ndim == 2 else 1
    loss = subject.fresh(Batch(y, y, torch.arange(len(y))), reduction="none")

    def risks(outputs: Tensor) -> Tensor:
        """The weighted loss `(G,)` of each of the rows of outputs `(G, P)`."""
        pred = outputs.repeat_interleave(len(y), 0)
        index = torch.arange(len(y)).repeat(len(outputs))
        rows = loss(pred[:, 0] if n_outputs == 1 else pred, y.repeat(len(outputs)), index=index)
        risk: Tensor = (rows.reshape(len(outputs), len(y)) * weight).sum(1)
        return risk

    if n_outputs == 1:
        best = least_of_one(lambda outputs: risks(outputs[:, None]), float(y.abs().max()) + 3.0).reshape(1, 1)
    else:
        best = _least_of_several(risks, n_outputs)
    to_predictions: Callable[[Tensor], Tensor] = facts.get("predictions", as_they_are)
    return to_predictions(best)[0]


def _least_of_several(risks: Callable[[Tensor], Tensor], n_outputs: int) -> Tensor:
    """`(1, P)`, by L-BFGS from zeros."""
    outputs = torch.zeros(1, n_outputs, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [outputs], max_iter=300, line_search_fn="strong_wolfe", tolerance_grad=1e-10, tolerance_change=1e-14
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        risk = risks(outputs).sum()
        risk.backward()
        return risk

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return outputs.detach()
