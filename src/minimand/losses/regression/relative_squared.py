"""Relative squared errors: squared error in units of the training targets, whose roots are NRMSE and RRMSE."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction, require_range
from minimand.contracts.card import Trait
from minimand.contracts.task import TaskInfo
from minimand.contracts.values import ValueLoss, value_loss
from minimand.losses.regression.mse import JADON_2022
from minimand.losses.regression.relative_absolute import training_values, unit_or_one


def _squares(pred: Tensor, target: Tensor, unit: Tensor) -> Tensor:
    # divided before it is squared: the square of a small unit would underflow.
    return ((target - pred) / unit.to(pred.dtype)).square()


@value_loss(
    JADON_2022,
    slug="relative-squared",
    predicts="mean",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    when="Squared errors of several targets or data sets are to be added or compared.",
    drawback="Trains as squared error does: its unit changes the size of the steps and nothing else.",
)
class RelativeSquaredLoss(ValueLoss):
    r"""Relative squared error, $(y - \hat y)^2 / \frac1n \sum_i (y_i - \bar y)^2$.

    The variance below the line is that of the training targets, fixed when the loss is bound: taken of each batch, the
    gradient would depend on the company of a row. 1 is what always predicting the mean costs; one less the mean is
    $R^2$ where targets vary as those of the training do. The root of its mean is the NRMSE with the standard deviation.
    Where all training targets are equal, 1 stands below the line.

    Args:
        deviation: standard deviation of the training targets, positive; `bind` measures it.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `deviation` that is not positive, a task without values; when called, shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, relative squared error. In the authors' code the predictions stand
        below the line too, so that it is always 1.
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
        return cls(unit_or_one(math.sqrt(values.variance), values), **hyper)

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a number."""
        return _squares(pred, target, self.unit)


@value_loss(
    JADON_2022,
    slug="relative-squared",
    predicts="mean",
    traits={Trait.NONNEGATIVE, Trait.TRANSLATION_INVARIANT, Trait.SYMMETRIC},
    when="Errors are to be judged as shares of the whole range of the targets.",
    drawback="The range hangs on two targets: a single outlier shrinks every error.",
)
class RangeSquaredLoss(ValueLoss):
    r"""Squared error in units of the range, $(y - \hat y)^2 / (\max_i y_i - \min_i y_i)^2$.

    The root of its mean is the NRMSE with the range. The range is that of the training targets, fixed when the loss is
    bound; where they are all equal, 1 stands below the line.

    Args:
        span: range of the training targets, positive; `bind` measures it.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `span` that is not positive, a task without values; when called, shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, normalized root mean squared error, which names no one normaliser.
    """

    unit: Tensor

    def __init__(self, span: float, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        require_range("span", span, above=0.0, below=math.inf)
        self.register_buffer("unit", torch.tensor(span, dtype=torch.float64))

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss in the unit of this task's training targets."""
        values = training_values(task)
        return cls(unit_or_one(values.highest - values.lowest, values), **hyper)

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a number."""
        return _squares(pred, target, self.unit)


@value_loss(
    JADON_2022,
    slug="relative-squared",
    predicts="mean",
    traits={Trait.NONNEGATIVE, Trait.SYMMETRIC},
    when="Errors are to be judged as shares of the size of the targets, on a scale with a true zero.",
    drawback="Means nothing where zero is arbitrary, as it is after targets have been standardised.",
)
class SizeSquaredLoss(ValueLoss):
    r"""Squared error in units of the size, $(y - \hat y)^2 / \frac1n \sum_i y_i^2$.

    The root of its mean is the relative root mean squared error (RRMSE) with the targets below the line. The size is
    that of the training targets, fixed when the loss is bound; where they are all 0, 1 stands below the line.

    Args:
        size: root mean square of the training targets, positive; `bind` measures it.
        reduction: `"none"` gives `(N,)`; `"sum"` and `"mean"` a scalar; a mean over nothing is 0.

    Raises:
        ValueError: `size` that is not positive, a task without values; when called, shapes that do not fit.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), section III, relative root mean squared error. There the predictions stand below
        the line, which lets a network lower its loss by predicting larger numbers; here the targets do.
    """

    unit: Tensor

    def __init__(self, size: float, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        require_range("size", size, above=0.0, below=math.inf)
        self.register_buffer("unit", torch.tensor(size, dtype=torch.float64))

    @classmethod
    def bind(cls, task: TaskInfo, **hyper: Any) -> Self:
        """The loss in the unit of this task's training targets."""
        values = training_values(task)
        return cls(math.hypot(math.sqrt(values.variance), values.mean) or 1.0, **hyper)

    def rows(self, pred: Tensor, target: Tensor, index: Tensor | None) -> Tensor:
        """One value a number."""
        return _squares(pred, target, self.unit)
