"""Explained variance: R2 after the mean error is taken away."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import deviation, require_variation


@metric(
    slug="explained-variance",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="A constant error can be corrected, and only the rest matters.",
    drawback="Predictions that are all too high by a million lose nothing.",
)
def explained_variance_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Explained variance, $1 - \frac{\operatorname{Var}(y - \hat y)}{\operatorname{Var}(y)}$ with weights $w$.

    R2 is less than this by the squared bias as a share of the variance, and both are equal where predictions are
    right on average. Targets that are all equal are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at most 1, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all equal, or no row of positive weight.
        TypeError: dtypes that do not fit.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "explained variance")
    share = deviation(target - pred, weight) / deviation(target, weight)
    return (1 - share.square()).mean()
