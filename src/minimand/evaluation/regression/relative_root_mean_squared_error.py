"""Relative root mean squared error: the error against that of predicting nothing."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import root_mean_square

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="relative-root-mean-squared-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Zero has a meaning, such as no signal, and errors are judged against the size of the targets.",
    drawback="An offset far from zero makes every prediction look good.",
    also_known_as=("rrmse",),
)
def relative_root_mean_squared_error_metric(
    pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Relative root mean squared error, $\sqrt{\frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i y_i^2}}$.

    Without unit: 1 is as good as predicting 0 everywhere. The survey and its code divide by the squares of the
    predictions. With them a prediction gets better by being larger, and 0 everywhere has no value; here the
    targets' own squares are taken. Targets that are all 0 are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all 0, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), relative root mean squared error, there with the predictions' squares.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    if bool((target == 0).all(0).any()):
        raise ValueError("target must hold a number other than 0 where errors are shares of its size, got only 0")
    return (root_mean_square(target - pred, weight) / root_mean_square(target, weight)).mean()
