"""Predictions, targets and weights that the metrics of numbers are compared on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

Rows = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def rows() -> Rows:
    """Sixty rows of one number: predictions with ties, targets, weights."""
    rng = torch.Generator().manual_seed(0)
    target = 3 * torch.randn(60, generator=rng, dtype=torch.float64) + 1
    pred = target + torch.randn(60, generator=rng, dtype=torch.float64) + 0.3
    pred[20:30] = pred[20:30].round()
    target[25:35] = target[25:35].round() + 0.5
    return pred, target, torch.rand(60, generator=rng, dtype=torch.float64) + 0.1


@pytest.fixture
def columns() -> Rows:
    """Forty rows of three numbers of different size."""
    rng = torch.Generator().manual_seed(1)
    scale = torch.tensor([1.0, 10.0, 0.1], dtype=torch.float64)
    target = torch.randn(40, 3, generator=rng, dtype=torch.float64) * scale + 0.5
    pred = target + torch.randn(40, 3, generator=rng, dtype=torch.float64) * scale * torch.tensor([0.2, 1.0, 2.0])
    return pred, target, torch.rand(40, generator=rng, dtype=torch.float64) + 0.1


@pytest.fixture
def positive_rows() -> Rows:
    """Sixty rows of one positive number."""
    rng = torch.Generator().manual_seed(2)
    target = torch.randn(60, generator=rng, dtype=torch.float64).exp() * 4
    pred = target * (0.7 * torch.randn(60, generator=rng, dtype=torch.float64)).exp()
    return pred, target, torch.rand(60, generator=rng, dtype=torch.float64) + 0.1


@pytest.fixture
def positive_columns() -> Rows:
    """Forty rows of three positive numbers."""
    rng = torch.Generator().manual_seed(3)
    target = torch.randn(40, 3, generator=rng, dtype=torch.float64).exp()
    pred = target * (0.5 * torch.randn(40, 3, generator=rng, dtype=torch.float64)).exp()
    return pred, target, torch.rand(40, generator=rng, dtype=torch.float64) + 0.1
