"""Spearman correlation: how well predictions rank the targets."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import correlation, require_variation
from minimand.evaluation.weighted_order import middle_ranks

SPEARMAN_1904 = Paper(
    key="spearman1904association",
    title="The Proof and Measurement of Association between Two Things",
    authors="Spearman",
    year=1904,
    venue="American Journal of Psychology 15(1)",
)


@metric(
    SPEARMAN_1904,
    slug="spearman-correlation",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Predictions are used to rank, and how far apart they lie does not matter.",
    drawback="Blind to every error that keeps the order.",
    also_known_as=("srcc", "rank-correlation"),
)
def spearman_correlation_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Spearman correlation, $\operatorname{corr}_w(\operatorname{rank} y, \operatorname{rank} \hat y)$.

    The Pearson correlation of ranks, equal numbers sharing the middle of their ranks. With weights the rank of a
    row is the weight below it and half the weight of its equals, which for whole weights is the rank among rows
    repeated so often. Predictions that are all equal have 0, targets that are all equal are refused.

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
        Spearman (1904), the method of ranks.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a correlation")
    said, true = (
        torch.stack([middle_ranks(column, weight) for column in numbers.unbind(1)], 1) for numbers in (pred, target)
    )
    return correlation(said, true, weight).mean()
