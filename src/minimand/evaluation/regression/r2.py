"""R2: the share of the targets' variance that predictions explain."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import deviation, require_variation, root_mean_square


@metric(
    slug="r2",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="A number without unit is wanted that says how much there was to explain.",
    drawback="Depends on how far the test targets are spread: a narrow range lowers it with the same errors.",
    also_known_as=("r-squared", "coefficient-of-determination"),
)
def r2_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Coefficient of determination, $1 - \frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i (y_i - \bar y)^2}$.

    Against the best constant, the mean of these very targets: 0 is as good as it, below 0 is worse. Targets that
    are all equal have no variance to explain, and are refused; scikit-learn gives 1 or 0 there.

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
    require_variation(target, "R2")
    share = root_mean_square(target - pred, weight) / deviation(target, weight)
    return (1 - share.square()).mean()
