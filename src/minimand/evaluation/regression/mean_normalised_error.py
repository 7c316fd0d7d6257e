"""Root mean squared error over the targets' mean."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import root_mean_square, weighted_mean

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="mean-normalised-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="Targets are positive amounts, such as energy used, and errors are read as a share of the usual amount.",
    drawback="Where the mean is near zero it says nothing: degrees in Celsius and Kelvin give other values.",
    also_known_as=("cv-rmse", "nrmse", "normalised-rmse"),
)
def mean_normalised_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Root mean squared error over the mean, $\mathrm{RMSE} / |\bar y|$.

    Without unit: the coefficient of variation of the errors. Targets whose mean is 0 are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets whose mean is 0, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), normalised root mean squared error, there with any normaliser.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    mean = weighted_mean(target, weight)
    if bool((mean == 0).any()):
        raise ValueError("target must not have the mean 0 where errors are shares of its mean, got 0")
    return (root_mean_square(target - pred, weight) / mean.abs()).mean()
