"""Pearson correlation: how well predictions follow the targets along a line."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import correlation, require_variation

PEARSON_1896 = Paper(
    key="pearson1896regression",
    title="Mathematical Contributions to the Theory of Evolution III: Regression, Heredity, and Panmixia",
    authors="Pearson",
    year=1896,
    venue="Philosophical Transactions of the Royal Society A 187",
)


@metric(
    PEARSON_1896,
    slug="pearson-correlation",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Predictions are scaled afterwards, or only whether they rise and fall with the targets matters.",
    drawback="Predictions that are all a hundred times too large are perfect to it; one extreme row can make or break "
    "it.",
    also_known_as=("plcc", "correlation"),
)
def pearson_correlation_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Pearson correlation, $\operatorname{cov}_w(y, \hat y) / (\sigma_w(y)\, \sigma_w(\hat y))$.

    Unchanged by a positive factor and an offset of the predictions. Predictions that are all equal follow nothing
    and have 0, where scipy gives NaN; targets that are all equal are refused. An infinite prediction counts as the
    largest number there is.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar in `[-1, 1]`, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all equal, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Pearson (1896), the product-moment coefficient.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a correlation")
    return correlation(pred, target, weight).mean()
