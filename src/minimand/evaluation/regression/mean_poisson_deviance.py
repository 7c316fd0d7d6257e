"""Poisson deviance: the error of predicted counts."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.unit_deviances import unit_deviance
from minimand.evaluation.weighted_moments import weighted_mean

NELDER_1972 = Paper(
    key="nelder1972glm",
    title="Generalized Linear Models",
    authors="Nelder and Wedderburn",
    year=1972,
    venue="Journal of the Royal Statistical Society A 135(3)",
)


@metric(
    NELDER_1972,
    slug="mean-poisson-deviance",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    lowest_target=0.0,
    lowest_prediction=0.0,
    when="Targets are counts or rates, whose variance grows with their mean.",
    drawback="Predictions must be positive: one near zero where something happens costs without limit.",
)
def mean_poisson_deviance_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Mean Poisson deviance, $\frac{2}{\sum_i w_i} \sum_i w_i \left(y_i \log\frac{y_i}{\mu_i} - y_i + \mu_i\right)$.

    Twice the logarithm of how much less likely the targets are under the predicted means than under themselves. Of
    all constants the mean of the targets has the least value; with right means above about 5 it is near one.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers above 0.
        target: `(N,)` or `(N, D)`, finite numbers of at least 0.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Nelder and Wedderburn (1972), the deviance of a Poisson model.
    """
    pred, target, weight = checked_values(pred, target, sample_weight, least=0.0, predictions_above=0.0)
    return weighted_mean(unit_deviance(pred, target, 1.0), weight).mean()
