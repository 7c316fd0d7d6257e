"""Quadratic weighted kappa: agreement beyond chance, where near misses count little."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import metric
from minimand.evaluation.levels import decided_levels

COHEN_1968 = Paper(
    key="cohen1968weighted",
    title="Weighted Kappa: Nominal Scale Agreement with Provision for Scaled Disagreement or Partial Credit",
    authors="Cohen",
    year=1968,
    venue="Psychological Bulletin 70(4)",
)


@metric(
    COHEN_1968,
    slug="quadratic-weighted-kappa",
    takes="scores",
    higher_is_better=True,
    best=1.0,
    tasks={Task.ORDINAL},
    when="Levels are as far apart as their numbers say, and an error of two levels is four times as bad as one of one.",
    drawback="Changes with the frequencies of the levels, and prefers predictions as spread as the targets to those "
    "that are nearest.",
    also_known_as=("qwk", "weighted-kappa"),
)
def quadratic_weighted_kappa_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Quadratic weighted kappa, $1 - \frac{\sum_{ij} (i - j)^2 o_{ij}}{\sum_{ij} (i - j)^2 \pi_i q_j}$.

    Here $o_{ij}$ is the share of rows of level $i$ that are predicted as $j$, $\pi_i$ the share of level $i$ in
    `target` and $q_j$ its share of the predictions (the first of the largest scores). Where all targets and all
    predictions are of one and the same level, agreement says nothing, and it is 0; scikit-learn gives NaN there.

    Args:
        pred: `(N, K)`, scores that rank the levels, or probabilities; the first of the largest is the prediction.
        target: `(N,)`, levels, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar in `[-1, 1]`, float64.

    Raises:
        ValueError: shapes or values that do not fit, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Cohen (1968), weighted kappa in terms of disagreement, with squared distances.
    """
    predicted, target, weight = decided_levels(pred, target, sample_weight)
    observed = (weight * (predicted - target).square()).sum() / weight.sum()
    shares = [levels.bincount(weight, minlength=pred.shape[1]) / weight.sum() for levels in (predicted, target)]
    level = torch.arange(pred.shape[1], dtype=torch.float64, device=pred.device)
    by_chance = shares[0] @ (level[:, None] - level).square() @ shares[1]
    if not bool(by_chance > 0):
        return torch.zeros_like(observed)
    return 1 - observed / by_chance
