"""Brier score: the squared distance between predicted probabilities and what happened."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_prediction, metric

BRIER_1950 = Paper(
    key="brier1950verification",
    title="Verification of Forecasts Expressed in Terms of Probability",
    authors="Brier",
    year=1950,
    venue="Monthly Weather Review 78(1)",
)


@metric(
    BRIER_1950,
    slug="brier",
    takes="probabilities",
    higher_is_better=False,
    best=0.0,
    tasks={Task.BINARY, Task.MULTICLASS},
    when="The probabilities themselves are used, and no single row may decide.",
    drawback="Hardly tells 1 in 1000 from 1 in 100000: rare events need the log loss.",
)
def brier_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Brier score, $\frac{\sum_i w_i \sum_k (p_{ik} - [k = y_i])^2}{\sum_i w_i}$.

    A strictly proper score in $[0, 2]$, summed over all classes as in the paper: with two classes it is twice the
    squared error of the probability of one of them, which is also called the Brier score.

    Args:
        pred: `(N, K)`, probabilities.
        target: `(N,)`, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar in `[0, 2]`, float64.

    Raises:
        ValueError: shapes or values that do not fit, rows that are no probabilities, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Brier (1950), eq. 2.
    """
    probabilities, target, weight = checked_prediction(pred, target, sample_weight, takes="probabilities")
    miss = probabilities.scatter_add(1, target[:, None], -weight.new_ones(len(target), 1))
    return (weight * miss.square().sum(1)).sum() / weight.sum()
