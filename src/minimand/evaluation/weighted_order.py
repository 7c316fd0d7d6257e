"""What depends on the order of numbers: medians, quantiles and ranks, of rows with weights."""

from __future__ import annotations

import torch
from torch import Tensor

# Sums of weights that must reach a share of the total may miss it by their rounding.
ROUNDING = 1e-12


def weighted_median(values: Tensor, weight: Tensor) -> Tensor:
    """The median `(D,)` of each column of `(n, D)`, rows weighted `(n,)`: the middle of all medians there are."""
    ordered, reached = _reached(values, weight)
    lower = _first(ordered, reached >= 0.5 - ROUNDING)
    upper = _first(ordered, reached > 0.5 + ROUNDING)
    return lower / 2 + upper / 2


def weighted_quantile(values: Tensor, weight: Tensor, share: float) -> Tensor:
    """The least number `(D,)` of each column of `(n, D)` below or at which lies this share of the weight."""
    ordered, reached = _reached(values, weight)
    return _first(ordered, reached >= share - ROUNDING)


def middle_ranks(values: Tensor, weight: Tensor) -> Tensor:
    """The rank `(n,)` of each of `(n,)` numbers: the weight of those below and half the weight of its equals."""
    unique, place = values.unique(return_inverse=True)
    equal = place.bincount(weight, minlength=len(unique))
    below = equal.cumsum(0) - equal
    ranks: Tensor = (below + equal / 2)[place]
    return ranks


def _reached(values: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Each column in its order, and the share of the weight up to each number."""
    ordered, order = values.sort(0)
    sums = weight[order].cumsum(0)
    return ordered, sums / sums[-1]


def _first(ordered: Tensor, reached: Tensor) -> Tensor:
    place = reached.to(torch.uint8).argmax(0, keepdim=True)
    return ordered.gather(0, place).squeeze(0)
