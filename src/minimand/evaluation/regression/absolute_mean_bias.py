"""Absolute mean bias: how far predictions are too high, or too low, all in all."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import weighted_mean

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="absolute-mean-bias",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="Sums of predictions are used, such as a yearly total, and errors may cancel.",
    drawback="Errors of both signs cancel: a prediction that is wrong everywhere may have none.",
    also_known_as=("mean-bias-error", "mbe"),
)
def absolute_mean_bias_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Absolute mean bias, $\left|\frac{\sum_i w_i (\hat y_i - y_i)}{\sum_i w_i}\right|$.

    In the unit of the target. The mean bias error itself has a sign, and its best value, 0, lies in the middle: it
    is a diagnosis. Its absolute value says how good a prediction is in this respect, less being better.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), mean bias error, there with its sign.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    # errors of infinite size and both signs have no mean, and are as wrong as can be
    return weighted_mean(pred - target, weight).abs().nan_to_num(nan=torch.inf, posinf=torch.inf).mean()
