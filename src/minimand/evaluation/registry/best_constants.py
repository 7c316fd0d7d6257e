"""The one prediction of least loss for a sample of numbers, and the functionals that it may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

GRID = 401
ROUNDS = 6

Functional = Callable[[Tensor, Tensor], Tensor]
"""From a sample `(n,)` and its weights `(n,)` to a number `()`."""


def least_of_one(risks: Callable[[Tensor], Tensor], farthest: float) -> Tensor:
    """The output `()` of least risk, by ever finer grids: no slope is needed, any quasi-convex risk will do.

    Args:
        risks: from outputs `(G,)` in float64 to the risk of each `(G,)`.
        farthest: size of the largest output that is looked at.
    """
    middle, half = torch.zeros((), dtype=torch.float64), farthest
    with torch.no_grad():
        for _ in range(ROUNDS):
            grid = middle + half * torch.linspace(-1, 1, GRID, dtype=torch.float64)
            middle = grid[risks(grid).argmin()]
            half /= 20
    return middle


def weighted_mean(sample: Tensor, weight: Tensor) -> Tensor:
    """The mean `()`."""
    return (sample * weight).sum() / weight.sum()


def weighted_quantile(sample: Tensor, weight: Tensor, level: float = 0.5) -> Tensor:
    """The least number of the sample up to which it has at least this share of the weight, `()`."""
    order = sample.argsort()
    share = weight[order].cumsum(0) / weight.sum()
    return sample[order][int((share < level).sum())]


def relative_median(sample: Tensor, weight: Tensor, floor: float = 1e-7) -> Tensor:
    """The median `()` where each number counts for as much as it is small, at least for as much as the floor."""
    return weighted_quantile(sample, weight / sample.abs().clamp_min(floor))


def geometric_mean(sample: Tensor, weight: Tensor) -> Tensor:
    """The geometric mean of one more than the numbers, less one, `()`."""
    return weighted_mean(sample.log1p(), weight).expm1()


FUNCTIONALS: Mapping[str, Functional] = {
    "mean": weighted_mean,
    "median": weighted_quantile,
    "relative median": relative_median,
    "geometric mean": geometric_mean,
}
"""Name on the cards of losses of numbers -> what it means. A *quantile* has a level, a *centre* a symmetric sample."""
