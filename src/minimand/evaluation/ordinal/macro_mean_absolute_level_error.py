"""Macro-averaged mean absolute level error: every level counts the same, however rare."""

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
    slug="macro-mean-absolute-level-error",
    takes="scores",
    higher_is_better=False,
    best=0.0,
    tasks={Task.ORDINAL},
    when="Levels are unbalanced, and the rare ones, often those at the ends, matter as much.",
    drawback="A level with two rows counts as much as one with a thousand: the value is noisy where levels are rare.",
    also_known_as=("macro-mae", "amae"),
)
def macro_mean_absolute_level_error_metric(
    pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Macro-averaged level error, $\frac{1}{|C|} \sum_{c \in C} \operatorname{mean}_{w,\, y_i = c} |c - \hat y_i|$.

    In levels; $\hat y_i$ is the level with the first of the largest scores, and $C$ are the levels that occur in
    `target` on rows of positive weight.

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
        Baccianella, Esuli and Sebastiani (2009), the macro-averaged mean absolute error.
    """
    predicted, target, weight = decided_levels(pred, target, sample_weight)
    misses = target.bincount(weight * (predicted - target).abs(), minlength=pred.shape[1])
    rows = target.bincount(weight, minlength=pred.shape[1])
    return (misses[rows > 0] / rows[rows > 0]).mean()
