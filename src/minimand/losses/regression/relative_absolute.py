"""Relative absolute error: absolute error in units of what always predicting the mean costs."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Trait
from minimand.contracts.task import TaskInfo, ValueSummary
from minimand.contracts.values import ValueLoss, value_loss
from minimand.losses.regression.mse import JADON_2022


def training_values(task: TaskInfo) -> ValueSummary:
    """What is known of the training targets of a task whose targets are numbers.

    Raises:
        ValueError: nothing is.
    """
    if task.values is None:
        raise ValueError("task must have values for this loss, got none: make it by TaskInfo.of_values")
    return task.values


def unit_or_one(unit: float, values: ValueSummary) -> float:
    """A unit to divide by; 1 where all training targets are equal, whose spread is nothing but rounding."""
    return unit if unit > 0 and values.highest > values.lowest else 1.0


@value_loss(
    JADON_2022,
    slug="relative-absolute",
    predicts="median",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    when="Absolute errors of several targets or data sets are to be added or compared.",
    drawback="Trains as absolute error does: its unit changes the size of the steps and nothing else.",
)
class RelativeAbsoluteLoss(ValueLoss):
    r"""Relative absolute error, $|y - \hat y| / \frac1n \sum_i |y_i - \bar y|$.

    The mean absolute deviation below the line is that of the training targets, fixed when the loss is bound. Taken of
    each batch, as the sums of the survey are often read, the gradient would depend on the company of a row. 1 is what
    always predicting the mean of the training targets costs there. Where they are all equal, 1 stands below the line.

    Args:
        deviation: mean absolute deviation of the training targets from their mean, positive; `bind` measures it.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `deviation` that is not positive, a task without values; when called, shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, relative absolute error.
    """

    unit: Tensor

    def __init__(self, deviation: float, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        require_range("deviation", deviation, above=0.0, below=math.inf)
        self.register_buffer("unit", torch.tensor(deviation, dtype=torch.float64))

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss in the unit of this task's training targets."""
        values = training_values(task)
        return cls(unit_or_one(values.absolute_deviation, values), **hyper)

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a number."""
        return (target - pred).abs() / self.unit.to(pred.dtype)
