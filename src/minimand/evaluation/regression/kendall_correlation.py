"""Kendall correlation: how many more pairs are in the right order than in the wrong one."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import require_variation

KENDALL_1945 = Paper(
    key="kendall1945ties",
    title="The Treatment of Ties in Ranking Problems",
    authors="Kendall",
    year=1945,
    venue="Biometrika 33(3)",
)


@metric(
    KENDALL_1945,
    slug="kendall-correlation",
    takes="values",
    higher_is_better=True,
    best=1.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Predictions are used to rank, and the value is to be read as a chance: of pairs without ties, a share of (1 "
    "+ tau) / 2 is in order.",
    drawback="Blind to every error that keeps the order; slower than the other correlations.",
    also_known_as=("kendall-tau", "tau-b"),
)
def kendall_correlation_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Kendall's tau-b, $S_{y\hat y} / \sqrt{S_{yy} S_{\hat y\hat y}}$.

    With $S_{ab} = \sum_{i<j} w_i w_j \operatorname{sgn}(a_i - a_j) \operatorname{sgn}(b_i - b_j)$. A row's weight
    is a number of rows here, so that a pair counts by the product of both weights: this is the meaning of weights
    in every metric of minimand, and not that of scipy's `weightedtau`, which weights ranks. Predictions that are
    all equal have 0, targets that are all equal are refused. Pairs are counted in $O(N \log^2 N)$.

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
        Kendall (1945), the coefficient with both corrections for ties.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a correlation")
    columns = zip(pred.unbind(1), target.unbind(1), strict=True)
    return torch.stack([_tau(said, true, weight) for said, true in columns]).mean()


def _tau(pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    said, true = pred.unique(return_inverse=True)[1], target.unique(return_inverse=True)[1]
    weight = weight / weight.sum()
    apart = _pairs_apart(said, weight).sqrt() * _pairs_apart(true, weight).sqrt()
    agreement = _ordered_pairs(said, true, weight) / torch.where(apart > 0, apart, torch.ones_like(apart))
    return agreement.clamp(-1.0, 1.0)


def _pairs_apart(rank: Tensor, weight: Tensor) -> Tensor:
    """The weight of the pairs that are not tied."""
    equal = rank.bincount(weight)
    return (equal * (1 - equal)).sum().clamp_min(0.0) / 2


def _ordered_pairs(said: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """The weight of the pairs in order less that of those out of order, for dense ranks.

    Two ranks that differ have a highest bit in which they do: bit by bit, each row with the bit set is compared with
    those of its group that lack it, whose weight above and below it cumulative sums give.
    """
    total = weight.new_zeros(())
    n_true = int(true.max()) + 1
    for bit in range(int(said.max()).bit_length()):
        upper = (said >> bit) % 2 == 1
        keys, place = ((said >> (bit + 1)) * n_true + true).unique(return_inverse=True)
        without = place.bincount(weight * ~upper, minlength=len(keys))
        group, member = (keys // n_true).unique(return_inverse=True)
        of_group = member.bincount(without, minlength=len(group))
        before = of_group.cumsum(0) - of_group
        below = without.cumsum(0) - without - before[member]
        above = of_group[member] - below - without
        total = total + (weight * upper * (below - above)[place]).sum()
    return total
