"""D2 of the absolute error: R2 for predictions of a median."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import require_variation, weighted_mean
from minimand.evaluation.weighted_order import weighted_quantile

KOENKER_1999 = Paper(
    key="koenker1999goodness",
    title="Goodness of Fit and Related Inference Processes for Quantile Regression",
    authors="Koenker and Machado",
    year=1999,
    venue="Journal of the American Statistical Association 94(448)",
)


@metric(
    KOENKER_1999,
    slug="d2-absolute-error",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="The median is predicted, and a number without unit is wanted.",
    drawback="Of targets of which more than half are equal, the best constant is hard to beat and says little.",
)
def d2_absolute_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Share of absolute error explained, $1 - \frac{\sum_i w_i |y_i - \hat y_i|}{\sum_i w_i |y_i - m|}$.

    Here $m$ is the weighted median of the targets. Against the best constant, the median of these very targets: 0
    is as good as it, below 0 is worse. Targets that are all equal are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at most 1, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all equal, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Koenker and Machado (1999), the goodness of fit $R^1$, at the median.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a share of absolute error")
    constant = weighted_quantile(target, weight, 0.5)
    error, reference = (weighted_mean((target - said).abs(), weight) for said in (pred, constant))
    return (1 - error / reference).mean()
