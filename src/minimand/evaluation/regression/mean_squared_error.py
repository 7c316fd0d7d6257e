"""Mean squared error: what the best prediction of a mean makes least."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import root_mean_square


@metric(
    slug="mean-squared-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="Errors are to be split into bias and variance, or costs grow with the square.",
    drawback="Its unit is the target's squared: for reading, take the root mean squared error.",
    also_known_as=("mse",),
)
def mean_squared_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Mean squared error, $\frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i}$.

    In the squared unit of the target: the square of the bias and the variance of the errors add up to it.

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
    return root_mean_square(target - pred, weight).square().mean()
