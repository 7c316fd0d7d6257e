"""Median absolute error: what half of the errors do not exceed."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_order import weighted_median


@metric(
    slug="median-absolute-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="Up to half of the test targets may be wrong by any amount.",
    drawback="Blind to the other half of the rows, however bad the predictions are there.",
)
def median_absolute_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Median absolute error, $\operatorname{median}_i |y_i - \hat y_i|$.

    In the unit of the target. Rows count by their weight; where two errors split it in halves, the value is the
    mean of both, as of an even number of rows.

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
    return weighted_median((target - pred).abs(), weight).mean()
