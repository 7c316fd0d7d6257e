"""Accuracy within one level: how often the prediction is right or next to it."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import metric
from minimand.evaluation.levels import decided_levels


@metric(
    slug="within-one-level-accuracy",
    takes="scores",
    higher_is_better=True,
    best=1.0,
    tasks={Task.ORDINAL},
    when="A neighbouring level will do, as of grades or stages that experts too confuse.",
    drawback="With three levels, always naming the middle one is perfect.",
    also_known_as=("adjacent-accuracy", "one-off-accuracy", "off-by-one-accuracy"),
)
def within_one_level_accuracy_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Accuracy within one level, $\frac{\sum_i w_i [|y_i - \arg\max_k s_{ik}| \le 1]}{\sum_i w_i}$.

    At least accuracy. Guessing evenly among $K$ levels reaches $(3K - 2) / K^2$.

    Args:
        pred: `(N, K)`, scores that rank the levels, or probabilities; the first of the largest is the prediction.
        target: `(N,)`, levels, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar in `[0, 1]`, float64.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.
    """
    predicted, target, weight = decided_levels(pred, target, sample_weight)
    return weight[(predicted - target).abs() <= 1].sum() / weight.sum()
