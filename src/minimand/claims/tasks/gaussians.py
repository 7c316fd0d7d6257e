"""Gaussian clusters, one a class: data of any size whose true class probabilities are known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from minimand.training.rows import Rows


@dataclass(frozen=True)
class GaussianClusters:
    """Spherical clusters of unit variance around given means, all classes alike.

    Args:
        means: `(K, d)`.
    """

    means: Tensor

    @classmethod
    def random(cls, rng: Generator, *, n_classes: int, n_features: int, spread: float) -> GaussianClusters:
        """Means drawn from a Gaussian whose deviation is `spread` in each direction."""
        return cls(torch.randn(n_classes, n_features, generator=rng) * spread)

    def sample(self, n: int, rng: Generator) -> Rows:
        """`n` rows with their classes."""
        y = torch.randint(0, len(self.means), (n,), generator=rng)
        return Rows(self.means[y] + torch.randn(n, self.means.shape[1], generator=rng), y)

    def log_posterior(self, x: Tensor) -> Tensor:
        """The log of the true class probabilities `(n, K)`."""
        return (-torch.cdist(x, self.means).square() / 2).log_softmax(1)
