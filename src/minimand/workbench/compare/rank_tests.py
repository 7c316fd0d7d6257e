r"""Tests over several data sets: whether objectives rank differently, and which pairs of them do.

Each data set gives one number for each objective, and data sets are independent of each other, so here no correction
for shared rows is due. What is asked is another question than on one data set: whether an objective is better on data
sets like these, by any amount, and not whether it is better on one of them.

* `friedman_test`: whether all objectives have the same expected rank, by the F form of Iman and Davenport.
* `signed_rank_p`: whether one pair differs, by Wilcoxon's signed ranks. Its p-value is exact: all $2^T$ ways to sign
  the T differences, ties and zeros as they are. It looks at nothing but the pair, unlike a test of mean ranks, whose
  answer for two objectives depends on which others were compared with them. Its price is that T data sets give no
  p-value below $2^{1 - T}$.
* `nemenyi_difference`: the critical difference of mean ranks, for those who want to compare with older diagrams.

References:
    J. Demsar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.
    A. Benavoli, G. Corani and F. Mangili. Should we really use post-hoc tests based on mean-ranks? JMLR 17, 2016.
    J. W. Pratt. Remarks on zeros and ties in the Wilcoxon signed rank procedures. JASA 54, 1959.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from minimand.extras import require

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class FriedmanTest:
    """Whether objectives have the same expected rank: the statistic as chi-squared and as F, and the p-value of F."""

    chi_squared: float
    f: float
    p: float


def ranks_of(scores: Matrix) -> Matrix:
    """`(S, T)` ranks of scores `(S, T)` within each data set: 1 for the highest, equal ones share the mean.

    Equal means equal to twelve digits: means of the same numbers in another order differ in their last bits.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("scores must be finite and of shape (S, T)")
    close = 1e-12 * np.maximum(1.0, np.abs(scores).max(initial=0.0))
    gaps = scores[None, :, :] - scores[:, None, :]
    better, equal = (gaps > close).sum(1), (np.abs(gaps) <= close).sum(1)
    found: Matrix = better + (equal + 1.0) / 2.0
    return found


def friedman_test(ranks: Matrix) -> FriedmanTest:
    """Friedman's test of ranks `(S, T)`, corrected for ties, in the form of Iman and Davenport.

    Raises:
        ValueError: fewer than two objectives or two data sets.
    """
    objectives, sets = ranks.shape
    if objectives < 2 or sets < 2:
        raise ValueError(f"ranks must be of at least 2 objectives and 2 data sets, got {ranks.shape}")
    between = float(((ranks.sum(1) - sets * (objectives + 1) / 2.0) ** 2).sum())
    within = float(((ranks - (objectives + 1) / 2.0) ** 2).sum())
    if within == 0.0:  # all equal everywhere
        return FriedmanTest(0.0, 0.0, 1.0)
    chi_squared = between * (objectives - 1) / within
    left = sets * (objectives - 1) - chi_squared
    if left <= 1e-9:  # every data set has the same order
        return FriedmanTest(chi_squared, math.inf, 0.0)
    f = (sets - 1) * chi_squared / left
    special = require("scipy.special", extra="workbench")
    return FriedmanTest(chi_squared, f, float(special.fdtrc(objectives - 1, (objectives - 1) * (sets - 1), f)))


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided exact p-value of Wilcoxon's signed-rank test; zeros are ranked and then left out (Pratt).

    Args:
        differences: one for each data set, finite.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("differences must be one row of finite numbers")
    close = 1e-12 * max(1.0, float(np.abs(values).max(initial=0.0)))
    values = np.where(np.abs(values) <= close, 0.0, values)
    sizes = np.abs(values)
    # twice the mid-ranks, so that they are whole.
    below = (sizes[:, None] > sizes[None, :] + close).sum(1)
    equal = (np.abs(sizes[:, None] - sizes[None, :]) <= close).sum(1)
    doubled = (2 * below + equal + 1)[values != 0.0]
    ways = np.ones(1)
    for rank in doubled:
        longer = np.zeros(len(ways) + rank)
        longer[: len(ways)] = ways / 2.0
        longer[rank:] += ways / 2.0
        ways = longer
    positive = int(doubled[values[values != 0.0] > 0.0].sum())
    tail = min(positive, int(doubled.sum()) - positive)
    return min(1.0, 2.0 * float(ways[: tail + 1].sum()))


def pairwise_p(scores: Matrix) -> dict[tuple[int, int], float]:
    """The p-value of `signed_rank_p` for each pair of rows of scores `(S, T)`."""
    return {
        (first, second): signed_rank_p((scores[first] - scores[second]).tolist())
        for first, second in combinations(range(len(scores)), 2)
    }


def groups_alike(order: Sequence[int], differing: set[frozenset[int]]) -> list[list[int]]:
    """The longest runs of neighbours in an order of which no two differ: the bars of a critical-difference diagram.

    Args:
        order: the objectives, best first.
        differing: the pairs that differ.
    """
    runs: list[tuple[int, int]] = []
    for first in range(len(order)):
        last = first
        while last + 1 < len(order) and all(
            frozenset((order[inside], order[last + 1])) not in differing for inside in range(first, last + 1)
        ):
            last += 1
        if last > first and not any(begin <= first and last <= end for begin, end in runs):
            runs.append((first, last))
    return [list(order[first : last + 1]) for first, last in runs]


def least_p(sets: int) -> float:
    """The smallest p-value that `signed_rank_p` can give for so many data sets."""
    return min(1.0, 2.0 ** (1 - sets))


def nemenyi_difference(objectives: int, sets: int, *, alpha: float) -> float:
    """The difference of mean ranks from which two objectives differ by Nemenyi's test."""
    stats = require("scipy.stats", extra="workbench")
    quantile = float(stats.studentized_range.ppf(1.0 - alpha, objectives, math.inf)) / math.sqrt(2.0)
    return quantile * math.sqrt(objectives * (objectives + 1) / (6.0 * sets))
