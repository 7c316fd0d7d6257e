"""Gamma deviance: the error of predicted amounts, by factors."""

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
    slug="mean-gamma-deviance",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    lowest_target=0.0,
    open_below=True,
    lowest_prediction=0.0,
    when="Targets are positive amounts, such as costs or times, whose deviation grows with their mean.",
    drawback="Targets near zero decide: they are the ones that can be missed by the largest factor.",
)
def mean_gamma_deviance_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Mean gamma deviance, $\frac{2}{\sum_i w_i} \sum_i w_i (\log\frac{\mu_i}{y_i} + \frac{y_i}{\mu_i} - 1)$.

    Depends on the ratios of targets and predictions only. Of all constants the mean of the targets has the least
    value, unlike with other errors of ratios.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers above 0.
        target: `(N,)` or `(N, D)`, finite numbers above 0.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Nelder and Wedderburn (1972), the deviance of a gamma model.
    """
    pred, target, weight = checked_values(pred, target, sample_weight, above=0.0, predictions_above=0.0)
    return weighted_mean(unit_deviance(pred, target, 2.0), weight).mean()
