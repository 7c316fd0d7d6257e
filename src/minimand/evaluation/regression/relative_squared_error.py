"""Relative squared error: the share of the targets' variance that is left."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import deviation, require_variation, root_mean_square

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="relative-squared-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Data sets of different units are compared by squared errors.",
    drawback="Depends on how far the test targets are spread, as R2 does.",
    also_known_as=("rse",),
)
def relative_squared_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Relative squared error, $\frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i (y_i - \bar y)^2}$.

    Without unit: 1 is as good as the mean of these very targets, 0 is perfect, and R2 is what is missing to 1. The
    survey's code divides the squared error by itself, so that it is 1 for every prediction. Targets that are all
    equal are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all equal, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), relative squared error.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a relative error")
    return (root_mean_square(target - pred, weight) / deviation(target, weight)).square().mean()
