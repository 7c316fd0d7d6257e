"""Pinball loss: the error of a predicted quantile."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.arguments import require_range
from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import weighted_mean

KOENKER_1978 = Paper(
    key="koenker1978quantiles",
    title="Regression Quantiles",
    authors="Koenker and Bassett",
    year=1978,
    venue="Econometrica 46(1)",
)


@metric(
    KOENKER_1978,
    slug="mean-pinball-loss",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="A quantile is predicted, such as a stock that must suffice nine times out of ten.",
    drawback="Says nothing about other quantiles; those far out need many rows.",
    also_known_as=("quantile-loss", "pinball-loss"),
)
def mean_pinball_loss_metric(
    pred: Tensor, target: Tensor, /, *, quantile: float = 0.5, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Mean pinball loss, $\frac{1}{\sum_i w_i} \sum_i w_i \max(q\, e_i, (q - 1)\, e_i)$ with $e_i = y_i - \hat y_i$.

    In the unit of the target. Of all constants the quantile $q$ of the targets has the least value. At one half
    this is half the mean absolute error.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        quantile: $q$, in (0, 1), the share of targets that shall lie below the prediction.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, a `quantile` outside its range, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Koenker and Bassett (1978), the minimisation problem that defines a sample quantile.
    """
    require_range("quantile", quantile, above=0.0, below=1.0)
    pred, target, weight = checked_values(pred, target, sample_weight)
    error = target - pred
    return weighted_mean(torch.maximum(quantile * error, (quantile - 1) * error), weight).mean()
