"""Labelled rows in tensors: what the training loop takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Inputs with their targets and, where rows count differently, their weights.

    Args:
        x: `(n, ...)` inputs of the network.
        y: `(n,)` integers, class indices; or numbers, `(n,)` or `(n, D)`.
        weight: `(n,)` nonnegative, or None when every row counts once.
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None = None

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"x and y must have the same number of rows, got {len(self.x)} and {len(self.y)}")
        if self.weight is not None and self.weight.shape != self.y.shape[:1]:
            raise ValueError(f"weight must have shape ({len(self.y)},), got {tuple(self.weight.shape)}")

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: Tensor) -> Rows:
        """The rows with these numbers, in this order."""
        return Rows(self.x[index], self.y[index], None if self.weight is None else self.weight[index])

    def to(self, device: torch.device | str) -> Rows:
        """The same rows on another device."""
        return Rows(self.x.to(device), self.y.to(device), None if self.weight is None else self.weight.to(device))
