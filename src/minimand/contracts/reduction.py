"""From one value a row to what a loss returns: absent rows, weights, and the sum or mean over them."""

from __future__ import annotations

import torch
from torch import Tensor

from minimand.contracts.arguments import Reduction


def present_rows(target: Tensor, sample_weight: Tensor | None, ignore_index: int | None) -> Tensor | None:
    """Which rows count, `(N,)` bool; None when all do."""
    present = None if ignore_index is None else target != ignore_index
    if present is not None and present.ndim == 2:
        present = present.any(1)  # of several labels one that is known is enough
    if sample_weight is not None:
        present = sample_weight != 0 if present is None else present & (sample_weight != 0)
    return present


def row_weights(n_rows: int, present: Tensor | None, sample_weight: Tensor | None, like: Tensor) -> Tensor:
    """The weight of each row `(N,)`, 0 for absent ones, in the dtype and on the device of `like`."""
    if sample_weight is None:
        return like.new_ones(n_rows) if present is None else present.to(like.dtype)
    weight = sample_weight.to(like.dtype)
    return weight if present is None else torch.where(present, weight, torch.zeros_like(weight))


def reduce_rows(values: Tensor, weight: Tensor | None, reduction: Reduction) -> Tensor:
    """Values `(N,)` weighted and reduced; `weight` None means one for each row."""
    if reduction == "none":
        return values if weight is None else values * weight
    if reduction == "sum":
        return values.sum() if weight is None else (values * weight).sum()
    if weight is None:
        # divided before the sum: the mean may fit where the sum overflows.
        return (values / max(len(values), 1)).sum()
    count = weight.sum()
    return (values * (weight / torch.where(count == 0, torch.ones_like(count), count))).sum()
