"""Forecasts whose truth is known: pairs of true and stated class probabilities, and the expected score of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor


def forecasts(rng: Generator, *, pairs: int = 50) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of true and stated probabilities `(K,)` in float64, with 2 to 20 classes, from far apart to close."""
    for n_classes in (2, 5, 20):
        for share in torch.linspace(0.01, 1.0, pairs).tolist():
            truth = torch.randn(n_classes, generator=rng, dtype=torch.float64)
            stated = (1 - share) * truth + share * torch.randn(n_classes, generator=rng, dtype=torch.float64)
            yield truth.softmax(0), stated.softmax(0)


def expected(metric: Callable[..., Tensor], stated: Tensor, truth: Tensor) -> float:
    """The exact expectation of a score over the classes: one row for each, weighted by its true probability."""
    n_classes = len(truth)
    rows = stated.expand(n_classes, -1)
    return float(metric(rows, torch.arange(n_classes), sample_weight=truth))
