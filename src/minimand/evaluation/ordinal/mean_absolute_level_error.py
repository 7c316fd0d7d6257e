"""Mean absolute level error: by how many levels predictions are wrong."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import metric
from minimand.evaluation.levels import decided_levels

BACCIANELLA_2009 = Paper(
    key="baccianella2009ordinal",
    title="Evaluation Measures for Ordinal Regression",
    authors="Baccianella, Esuli and Sebastiani",
    year=2009,
    venue="ISDA 2009",
)


@metric(
    BACCIANELLA_2009,
    slug="mean-absolute-level-error",
    takes="scores",
    higher_is_better=False,
    best=0.0,
    tasks={Task.ORDINAL},
    when="Each level further off costs the same.",
    drawback="Rare levels hardly count: always naming the middle one of the common levels scores well.",
)
def mean_absolute_level_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Mean absolute level error, $\frac{\sum_i w_i |y_i - \arg\max_k s_{ik}|}{\sum_i w_i}$.

    In levels. Where the true chances of the levels are known, naming their median has the least value.

    Args:
        pred: `(N, K)`, scores that rank the levels, or probabilities; the first of the largest is the prediction.
        target: `(N,)`, levels, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar in `[0, K - 1]`, float64.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Baccianella, Esuli and Sebastiani (2009), the mean absolute error.
    """
    predicted, target, weight = decided_levels(pred, target, sample_weight)
    return (weight * (predicted - target).abs()).sum() / weight.sum()
