"""Largest error: how wrong a prediction can be."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric


@metric(
    slug="max-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="Every prediction must lie within a tolerance.",
    drawback="It is decided by one row, and grows with their number.",
)
def max_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Largest absolute error, $\max_i |y_i - \hat y_i|$ over the rows with $w_i > 0$.

    In the unit of the target. Weights do not matter, but rows of weight 0 are absent.

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
    pred, target, _ = checked_values(pred, target, sample_weight)
    return (target - pred).abs().amax(0).mean()
