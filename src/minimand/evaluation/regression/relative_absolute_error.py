"""Relative absolute error: absolute error against that of the mean."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import require_variation, weighted_mean

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="relative-absolute-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Data sets of different units are compared by absolute errors.",
    drawback="Measured against the mean, which is not the best constant for absolute errors: below 1 may still be "
    "worse than the median.",
    also_known_as=("rae",),
)
def relative_absolute_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Relative absolute error, $\frac{\sum_i w_i |y_i - \hat y_i|}{\sum_i w_i |y_i - \bar y|}$.

    Without unit: 1 is as good as the mean of these very targets, 0 is perfect. Targets that are all equal are
    refused.

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
        Jadon, Patil and Jadon (2022), relative absolute error.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a relative error")
    mean = weighted_mean(target, weight)
    error, reference = (weighted_mean((target - said).abs(), weight) for said in (pred, mean))
    return (error / reference).mean()
