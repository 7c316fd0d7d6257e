"""Root mean squared logarithmic error: by which factor predictions are wrong."""

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
    slug="root-mean-squared-logarithmic-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    lowest_target=-1.0,
    open_below=True,
    lowest_prediction=-1.0,
    when="Targets grow by factors, such as counts or prices, and some are 0.",
    drawback="Too low costs more than as much too high, and the one that is added depends on the unit.",
    exempt={"unit_does_not_matter": "the logarithm of 1 + y knows the unit of y"},
    also_known_as=("rmsle",),
)
def root_mean_squared_logarithmic_error_metric(
    pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Root mean squared logarithmic error, $\sqrt{\sum_i w_i \log^2\frac{1 + \hat y_i}{1 + y_i} / \sum_i w_i}$.

    A value of 0.1 is an error of about ten percent of $1 + y$. The one that is added lets counts of 0 count; it has
    a unit, so that thousands and millions of the same money give other values.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers above -1.
        target: `(N,)` or `(N, D)`, finite numbers above -1.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), root mean squared logarithmic error.
    """
    pred, target, weight = checked_values(pred, target, sample_weight, above=-1.0, predictions_above=-1.0)
    return root_mean_square(target.log1p() - pred.log1p(), weight).mean()
