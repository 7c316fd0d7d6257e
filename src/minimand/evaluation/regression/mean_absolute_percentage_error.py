"""Mean absolute percentage error: the error as a share of the target."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import weighted_mean

GNEITING_2011 = Paper(
    key="gneiting2011points",
    title="Making and Evaluating Point Forecasts",
    authors="Gneiting",
    year=2011,
    arxiv="0912.0902",
)


@metric(
    GNEITING_2011,
    slug="mean-absolute-percentage-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="Targets are positive, far from zero, and of very different sizes.",
    drawback="Too low costs at most one, too high has no limit: what is chosen by it is too low.",
    also_known_as=("mape",),
)
def mean_absolute_percentage_error_metric(
    pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Mean absolute percentage error, $\frac{1}{\sum_i w_i} \sum_i w_i \left|\frac{y_i - \hat y_i}{y_i}\right|$.

    A share, not a percentage: 0.05 is five percent. It is least not for the median of the targets, but for that of
    their distribution weighted by $1/|y|$, so that it prefers predictions that are too low. Of a target of 0 there
    are no shares, and it is refused; scikit-learn divides by 2.2e-16 there.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers, not 0.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Gneiting (2011), absolute percentage error, and what weighted scoring functions are least for.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    zeros = int((target == 0).sum())
    if zeros:
        raise ValueError(f"target must not be 0 where errors are shares of it, got {zeros} of {target.numel()} numbers")
    return weighted_mean(((target - pred) / target).abs(), weight).mean()
