"""Weighted means and deviations of columns, which keep their size: no square overflows, infinity stays infinity."""

from __future__ import annotations

import torch
from torch import Tensor


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """The mean `(D,)` of each column of `(n, D)`, rows weighted `(n,)`."""
    share = weight / weight.sum()
    return (share[:, None] * values).sum(0)


def root_mean_square(values: Tensor, weight: Tensor) -> Tensor:
    """The root `(D,)` of the mean square of each column of `(n, D)`, rows weighted `(n,)`."""
    largest = values.abs().amax(0)
    # squares of numbers scaled to at most one neither overflow nor all vanish
    scale = torch.where((largest > 0) & largest.isfinite(), largest, torch.ones_like(largest))
    root = scale * weighted_mean((values / scale).square(), weight).sqrt()
    return torch.where(largest.isfinite(), root, largest)


def deviation(values: Tensor, weight: Tensor) -> Tensor:
    """The standard deviation `(D,)` of each column of `(n, D)` around its mean; infinite where a value is."""
    mean = weighted_mean(values, weight)
    around = root_mean_square(values - mean, weight)
    return torch.where(mean.isfinite(), around, torch.full_like(around, torch.inf))


def is_constant(values: Tensor) -> Tensor:
    """`(D,)` bool: the columns of `(n, D)` that hold one number only."""
    # not by the deviation, which rounding of the mean keeps above zero
    return values.amax(0) == values.amin(0)


def require_variation(target: Tensor, name: str) -> None:
    """Refuse targets `(n, D)` with a column that holds one number only.

    Raises:
        ValueError: there is such a column.
    """
    constant = is_constant(target)
    if bool(constant.any()):
        number = float(target[0, constant][0])
        raise ValueError(f"target must hold at least two different numbers for {name}, got only {number:g}")


def correlation(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """The Pearson correlation `(D,)` of the columns of two `(n, D)`, rows weighted `(n,)`; 0 where one is constant."""
    standard = [_standardised(values, weight) for values in (first, second)]
    return weighted_mean(standard[0] * standard[1], weight).clamp(-1.0, 1.0)


def _standardised(values: Tensor, weight: Tensor) -> Tensor:
    largest = torch.finfo(values.dtype).max
    # a quarter: centring must not overflow
    values = values.clamp(-largest, largest) / 4
    values = values - weighted_mean(values, weight)
    spread = root_mean_square(values, weight)
    return torch.where(is_constant(values), torch.zeros_like(values), values / spread)
