"""Root mean squared error: the size of an error, large ones counting most."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import root_mean_square


@metric(
    slug="root-mean-squared-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="The mean is predicted, and one large error is worse than many small ones.",
    drawback="One outlier in the test rows can decide.",
    also_known_as=("rmse",),
)
def root_mean_squared_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Root mean squared error, $\sqrt{\frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i}}$.

    In the unit of the target. Of all constants the mean of the targets has the least value, which is their standard
    deviation.

    Of several columns this is the mean of their roots, not the root of their mean.

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
    return root_mean_square(target - pred, weight).mean()
