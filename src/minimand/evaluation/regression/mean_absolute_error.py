"""Mean absolute error: the size of an ordinary error."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import weighted_mean


@metric(
    slug="mean-absolute-error-metric",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="An error twice as large costs twice as much, and the median is predicted.",
    drawback="Of skewed targets it prefers predictions below the mean.",
    also_known_as=("mae",),
)
def mean_absolute_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Mean absolute error, $\frac{\sum_i w_i |y_i - \hat y_i|}{\sum_i w_i}$.

    In the unit of the target. Of all constants the median of the targets has the least value.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    return weighted_mean((target - pred).abs(), weight).mean()
