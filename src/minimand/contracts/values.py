"""Losses of numbers: what a plain loss `x_loss(pred, target)` of regression is checked and reduced by, and its card.

`pred` and `target` have one shape, `(N,)` or `(N, D)`; a network's column `(N, 1)` fits a target `(N,)` too, and is
never broadcast against it to `(N, N)`. The value of a row is the mean over its numbers. A loss whose prediction is
more than a number (mean and variance, the levels of a distribution) takes `(N, P)` for a target `(N,)`, and says on
its card how many numbers `P` a row of the network has and which of them, or what of them, is the prediction.

Targets are numbers of the user's scale. What a trainer may do to them before a network learns them is on the card too:
`"standard"` (shifted to mean 0 and scaled to deviation 1), `"scale"` (divided by their mean: for losses of positive
numbers), or `"none"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from minimand.contracts.arguments import Reduction, require_reduction, require_weights, values_are_readable
from minimand.contracts.card import Paper, Range, Suits, Task, Trait
from minimand.contracts.component import Component, component
from minimand.contracts.loss import Loss
from minimand.contracts.reduction import present_rows, reduce_rows, row_weights
from minimand.contracts.rows import wide

Scaling = Literal["standard", "scale", "none"]
Predictions = Callable[[Tensor], Tensor]


def as_they_are(pred: Tensor) -> Tensor:
    """The prediction of a loss whose network says nothing else: a column `(N, 1)` as `(N,)`, else what is given."""
    return pred.squeeze(1) if pred.ndim == 2 and pred.shape[1] == 1 else pred


def value_pairs(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Predictions `(16,)` in float64, normal with the given scale, and targets likewise."""
    return tuple(torch.randn(16, generator=rng, dtype=torch.float64) * scale for _ in range(2))  # type: ignore[return-value]


def positive_pairs(rng: Generator, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Predictions `(16,)` in float64, normal with the given scale, and positive targets of the order of one."""
    pred = torch.randn(16, generator=rng, dtype=torch.float64) * scale
    return pred, torch.rand(16, generator=rng, dtype=torch.float64) * 4 + 0.1


def require_values(
    pred: Tensor,
    target: Tensor,
    *,
    sample_weight: Tensor | None = None,
    outputs: int = 1,
    least: float | None = None,
    above: float | None = None,
) -> None:
    """Refuse predictions and targets that do not fit each other.

    Args:
        pred: `(N,)`, `(N, 1)` or `(N, D)` for one number a target; `(N, outputs)` for several.
        target: `(N,)` or `(N, D)` of any real dtype.
        sample_weight: `(N,)`, floating point.
        outputs: numbers that a row of the prediction has for one of the target.
        least: lower bound of the targets, itself legal; only checked where reading them is free.
        above: lower bound of the targets, itself not legal; only checked where reading them is free.

    Raises:
        TypeError: predictions or weights are not floating point, targets are complex, or one of them is no tensor.
        ValueError: shapes or devices that do not fit, or targets out of range.
    """
    for name, tensor in (("pred", pred), ("target", target), ("sample_weight", sample_weight)):
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}")
    if not pred.is_floating_point():
        raise TypeError(f"pred must be floating point, got {pred.dtype}")
    if target.is_complex() or target.dtype == torch.bool:
        raise TypeError(f"target must be real numbers, got {target.dtype}")
    if target.ndim not in (1, 2):
        raise ValueError(f"target must have shape (N,) or (N, D), got {tuple(target.shape)}: flatten it")
    column = (*target.shape, outputs) if target.ndim == 1 else None
    fits = pred.shape == column if outputs > 1 else pred.shape in (target.shape, column)
    if not fits:
        wanted = tuple(target.shape) if outputs == 1 else column
        raise ValueError(f"pred must have shape {wanted} to fit target, got {tuple(pred.shape)}")
    require_weights(sample_weight, len(target))
    for name, tensor in (("target", target), ("sample_weight", sample_weight)):
        if tensor is not None and tensor.device != pred.device:
            raise ValueError(f"{name} must be on the device of pred, {pred.device}, got {tensor.device}")
    if (least is None and above is None) or not target.numel() or not values_are_readable(target):
        return
    if sample_weight is not None and not values_are_readable(sample_weight):
        return
    counted = target if sample_weight is None else target[sample_weight != 0]
    if counted.numel():
        lowest = float(counted.min())
        if (least is not None and lowest < least) or (above is not None and lowest <= above):
            rule = f"at least {least:g}" if least is not None else f"above {above:g}"
            raise ValueError(f"target must be {rule} for this loss, got {lowest:g}")


def per_value(
    function: Callable[[Tensor, Tensor], Tensor],
    pred: Tensor,
    target: Tensor,
    *,
    sample_weight: Tensor | None,
    reduction: Reduction,
    outputs: int = 1,
    least: float | None = None,
    above: float | None = None,
) -> Tensor:
    """Check, compute one value a number, average each row, reduce: the one road through every plain loss of numbers.

    Args:
        function: from predictions in float32 or wider and targets of the same dtype to values of the target's shape;
            predictions have the target's shape, or `(N, outputs)` where there are several.
        pred, target, sample_weight, reduction: as the loss has them.
        outputs, least, above: as in `require_values`.

    Raises:
        ValueError: shapes, devices, target values or the reduction do not fit.
        TypeError: dtypes do not fit.
    """
    require_reduction(reduction)
    require_values(pred, target, sample_weight=sample_weight, outputs=outputs, least=least, above=above)
    present = present_rows(target, sample_weight, None)
    pred = wide(pred)
    pred = pred.reshape(target.shape) if outputs == 1 else pred
    target = target.to(pred.dtype)
    if present is not None:
        # absent rows are replaced before anything is computed: 0 * inf would otherwise reach value or gradient as NaN.
        pred = torch.where(_beside(present, pred), pred, torch.zeros_like(pred))
        target = torch.where(_beside(present, target), target, torch.ones_like(target))
    values = function(pred, target)
    if values.ndim == 2:
        # divided before the sum: the mean may fit where the sum overflows.
        values = (values / values.shape[1]).sum(1) if values.shape[1] else values.sum(1)
    if present is None:
        return reduce_rows(values, None, reduction)
    values = torch.where(present, values, torch.zeros_like(values))
    return reduce_rows(values, row_weights(len(values), present, sample_weight, values), reduction)


class ValueLoss(Loss):
    """A loss of numbers that needs more than a batch: it defines `rows`, one value a number of the target."""

    takes_ignore_index: ClassVar[bool] = False
    outputs: int = 1
    """Numbers that a row of the prediction has for one of the target."""

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)

    def _reduced(
        self, pred: Tensor, target: Tensor, index: Tensor | None, sample_weight: Tensor | None, reduction: Reduction
    ) -> Tensor:
        def values(pred: Tensor, target: Tensor) -> Tensor:
            return self.rows(pred, target, index)

        return per_value(values, pred, target, sample_weight=sample_weight, reduction=reduction, outputs=self.outputs)


def value_loss(
    *papers: Paper,
    slug: str,
    when: str,
    drawback: str,
    tasks: Set[Task] = frozenset({Task.REGRESSION}),
    search: Mapping[str, Range] | None = None,
    predictions: Predictions = as_they_are,
    predicts: str = "mean",
    outputs: int | Callable[..., int] = 1,
    scaling: Scaling = "standard",
    lowest_target: float | None = None,
    open_below: bool = False,
    positive_predictions: bool = False,
    provenance: str = "established",
    traits: Set[Trait] = frozenset(),
    cases: Callable[..., tuple[Any, ...]] | None = None,
    exempt: Mapping[str, str] | None = None,
    suits: Set[Suits] = frozenset(),
    needs: Mapping[str, Callable[..., Any]] | None = None,
    also_known_as: tuple[str, ...] = (),
) -> Callable[[Component], Component]:
    """Attach the card of a loss of numbers to a function or a class, and return that very object.

    Args:
        *papers: where it comes from.
        slug: its stable name.
        when: one sentence on when to use it.
        drawback: one sentence on what it costs or misses.
        tasks: the problems that it serves.
        search: what is tuned.
        predictions: from the network's rows `(N, P)` to the numbers predicted `(N,)`, on the scale of the targets that
            the loss was trained with; for losses that model a logarithm, its exponential.
        predicts: what that number is of the target's distribution: "mean", "median", "quantile", "mode" ...
        outputs: numbers in a row of the network for one target, or a function of the hyperparameters that says so.
        scaling: what a trainer does to the targets first.
        lowest_target: bound below which no target is legal.
        open_below: the bound itself is not legal either.
        positive_predictions: the loss takes positive predictions only: a trainer lets a softplus follow the network.
        provenance: "established", or "reconstructed: what".
        traits: promises, each tested by one common test.
        cases: example arguments for the common tests.
        exempt: `{common test: reason}`.
        suits: states of the data in which it is tried unasked.
        needs: arguments that only the user can give, with examples.
        also_known_as: names that people use for it.
    """
    facts: dict[str, Any] = {
        "predictions": predictions,
        "predicts": predicts,
        "outputs": outputs,
        "scaling": scaling,
        "lowest_target": lowest_target,
        "open_below": open_below,
        "positive_predictions": positive_predictions,
    }
    return component(
        *papers,
        kind="loss",
        slug=slug,
        tasks=tasks,
        when=when,
        drawback=drawback,
        search=search,
        provenance=provenance,
        traits=traits,
        cases=cases or (value_pairs if lowest_target is None else positive_pairs),
        exempt=exempt,
        suits=suits,
        needs=needs,
        also_known_as=also_known_as,
        facts=facts,
    )


def _beside(present: Tensor, like: Tensor) -> Tensor:
    return present if like.ndim == 1 else present[:, None]
